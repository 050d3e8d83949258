// A subtensor node of one's own: the sandbox's neurons as a chain, answering JSON-RPC without
// sockets.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/rng.h"
#include "chain/metagraph.h"
#include "chain/storage_key.h"
#include "sandbox/roster.h"

namespace lode::sandbox {

/// Which calls a node's runtime knows.
enum class Runtime {
  current,
  no_selective,  ///< older: the whole metagraph only
  lite_only,     ///< oldest: neurons_lite and subnet_state
  foreign        ///< another chain's: bytes of another layout
};
Result<Runtime> runtime_from(std::string_view name);

/// What one client has subscribed to.
struct HeadSubscriptions {
  std::vector<std::string> ids;
};

class ChainNode {
 public:
  /// 256 neurons, or more for a larger roster: its own at their uids, plain miners that do not
  /// serve at the others.
  ChainNode(const std::vector<Resident>& roster, std::uint64_t seed);

  // ---- the chain ----
  void advance_block() { ++metagraph_.block; }
  const chain::Metagraph& metagraph() const { return metagraph_; }
  /// Registers a hotkey in place of a plain miner, as the chain prunes; its uid. A hotkey that is
  /// registered keeps its uid.
  Result<int> register_hotkey(const std::string& hotkey);
  /// A newcomer takes the hotkey's uid.
  Result<int> deregister_hotkey(const std::string& hotkey);
  /// For tests of moving axons and stakes; nullptr when there is no such neuron.
  chain::Neuron* find(const std::string& hotkey);
  void set_runtime(Runtime runtime) { runtime_ = runtime; }

  // ---- the node ----
  /// The reply to one message of a client.
  std::string answer(std::string_view text, HeadSubscriptions& subscriptions);
  /// The news of the newest block, one message for each subscription.
  std::vector<std::string> head_messages(const HeadSubscriptions& subscriptions) const;

 private:
  nlohmann::ordered_json result_of(const std::string& method, const nlohmann::ordered_json& params,
                                   HeadSubscriptions& subscriptions);
  nlohmann::ordered_json call_runtime(const nlohmann::ordered_json& params) const;
  nlohmann::ordered_json query_storage(const nlohmann::ordered_json& params) const;
  nlohmann::ordered_json header() const;
  nlohmann::ordered_json stored(const std::string& key) const;
  chain::Neuron make_plain_miner(int uid);
  void make_weights(const std::vector<Resident>& roster, const Rng& seed);

  Rng rng_;
  Runtime runtime_ = Runtime::current;
  chain::Metagraph metagraph_;
  std::map<int, chain::Weights> weights_;
  std::uint64_t next_subscription_ = 1;
};

}  // namespace lode::sandbox
