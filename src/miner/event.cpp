#include "miner/event.h"

#include <array>
#include <utility>

namespace lode::miner {
namespace {

constexpr std::array<std::pair<EventKind, std::string_view>, 17> kNames{{
    {EventKind::pulling, "pulling"},
    {EventKind::assigned, "assigned"},
    {EventKind::cooldown, "cooldown"},
    {EventKind::pull_failed, "pull_failed"},
    {EventKind::generating, "generating"},
    {EventKind::candidate_ready, "candidate_ready"},
    {EventKind::discarded, "discarded"},
    {EventKind::cancelled, "cancelled"},
    {EventKind::generation_failed, "generation_failed"},
    {EventKind::decided, "decided"},
    {EventKind::submitting, "submitting"},
    {EventKind::accepted, "accepted"},
    {EventKind::emptied, "emptied"},
    {EventKind::rejected, "rejected"},
    {EventKind::validator_failed, "validator_failed"},
    {EventKind::settled, "settled"},
    {EventKind::submit_failed, "submit_failed"},
}};

}  // namespace

std::string_view to_string(EventKind kind) {
  for (const auto& [candidate, name] : kNames) {
    if (candidate == kind) {
      return name;
    }
  }
  return "unknown";
}

Result<EventKind> event_kind_from(std::string_view name) {
  for (const auto& [kind, candidate] : kNames) {
    if (candidate == name) {
      return kind;
    }
  }
  return fail(Errc::invalid_input, "event kind '" + std::string(name) + "' is not known");
}

}  // namespace lode::miner
