// The subnet's neurons as a miner sees them, and the file that can stand in for the chain.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lode::chain {

struct Neuron {
  int uid = 0;         ///< 0 to 65535
  std::string hotkey;  ///< ss58
  std::string ip;      ///< dotted quad or IPv6 text; "0.0.0.0" when never served
  std::uint16_t port = 0;
  double stake = 0;  ///< total stake as validators count it, in whole units
  bool validator_permit = false;
  double incentive = 0;             ///< 0 to 1
  double trust = 0;                 ///< 0 to 1; later runtimes leave it 0
  double emission = 0;              ///< alpha a tempo
  std::uint64_t last_update = 0;    ///< block of its last weights
  std::uint64_t registered_at = 0;  ///< block; 0: not known

  /// The SDK's `is_serving`: the address is not 0.0.0.0.
  bool is_serving() const { return ip != "0.0.0.0" && !ip.empty(); }
};

struct Metagraph {
  int netuid = 0;
  std::vector<Neuron> neurons;  ///< ascending by uid
  std::uint64_t block = 0;      ///< at which it was read; 0: not known

  /// The neuron of this hotkey, or nullptr when it is not registered.
  const Neuron* find(std::string_view hotkey) const;
};

/// Most neurons a metagraph may have: a subnet has 256 today; 4096 leaves room and bounds memory.
inline constexpr std::size_t kMaxNeurons = 4096;

/// The largest metagraph file that is read: 1 KiB for each of kMaxNeurons, which take about 200 B.
inline constexpr std::size_t kMaxMetagraphFileBytes = kMaxNeurons * 1024;

/// Reads `{"netuid":17,"neurons":[{"uid","hotkey","ip","port","stake","validator_permit"}]}`.
/// These keys must be there; `incentive`, `trust`, `emission`, `last_update` and `registered_at` of
/// a neuron and `block` may be. Unknown keys are ignored, and no two neurons may share a uid or a
/// hotkey. Errors name the file, the neuron's position in it and the field.
Result<Metagraph> read_metagraph_file(const std::filesystem::path& path);
/// The same for a text that the caller has bounded; errors leave the file's name to the caller.
Result<Metagraph> parse_metagraph(std::string_view text);
/// Writes the file in the order of `metagraph.neurons`.
Result<void> write_metagraph_file(const std::filesystem::path& path, const Metagraph& metagraph);

}  // namespace lode::chain
