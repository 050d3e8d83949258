// Keeps the metagraph up to date from a subtensor node, and the last good one when that fails.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <optional>

#include "chain/metagraph.h"
#include "chain/rpc_client_io.h"
#include "chain/weight_hints.h"

namespace lode::chain {

struct MetagraphSyncConfig {
  int netuid = 17;
  std::string network;  ///< as the operator named it, for advice
  std::string hotkey;   ///< our own ss58
  Duration period = std::chrono::seconds(60);
  /// After a failed reading, or while our hotkey is not registered.
  Duration retry = std::chrono::seconds(12);
  double min_stake = 1000;  ///< for the log of changes
};

/// How the sync stands, for people.
struct SyncStatus {
  std::string endpoint;
  bool is_connected = false;
  std::string runtime;               ///< "node-subtensor 326"; empty: not known yet
  std::uint64_t head = 0;            ///< the newest block heard of
  std::uint64_t block = 0;           ///< of the metagraph in use
  std::optional<Time> read_at;       ///< of the metagraph in use; nothing: none yet
  bool is_from_earlier_run = false;  ///< the metagraph in use: begin_with() gave it
  std::string call;                  ///< that brought it
  std::uint64_t bytes = 0;           ///< received for it
  Duration took{};
  std::optional<int> uid;  ///< our own, in the metagraph in use
  std::string advice;      ///< what to do when we are not registered, or empty
  std::string error;       ///< why the last reading failed, or empty
  std::int64_t readings = 0, failures = 0;
};

class MetagraphSync {
 public:
  using OnMetagraph =
      std::function<void(const Metagraph& metagraph, const std::vector<WeightHint>& hints)>;

  /// `client` must outlive this. `on_metagraph` is called after every reading that
  /// succeeds, and by begin_with().
  MetagraphSync(RpcClient& client, MetagraphSyncConfig config, OnMetagraph on_metagraph);

  /// Goes on with a metagraph that an earlier run read, until a node gives one. Only the last good
  /// one counts: does nothing after a reading that succeeded.
  void begin_with(Metagraph metagraph, Time read_at);
  /// Reads again and again, until cancelled. Never throws for what a node does.
  boost::asio::awaitable<void> run();
  /// One reading. Errc::not_found when the chain has no such subnet.
  boost::asio::awaitable<Result<void>> read_once();
  /// Reads at once instead of at the end of the period.
  void read_soon();

  SyncStatus status() const;

 private:
  struct Reading {
    Metagraph metagraph;
    std::string call;
  };
  boost::asio::awaitable<Result<Reading>> fetch();
  boost::asio::awaitable<Result<std::optional<Metagraph>>> fetch_selective();
  boost::asio::awaitable<Result<std::optional<Metagraph>>> fetch_whole();
  boost::asio::awaitable<Result<std::optional<Metagraph>>> fetch_lite();
  boost::asio::awaitable<void> learn_runtime();
  boost::asio::awaitable<std::vector<WeightHint>> fetch_hints(const Metagraph& metagraph);
  boost::asio::awaitable<bool> was_registered_meanwhile();
  void take(Reading reading, std::vector<WeightHint> hints);

  RpcClient& client_;
  MetagraphSyncConfig config_;
  OnMetagraph on_metagraph_;
  SystemClock clock_;
  boost::asio::steady_timer pause_;
  std::optional<Metagraph> last_;
  SyncStatus status_;
  std::string runtime_of_;  ///< endpoint that status_.runtime is of
};

}  // namespace lode::chain
