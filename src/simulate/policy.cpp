#include "simulate/policy.h"

#include "base/assert.h"

namespace lode::simulate {

std::string_view to_string(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::base:
      return "base";
    case PolicyKind::poll10:
      return "poll10";
    case PolicyKind::lode:
      return "lode";
  }
  return "unknown";
}

Result<PolicyKind> policy_kind_from(std::string_view name) {
  for (const PolicyKind kind : {PolicyKind::base, PolicyKind::poll10, PolicyKind::lode}) {
    if (to_string(kind) == name) {
      return kind;
    }
  }
  return fail(Errc::invalid_input,
              "policy '" + std::string(name) + "': base, poll10, lode or all was expected");
}

std::unique_ptr<Policy> make_policy(PolicyKind kind, const Config& config) {
  switch (kind) {
    case PolicyKind::base:
      return make_base_policy(config);
    case PolicyKind::poll10:
      return make_poll10_policy(config);
    case PolicyKind::lode:
      return make_lode_policy(config);
  }
  LODE_ASSERT(false, "every policy kind has a factory");
  return nullptr;
}

}  // namespace lode::simulate
