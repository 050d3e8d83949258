// Where `lode mine` has its metagraph from: a chain, what an earlier run kept of it, or a file.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "chain/metagraph.h"
#include "chain/metagraph_sync_io.h"
#include "miner/miner_io.h"

namespace lode::commands {

/// Whether validators are asked whose axons are on loopback or private addresses.
enum class PrivateAxons {
  automatic,  ///< with a file, or a chain of which every node runs on this machine, unless the
              ///< network is called by a public one's name: a tunnel or node of one's own
  yes,
  no
};

struct MetagraphSourceConfig {
  int netuid = 17;
  std::string network;                 ///< empty: what the endpoints say, or finney
  std::vector<std::string> endpoints;  ///< instead of the network's
  std::string file;                    ///< instead of a chain
  std::filesystem::path cache_folder;  ///< where a chain's last good metagraph is kept
  std::string hotkey;
  Duration period = std::chrono::seconds(60);
  double min_stake = 1000;
  PrivateAxons private_axons = PrivateAxons::automatic;
};

class MetagraphSource {
 public:
  /// Errc::invalid_input for an address that is none.
  static Result<std::unique_ptr<MetagraphSource>> make(boost::asio::any_io_executor executor,
                                                       MetagraphSourceConfig config);
  virtual ~MetagraphSource() = default;

  /// What to begin with: the file's neurons, or none until the chain has answered.
  virtual Result<chain::Metagraph> first() = 0;
  /// Gives `miner` each new metagraph until cancelled. An error when there can be none: the chain
  /// has no such subnet.
  virtual boost::asio::awaitable<Result<void>> run(miner::Miner& miner) = 0;
  /// Now instead of at the end of the period.
  virtual void reload(miner::Miner& miner) = 0;
  virtual boost::asio::awaitable<void> stop() = 0;
  virtual miner::ChainView view() const = 0;
  virtual bool allows_private_axons() const = 0;
};

}  // namespace lode::commands
