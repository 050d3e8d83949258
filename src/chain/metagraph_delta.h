// What changed between two readings of the metagraph.
#pragma once

#include <string>
#include <vector>

#include "chain/metagraph.h"

namespace lode::chain {

enum class ChangeKind {
  left,
  joined,
  axon,         ///< a validator serves elsewhere, or began or ceased to serve
  stake_above,  ///< crossed the filter upwards: it may be asked from now on
  stake_below,
  permit_gained,
  permit_lost
};

struct Change {
  ChangeKind kind = ChangeKind::joined;
  int uid = 0;
  std::string hotkey;
  std::string text;  ///< one line for the log
};

/// Changes ascending by uid. Axons are compared for neurons with a permit or `min_stake` only: the
/// other miners' are nobody's concern.
std::vector<Change> changes_between(const Metagraph& before, const Metagraph& after,
                                    double min_stake);

}  // namespace lode::chain
