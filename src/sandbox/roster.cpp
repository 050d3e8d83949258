#include "sandbox/roster.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/assert.h"
#include "base/rng.h"
#include "chain/keypair.h"
#include "sandbox/rules.h"

namespace lode::sandbox {
namespace {

/// The first validators' UIDs; more take the free ones from 0 up.
constexpr std::array<int, 32> kValidatorUids = {
    5,  17, 23,  46,  61,  88,  113, 139, 8,   29,  34,  52,  57,  66,  71,  79,
    93, 98, 104, 120, 126, 131, 145, 150, 158, 163, 169, 174, 187, 192, 199, 206};
constexpr int kMinerUid = 211;
constexpr int kLowStakeUid = 12;
constexpr int kNotServingUid = 75;
constexpr int kWeightCopierUid = 180;

bool is_taken(int uid) {
  return uid == kMinerUid || uid == kLowStakeUid || uid == kNotServingUid ||
         uid == kWeightCopierUid ||
         std::find(kValidatorUids.begin(), kValidatorUids.end(), uid) != kValidatorUids.end();
}

std::vector<int> validator_uids(int count) {
  std::vector<int> uids(kValidatorUids.begin(), kValidatorUids.end());
  for (int uid = 0; static_cast<int>(uids.size()) < count; ++uid) {
    if (!is_taken(uid)) {
      uids.push_back(uid);
    }
  }
  uids.resize(static_cast<std::size_t>(count));
  return uids;
}

Resident make_resident(Role role, int uid, double stake, const Rng& seed) {
  Resident resident;
  resident.role = role;
  Rng rng = seed.fork("hotkey/" + std::to_string(uid));
  for (int i = 0; i < 32; ++i) resident.mini_secret.push_back(rng.below(256));
  const auto keypair = chain::Keypair::from_mini_secret(resident.mini_secret);
  LODE_ASSERT(keypair.has_value(), "32 bytes make a key");
  resident.neuron.uid = uid;
  resident.neuron.hotkey = keypair->ss58();
  resident.neuron.ip = "0.0.0.0";
  resident.neuron.stake = stake;
  return resident;
}

}  // namespace

std::string_view to_string(Role role) {
  switch (role) {
    case Role::validator:
      return "validator";
    case Role::miner:
      return "miner";
    case Role::low_stake:
      return "low stake";
    case Role::not_serving:
      return "not serving";
    case Role::weight_copier:
      return "weight copier";
  }
  return "unknown";
}

std::vector<Resident> make_roster(int validators, std::uint64_t seed) {
  LODE_ASSERT(validators >= 1 && validators <= kMaxValidators, "a possible number");
  const Rng root(seed);
  Rng stakes = root.fork("stakes");
  std::vector<Resident> roster;
  const std::vector<int> uids = validator_uids(validators);
  for (int i = 0; i < validators; ++i) {
    const double stake = i == 0 ? 1000.0 : std::floor(stakes.uniform(1100, 400'000));
    Resident validator =
        make_resident(Role::validator, uids[static_cast<std::size_t>(i)], stake, root);
    validator.neuron.validator_permit = true;
    if (i % 4 == 1)
      validator.version = kLastVersionWithoutTypes;
    roster.push_back(std::move(validator));
  }
  roster.push_back(make_resident(Role::miner, kMinerUid, 0, root));
  roster.push_back(make_resident(Role::low_stake, kLowStakeUid, 999.5, root));
  roster.push_back(make_resident(Role::not_serving, kNotServingUid, 52'000, root));
  roster.push_back(make_resident(Role::weight_copier, kWeightCopierUid, 310'000, root));
  for (Resident& resident : roster) {
    if (resident.role != Role::miner) {
      resident.neuron.validator_permit = true;
    }
  }
  return roster;
}

}  // namespace lode::sandbox
