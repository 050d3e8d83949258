// A whole subnet on the loopback interface: validators, bystanders, a subtensor node, control port.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/clock.h"
#include "net/http_server.h"
#include "net/task_group.h"
#include "sandbox/chain_io.h"
#include "sandbox/roster.h"
#include "sandbox/status.h"
#include "sandbox/validator_io.h"

namespace lode::sandbox {

struct SubnetConfig {
  int validators = 3;     ///< 1..kMaxValidators
  double time_scale = 1;  ///< at least 1: durations are divided by it
  std::uint64_t seed = 1;
  std::uint16_t port_base = 0;  ///< first port of consecutive ones, or 0 for free ones
  Duration block_time = std::chrono::seconds(12);  ///< before scaling
  std::filesystem::path dir;  ///< existing; the hotkey and metagraph files go here
  double fault_rate = 0;      ///< 0..1, of all requests to validators
  TaskShares shares;
  Scoring scoring = Scoring::compare;
  std::size_t worker_threads = 2;
  Rules rules;  ///< before scaling
};

/// N validators with the real validators' rules, each a bittensor axon on 127.0.0.1 with its own
/// port, beside neurons that a miner should leave alone and that count who asks. One registered
/// miner, whose hotkey file is written. All on `executor`'s one thread but for the workers.
class Subnet {
 public:
  /// Starts listening. Errc::io_failure when a port or a file cannot be had.
  static Result<std::unique_ptr<Subnet>> start(boost::asio::any_io_executor executor,
                                               SubnetConfig config);
  ~Subnet();

  /// {chain, validators[] {uid, ip, port, hotkey}, miner_hotkey_file, metagraph_file, control}.
  nlohmann::ordered_json ready_json() const;

  Status status() const;
  /// The chain that "chain" of ready_json() leads to, for commands from within a test.
  ChainIo& chain() { return *chain_; }
  const std::vector<Resident>& roster() const { return roster_; }

  /// Stops accepting and ends every connection; await it before destruction.
  boost::asio::awaitable<void> stop();

 private:
  class Bystander;
  class Control;

  Subnet(boost::asio::any_io_executor executor, SubnetConfig config);
  Result<void> open();
  Result<net::Endpoint> serve(net::HttpHandler& handler, const net::ServerLimits& limits);
  Result<void> open_resident(Resident& resident, int index);
  Result<void> open_chain();
  std::map<std::string, int> registered() const;
  boost::asio::awaitable<void> follow_chain(ValidatorIo& validator, Duration first_wait);
  Result<void> write_files() const;

  boost::asio::any_io_executor executor_;
  SubnetConfig config_;
  SystemClock clock_;
  Time started_;
  std::vector<Resident> roster_;
  boost::asio::thread_pool workers_;
  std::vector<std::unique_ptr<ValidatorIo>> validators_;  // in the roster's order
  std::vector<std::unique_ptr<Bystander>> bystanders_;
  std::unique_ptr<Control> control_;
  std::vector<std::unique_ptr<net::HttpServer>> servers_;
  net::Endpoint control_endpoint_;
  std::unique_ptr<ChainNode> node_;
  std::unique_ptr<ChainIo> chain_;
  net::Endpoint chain_endpoint_;
  net::TaskGroup tasks_;
};

}  // namespace lode::sandbox
