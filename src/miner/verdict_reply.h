// What a scoring service answers: foreign bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lode::miner {

/// The engine's scores end near 1.4 (alignment may exceed 1); more is no score. A service of
/// another kind may go a little below 0.
inline constexpr double kLowestScore = -1, kHighestScore = 10;

struct ServiceVerdict {
  double score = 0;
  /// Judging stopped, since the score will not reach the floor that was asked for: `score` is
  /// foretold.
  bool is_discarded = false;
  std::string reason;  ///< one line for people, at most 300 bytes
};

/// The body of a validation route's answer: `score`, a number from kLowestScore to kHighestScore;
/// optional `reason` and `discarded`. Everything else is left alone, and so are optional fields of
/// another type. Errc::peer_failure.
Result<ServiceVerdict> parse_verdict(std::string_view body);

/// What a service said was wrong, its `detail`, short enough for a log line.
std::string describe_refusal(int status, std::string_view body);

}  // namespace lode::miner
