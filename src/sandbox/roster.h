// Who lives on the sandbox's subnet: validators, the miner, and neurons a miner should leave alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "chain/metagraph.h"

namespace lode::sandbox {

/// Most validators a sandbox can have: far more than subnets allow, for load tests.
inline constexpr int kMaxValidators = 256;

inline constexpr int kNetuid = 17;

enum class Role {
  validator,      ///< hands out tasks
  miner,          ///< whose hotkey file the sandbox writes
  low_stake,      ///< serves, but with less stake than miners should ask
  not_serving,    ///< has stake and a permit, but no address
  weight_copier,  ///< UID 180: serves and has stake, but never hands out a task
};
std::string_view to_string(Role role);

struct Resident {
  Role role = Role::validator;
  int version = 45;      ///< of a validator's protocol; every fourth, from the second on, is v44
  Bytes mini_secret;     ///< 32 bytes, from the seed: throw-away keys
  chain::Neuron neuron;  ///< without ip and port until it serves
  bool is_asked_in_error() const { return role == Role::low_stake || role == Role::weight_copier; }
};

/// `validators` (1..kMaxValidators) validators first, then the miner, then the others. The same
/// seed gives the same keys, UIDs and stakes.
std::vector<Resident> make_roster(int validators, std::uint64_t seed);

}  // namespace lode::sandbox
