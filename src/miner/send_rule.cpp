#include "miner/send_rule.h"

#include <fmt/format.h>

#include "miner/policy.h"

namespace lode::miner {

SendRule send_rule(const Experience& experience, const std::string& hotkey, const LedgerRow& row,
                   const Priors& priors) {
  SendRule rule;
  rule.threshold = row.threshold;
  rule.least_acceptance =
      least_acceptance(experience.acceptance(), row.penalty_or(priors), row.cooldown_or(priors));
  rule.margin = experience.margin(hotkey, row.threshold, rule.least_acceptance);
  rule.source = experience.margin_source(hotkey);
  return rule;
}

std::string_view to_string(MarginSource source) {
  switch (source) {
    case MarginSource::prior:
      return "prior";
    case MarginSource::pooled:
      return "all validators";
    case MarginSource::own:
      return "own";
  }
  return "unknown";
}

std::string describe(const SendRule& rule) {
  return fmt::format("{:.3f} needed ({:.3f} + {:.3f})", rule.needed(), rule.threshold, rule.margin);
}

}  // namespace lode::miner
