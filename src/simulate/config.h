// Every knob of a simulation, with its default.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "sandbox/rules.h"
#include "simulate/bound.h"
#include "simulate/generation_time.h"
#include "simulate/quality.h"
#include "subnet/dendrite.h"

namespace lode::simulate {

inline constexpr double kMaxHours = 10'000;
inline constexpr int kMaxValidators = 4096;
inline constexpr int kMaxWorkers = 1024;
/// Of validators times hours: twelve million tasks, minutes of computing.
inline constexpr double kMaxValidatorHours = 1'000'000;

/// What the Python competitive miner's simulation may be spared.
struct Poll10Options {
  /// Its client gives a generation up after this long, and the result is lost; the service works
  /// on to the end. 0: it waits for ever.
  Duration generation_timeout = std::chrono::seconds(60);
  /// Whether a round in which nobody is asked lasts as long as a pull, too. As written it does not.
  bool idle_rounds_take_a_pull = false;
};

struct Config {
  double hours = 4;          ///< measured, after the warm-up
  double warm_up_hours = 1;  ///< not measured
  int validators = 8;
  int workers = 2;
  std::uint64_t seed = 1;

  GenerationTime generation = GenerationTime::uniform(15, 25);
  double generation_failures = 0;  ///< share of generations that end in an error

  /// A pull from sending to its reply; it reaches the validator half-way.
  double pull_seconds = 1;
  /// A submission from sending to the verdict, validation included, and its reply.
  double submit_seconds = 2;
  double latency_spread = 0;  ///< coefficient of variation of both, lognormal

  double fault_pulls = 0;    ///< share of pulls that never arrive
  double fault_submits = 0;  ///< share of submissions that never arrive
  double fault_replies = 0;  ///< share of submissions that are processed but not answered

  /// Each validator's clock is ours plus up to this many seconds, either way.
  double clock_offset = 0;

  QualityModel quality;
  bool has_scorer = true;  ///< whether the lode policy judges its candidates
  /// Results before the lode policy trusts its scorer's calibration: miner::Priors.
  int calibration_pairs = 30;
  bool has_extras = true;  ///< whether its spare workers try to better a result that could be sent

  bool has_owner = true;  ///< whether the first validator is the subnet's owner (base asks it more)
  Poll10Options poll10;
  /// Seconds that the lode policy waits for replies: as the miner does.
  double pull_timeout = subnet::kPullTimeoutSeconds;
  double submit_timeout = subnet::kSubmitTimeoutSeconds;

  sandbox::Rules rules;
};

/// Errc::invalid_input with the name of the flag and the range that was expected.
Result<void> validate(const Config& config);

/// The bound's view of a simulation. Its overhead is half a pull and a submission.
BoundInput bound_input(const Config& config);

}  // namespace lode::simulate
