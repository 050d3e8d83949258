#include "chain/metagraph_delta.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace lode::chain {
namespace {

using ByHotkey = std::map<std::string_view, const Neuron*>;

ByHotkey by_hotkey(const Metagraph& metagraph) {
  ByHotkey index;
  for (const Neuron& neuron : metagraph.neurons) {
    index.emplace(neuron.hotkey, &neuron);
  }
  return index;
}

std::string axon_text(const Neuron& neuron) {
  return neuron.is_serving() ? fmt::format("{}:{}", neuron.ip, neuron.port) : "not serving";
}

class Collector {
 public:
  explicit Collector(double min_stake) : min_stake_(min_stake) {}

  void add(ChangeKind kind, const Neuron& neuron, const std::string& what) {
    changes_.push_back({kind, neuron.uid, neuron.hotkey,
                        fmt::format("uid {} ({}) {}", neuron.uid, neuron.hotkey, what)});
  }

  void compare(const Neuron& before, const Neuron& after) {
    const bool was_rich = before.stake >= min_stake_, is_rich = after.stake >= min_stake_;
    const bool matters = was_rich || is_rich || before.validator_permit || after.validator_permit;
    if (matters && axon_text(before) != axon_text(after)) {
      add(ChangeKind::axon, after,
          fmt::format("moved its axon from {} to {}", axon_text(before), axon_text(after)));
    }
    if (was_rich != is_rich) {
      add(is_rich ? ChangeKind::stake_above : ChangeKind::stake_below, after,
          fmt::format("stake went from {:.7g} to {:.7g}, {} the minimum of {:.7g}", before.stake,
                      after.stake, is_rich ? "above" : "below", min_stake_));
    }
    if (before.validator_permit != after.validator_permit) {
      add(after.validator_permit ? ChangeKind::permit_gained : ChangeKind::permit_lost, after,
          after.validator_permit ? "gained a validator permit" : "lost its validator permit");
    }
  }

  std::vector<Change> take() {
    std::stable_sort(changes_.begin(), changes_.end(),
                     [](const Change& a, const Change& b) { return a.uid < b.uid; });
    return std::move(changes_);
  }

 private:
  double min_stake_;
  std::vector<Change> changes_;
};

}  // namespace

std::vector<Change> changes_between(const Metagraph& before, const Metagraph& after,
                                    double min_stake) {
  const ByHotkey old = by_hotkey(before), fresh = by_hotkey(after);
  Collector changes(min_stake);
  for (const auto& [hotkey, neuron] : old) {
    if (!fresh.contains(hotkey)) {
      changes.add(ChangeKind::left, *neuron, "left the subnet");
    }
  }
  for (const auto& [hotkey, neuron] : fresh) {
    const auto found = old.find(hotkey);
    if (found == old.end()) {
      changes.add(ChangeKind::joined, *neuron,
                  fmt::format("joined the subnet with stake {:.7g}, {}", neuron->stake,
                              axon_text(*neuron)));
    } else {
      changes.compare(*found->second, *neuron);
    }
  }
  return changes.take();
}

}  // namespace lode::chain
