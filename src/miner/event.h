// What happened between the miner and a validator: the unit of the journal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace lode::miner {

enum class EventKind {
  pulling,            ///< intent: a task is about to be asked for
  assigned,           ///< a pull brought a task
  cooldown,           ///< a pull was answered with a cooldown
  pull_failed,        ///< a pull brought no usable answer
  generating,         ///< intent: a worker is about to make a candidate
  candidate_ready,    ///< a candidate was made, prepared and judged
  discarded,          ///< a candidate was made, and given up before it was fully judged
  cancelled,          ///< a candidate was given up before it was made: it is no longer wanted
  generation_failed,  ///< a worker or the request failed
  decided,            ///< a choice that was open, with the numbers behind it
  submitting,         ///< intent: a submission is about to be sent
  accepted,           ///< the validator accepted the result
  emptied,            ///< the validator took our empty submission
  rejected,           ///< the validator scored the result below its threshold
  validator_failed,   ///< the validator's own scorer failed
  settled,            ///< the task is done but its outcome was not seen (lost reply)
  submit_failed       ///< no usable answer to a submission; the task may still be held
};

std::string_view to_string(EventKind kind);
Result<EventKind> event_kind_from(std::string_view name);

/// One event. Fields that a kind does not use keep their defaults.
struct Event {
  Time at{};
  std::string hotkey;  ///< the validator
  EventKind kind = EventKind::assigned;
  std::string task_id;
  std::string detail;    ///< one line for people: the start of a prompt, an error, a verdict
  double score = 0;      ///< candidate_ready, submitting: our score; discarded: the score
                         ///< foretold; accepted: the validator's
  double threshold = 0;  ///< assigned, candidate_ready, discarded
  std::int64_t throttle_period = 0;  ///< assigned, seconds
  std::int64_t cooldown_until = 0;   ///< seconds since the epoch on our clock; 0: none given
  std::int64_t violations = 0;       ///< cooldown: as the validator counts them
  std::int64_t window_count = 0;     ///< feedback: results in the last four hours
  double rating = 0;                 ///< feedback
  double reward = 0;                 ///< feedback
  std::string task_type;             ///< assigned: "text" or "image"
  bool judged = false;               ///< candidate_ready: a scorer spoke, not the data checks alone
  int attempt = 0;         ///< generating and what follows from it: 0 for a task's first candidate
  std::uint64_t seed = 0;  ///< generating and what follows: what the candidate is made from
  double seconds = 0;      ///< candidate_ready, discarded: how long it took; replies: the call
  /// SHA-256, in hex, of the SPZ that candidate_ready made or `submitting` sends; else empty.
  std::string artifact;
};

}  // namespace lode::miner
