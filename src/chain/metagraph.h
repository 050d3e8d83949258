// The subnet's neurons as a miner sees them, and the file that can stand in for the chain.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace lode::chain {

struct Neuron {
  int uid = 0;
  std::string hotkey;  ///< ss58
  std::string ip;      ///< dotted quad or IPv6 text; "0.0.0.0" when never served
  std::uint16_t port = 0;
  double stake = 0;  ///< total stake as validators count it, in whole units
  bool validator_permit = false;

  /// The SDK's `is_serving`: the address is not 0.0.0.0.
  bool is_serving() const { return ip != "0.0.0.0" && !ip.empty(); }
};

struct Metagraph {
  int netuid = 0;
  std::vector<Neuron> neurons;  ///< ascending by uid
};

/// Most neurons a metagraph may have: a subnet has 256 today; 4096 leaves room and bounds memory.
inline constexpr std::size_t kMaxNeurons = 4096;

/// Reads `{"netuid":17,"neurons":[{"uid","hotkey","ip","port","stake","validator_permit"}]}`.
/// Errors name the file, the neuron's position and the field.
Result<Metagraph> read_metagraph_file(const std::filesystem::path& path);
Result<void> write_metagraph_file(const std::filesystem::path& path, const Metagraph& metagraph);

}  // namespace lode::chain
