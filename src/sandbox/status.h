// The sandbox's state as JSON, for tests, demos and people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sandbox/roster.h"
#include "sandbox/validator.h"

namespace lode::sandbox {

/// One validator's row.
struct ValidatorStatus {
  int uid = 0;
  std::string hotkey;
  int version = 0;
  double rating = 1500;  ///< of the miner
  Counters counters;
  std::int64_t faults = 0;
};

/// A neuron that a miner should not ask, and how often it was asked all the same.
struct BystanderStatus {
  int uid = 0;
  Role role = Role::low_stake;
  std::int64_t requests = 0;
};

struct Status {
  double seconds = 0;  ///< since the start
  double time_scale = 1;
  std::vector<ValidatorStatus> validators;
  std::vector<BystanderStatus> bystanders;
};

/// {seconds, time_scale, validators[], bystanders[], totals}; a validator's keys are the fields of
/// Counters and mean_score.
nlohmann::ordered_json to_json(const Status& status);

/// Some lines for people: one per validator and one of totals.
std::string summary(const Status& status);

}  // namespace lode::sandbox
