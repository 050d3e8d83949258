#include "sandbox/chain_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/json.h"
#include "chain/metagraph_encode.h"
#include "chain/metagraph_scale.h"
#include "chain/ss58.h"
#include "scale/scale.h"

namespace lode::sandbox {
namespace {

using Json = nlohmann::ordered_json;

/// As many as the subnet has; a load test with hundreds of validators gets as many as it needs.
constexpr int kLeastNeurons = 256;
constexpr std::uint64_t kFirstBlock = 6'700'000;
constexpr std::uint64_t kOldestRegistration = 400'000;  // blocks ago

/// A JSON-RPC error as an exception inside this file only: it ends in answer().
struct RpcError {
  int code;
  std::string message;
};

std::string hex(ByteView bytes) { return "0x" + hex_encode(bytes); }

const std::string& string_at(const Json& params, std::size_t index) {
  if (!params.is_array() || params.size() <= index || !params[index].is_string()) {
    throw RpcError{-32602, "Invalid params"};
  }
  return params[index].get_ref<const std::string&>();
}

std::string hash_of(std::uint64_t block) {
  ByteWriter hash;
  for (int i = 0; i < 4; ++i) {
    hash.write(Rng(block).fork(std::to_string(i)).next());
  }
  return hex(hash.bytes());
}

RpcError unknown_runtime_method(const std::string& method) {
  return {4003,
          "Client error: Execution failed: Other: Exported method " + method + " is not found"};
}

}  // namespace

Result<Runtime> runtime_from(std::string_view name) {
  constexpr std::pair<std::string_view, Runtime> kNames[] = {
      {"current", Runtime::current},
      {"no_selective", Runtime::no_selective},
      {"lite_only", Runtime::lite_only},
      {"foreign", Runtime::foreign}};
  for (const auto& [known, runtime] : kNames) {
    if (known == name) {
      return runtime;
    }
  }
  return fail(Errc::invalid_input,
              "runtime: current, no_selective, lite_only or foreign was expected");
}

ChainNode::ChainNode(const std::vector<Resident>& roster, std::uint64_t seed)
    : rng_(Rng(seed).fork("chain")) {
  metagraph_.netuid = kNetuid;
  metagraph_.block = kFirstBlock;
  int neurons = kLeastNeurons;
  for (const Resident& resident : roster) {
    neurons = std::max(neurons, resident.neuron.uid + 1);
  }
  for (int uid = 0; uid < neurons; ++uid) {
    metagraph_.neurons.push_back(make_plain_miner(uid));
  }
  for (const Resident& resident : roster) {
    chain::Neuron& neuron = metagraph_.neurons[static_cast<std::size_t>(resident.neuron.uid)];
    const chain::Neuron plain = std::exchange(neuron, resident.neuron);
    neuron.registered_at = plain.registered_at;
    neuron.incentive = resident.role == Role::miner ? plain.incentive : 0;
    neuron.emission = plain.emission;
  }
  make_weights(roster, Rng(seed).fork("weights"));
}

chain::Neuron ChainNode::make_plain_miner(int uid) {
  chain::PublicKey key;
  for (auto& byte : key) {
    byte = static_cast<std::uint8_t>(rng_.next());
  }
  chain::Neuron neuron;
  neuron.uid = uid;
  neuron.hotkey = chain::ss58_encode(key);
  neuron.ip = "0.0.0.0";
  neuron.incentive = rng_.uniform(0.003, 0.008);
  neuron.emission = rng_.uniform(0, 1);
  neuron.registered_at = metagraph_.block - rng_.below(kOldestRegistration);
  return neuron;
}

/// Validators rank the miners alike but not equally; the copier has the first validator's weights.
void ChainNode::make_weights(const std::vector<Resident>& roster, const Rng& seed) {
  const int first = roster.front().neuron.uid;
  for (const Resident& resident : roster) {
    if (resident.role == Role::miner) {
      continue;
    }
    const int uid = resident.neuron.uid;
    chain::Neuron& neuron = metagraph_.neurons[static_cast<std::size_t>(uid)];
    Rng rng = seed.fork(std::to_string(uid));
    neuron.last_update = kFirstBlock - 60 - rng.below(40);
    if (resident.role == Role::weight_copier) {
      weights_[uid] = weights_[first];
      neuron.last_update = kFirstBlock - 20;
      continue;
    }
    for (std::uint16_t miner = 0; miner < metagraph_.neurons.size(); ++miner) {
      const double agreed = 24'602 + 30'000 * Rng(miner).fork("agreed").uniform();
      weights_[uid].emplace_back(miner, static_cast<std::uint16_t>(agreed * rng.uniform(0.8, 1.2)));
    }
  }
}

chain::Neuron* ChainNode::find(const std::string& hotkey) {
  for (chain::Neuron& neuron : metagraph_.neurons) {
    if (neuron.hotkey == hotkey) {
      return &neuron;
    }
  }
  return nullptr;
}

Result<int> ChainNode::register_hotkey(const std::string& hotkey) {
  if (!chain::ss58_decode(hotkey)) {
    return fail(Errc::invalid_input, "hotkey: an ss58 address was expected");
  }
  if (const chain::Neuron* known = find(hotkey)) {
    return known->uid;
  }
  const auto plain = std::find_if(metagraph_.neurons.rbegin(), metagraph_.neurons.rend(),
                                  [](const chain::Neuron& n) {
                                    return !n.validator_permit && n.stake == 0 && !n.is_serving();
                                  });
  LODE_ASSERT(plain != metagraph_.neurons.rend(), "a roster leaves plain miners");
  chain::Neuron neuron = make_plain_miner(plain->uid);
  neuron.hotkey = hotkey;
  neuron.registered_at = metagraph_.block;
  *plain = neuron;
  return neuron.uid;
}

Result<int> ChainNode::deregister_hotkey(const std::string& hotkey) {
  chain::Neuron* neuron = find(hotkey);
  if (neuron == nullptr) {
    return fail(Errc::not_found, "hotkey: not registered");
  }
  const int uid = neuron->uid;
  *neuron = make_plain_miner(uid);
  neuron->registered_at = metagraph_.block;
  weights_.erase(uid);
  return uid;
}

std::string ChainNode::answer(std::string_view text, HeadSubscriptions& subscriptions) {
  Json reply = {{"jsonrpc", "2.0"}};
  const auto request = parse_json(text);
  if (!request || !request->is_object() || !request->contains("method") ||
      !request->at("method").is_string()) {
    reply["id"] = nullptr;
    reply["error"] = {{"code", -32700}, {"message", "Parse error"}};
    return reply.dump();
  }
  reply["id"] = request->value("id", Json());
  try {
    reply["result"] = result_of(request->at("method").get<std::string>(),
                                request->value("params", Json::array()), subscriptions);
  } catch (const RpcError& error) {
    reply["error"] = {{"code", error.code}, {"message", error.message}};
  }
  return reply.dump();
}

Json ChainNode::result_of(const std::string& method, const Json& params,
                          HeadSubscriptions& subscriptions) {
  if (method == "chain_subscribeNewHeads") {
    subscriptions.ids.push_back(fmt::format("sandbox{}", next_subscription_++));
    return subscriptions.ids.back();
  }
  if (method == "chain_unsubscribeNewHeads") {
    return std::erase(subscriptions.ids, string_at(params, 0)) > 0;
  }
  if (method == "chain_getHeader") {
    return header();
  }
  if (method == "chain_getHead" || method == "chain_getBlockHash") {
    const bool is_numbered = params.is_array() && !params.empty() && params[0].is_number_unsigned();
    return hash_of(is_numbered ? params[0].get<std::uint64_t>() : metagraph_.block);
  }
  if (method == "state_getRuntimeVersion") {
    const bool is_foreign = runtime_ == Runtime::foreign;
    return Json{{"specName", is_foreign ? "node-template" : "node-subtensor"},
                {"specVersion", is_foreign ? 100 : 326}};
  }
  if (method == "system_chain") {
    return "Lode sandbox";
  }
  if (method == "state_call") {
    return call_runtime(params);
  }
  if (method == "state_getStorage" || method == "state_getStorageAt") {
    return stored(string_at(params, 0));
  }
  if (method == "state_queryStorageAt") {
    return query_storage(params);
  }
  throw RpcError{-32601, "Method not found"};
}

Json ChainNode::call_runtime(const Json& params) const {
  const std::string& method = string_at(params, 0);
  const auto arguments = hex_decode(string_at(params, 1));
  if (!arguments || arguments->size() < 2) {
    throw RpcError{4003, "Client error: Execution failed: bad input data"};
  }
  if (runtime_ == Runtime::foreign) {
    return "0x01"
           "44ffffffffffff";
  }
  const bool is_ours = ((*arguments)[0] | (*arguments)[1] << 8) == metagraph_.netuid;
  if (method == chain::kSelectiveMetagraphCall && runtime_ == Runtime::current) {
    using Arguments = std::tuple<std::uint16_t, std::vector<std::uint16_t>>;
    const auto asked = scale::decode_all<Arguments>(*arguments, "arguments");
    if (!asked) {
      throw RpcError{4003, "Client error: Execution failed: bad input data"};
    }
    return is_ours ? hex(chain::encode_selective_metagraph(metagraph_, std::get<1>(*asked)))
                   : std::string("0x00");
  }
  if (method == chain::kMetagraphCall && runtime_ != Runtime::lite_only) {
    return is_ours ? hex(chain::encode_metagraph(metagraph_)) : std::string("0x00");
  }
  if (method == chain::kNeuronsLiteCall) {
    return is_ours ? hex(chain::encode_neurons_lite(metagraph_)) : std::string("0x00");
  }
  if (method == chain::kSubnetStateCall) {
    return is_ours ? hex(chain::encode_subnet_state(metagraph_)) : std::string("0x00");
  }
  throw unknown_runtime_method(method);
}

/// What is under a storage key: uids of hotkeys and validators' weights; null for all else.
Json ChainNode::stored(const std::string& key) const {
  const auto netuid = static_cast<std::uint16_t>(metagraph_.netuid);
  for (const auto& [uid, weights] : weights_) {
    if (key == hex(chain::weights_key(netuid, static_cast<std::uint16_t>(uid)))) {
      return hex(chain::encode_weights(weights));
    }
  }
  chain::PublicKey hotkey{};  // a uid's key ends with it
  const auto bytes = hex_decode(key);
  if (!bytes || bytes->size() < hotkey.size()) {
    return nullptr;
  }
  std::copy(bytes->end() - hotkey.size(), bytes->end(), hotkey.begin());
  const chain::Neuron* neuron = metagraph_.find(chain::ss58_encode(hotkey));
  if (neuron == nullptr || *bytes != chain::uid_key(netuid, hotkey)) {
    return nullptr;
  }
  return hex(scale::encode(static_cast<std::uint16_t>(neuron->uid)));
}

Json ChainNode::query_storage(const Json& params) const {
  if (!params.is_array() || params.empty() || !params[0].is_array()) {
    throw RpcError{-32602, "Invalid params"};
  }
  Json changes = Json::array();
  for (std::size_t i = 0; i < params[0].size(); ++i) {
    const std::string& key = string_at(params[0], i);
    changes.push_back(Json::array({key, stored(key)}));
  }
  return Json::array({{{"block", hash_of(metagraph_.block)}, {"changes", changes}}});
}

Json ChainNode::header() const {
  return {{"parentHash", hash_of(metagraph_.block - 1)},
          {"number", fmt::format("{:#x}", metagraph_.block)},
          {"stateRoot", hash_of(~metagraph_.block)},
          {"digest", {{"logs", Json::array()}}}};
}

std::vector<std::string> ChainNode::head_messages(const HeadSubscriptions& subscriptions) const {
  std::vector<std::string> messages;
  for (const std::string& id : subscriptions.ids) {
    const Json message = {{"jsonrpc", "2.0"},
                          {"method", "chain_newHead"},
                          {"params", {{"subscription", id}, {"result", header()}}}};
    messages.push_back(message.dump());
  }
  return messages;
}

}  // namespace lode::sandbox
