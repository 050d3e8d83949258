// What a score has to be for a result to be sent to a validator.
#pragma once

#include <string>
#include <string_view>

#include "miner/experience.h"
#include "miner/ledger.h"

namespace lode::miner {

/// A validator's threshold and how far our score must be above it. The same numbers decide what is
/// sent, foretell what is not worth judging to the end, and are shown.
struct SendRule {
  double threshold = 0.6;
  double margin = 0;
  double least_acceptance = 0;  ///< the probability that the margin stands for: least_acceptance()
  MarginSource source = MarginSource::prior;

  double needed() const { return threshold + margin; }
  bool is_met_by(double score) const { return score >= needed(); }
};

/// From what was learned; `row` is the validator's.
SendRule send_rule(const Experience& experience, const std::string& hotkey, const LedgerRow& row,
                   const Priors& priors);

/// "prior", "all validators", "own".
std::string_view to_string(MarginSource source);

/// "0.613 needed (0.600 + 0.013)"
std::string describe(const SendRule& rule);

}  // namespace lode::miner
