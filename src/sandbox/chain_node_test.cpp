#include "sandbox/chain_node.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "chain/metagraph_scale.h"
#include "chain/weight_hints.h"

namespace lode::sandbox {
namespace {

using Json = nlohmann::ordered_json;

class ChainNodeTest : public testing::Test {
 protected:
  Json ask(const std::string& method, const Json& params) {
    const Json request = {{"jsonrpc", "2.0"}, {"id", 7}, {"method", method}, {"params", params}};
    const Json reply = Json::parse(node_.answer(request.dump(), subscriptions_));
    EXPECT_EQ(reply.at("id"), 7);
    return reply;
  }
  Bytes call(const std::string& method, const Bytes& arguments) {
    const Json reply = ask("state_call", Json::array({method, "0x" + hex_encode(arguments)}));
    return hex_decode(reply.at("result").get<std::string>()).value();
  }
  chain::Metagraph read() {
    const auto bytes =
        call(chain::kSelectiveMetagraphCall, chain::selective_metagraph_arguments(kNetuid));
    return chain::decode_selective_metagraph(bytes, kNetuid).value().value();
  }

  std::vector<Resident> roster_ = make_roster(3, 5);
  ChainNode node_{roster_, 5};
  HeadSubscriptions subscriptions_;
};

TEST_F(ChainNodeTest, HasTheRosterAmong256Neurons) {
  const chain::Metagraph metagraph = read();
  ASSERT_EQ(metagraph.neurons.size(), 256U);
  for (const Resident& resident : roster_) {
    const chain::Neuron* neuron = metagraph.find(resident.neuron.hotkey);
    ASSERT_NE(neuron, nullptr);
    EXPECT_EQ(neuron->uid, resident.neuron.uid);
    EXPECT_DOUBLE_EQ(neuron->stake, resident.neuron.stake);
    EXPECT_EQ(neuron->validator_permit, resident.neuron.validator_permit);
  }
}

TEST_F(ChainNodeTest, AnswersTheOlderCallsWithTheSameNeurons) {
  const auto whole = chain::decode_metagraph(
      call(chain::kMetagraphCall, chain::netuid_argument(kNetuid)), kNetuid);
  const auto lite = chain::decode_neurons_lite(
      call(chain::kNeuronsLiteCall, chain::netuid_argument(kNetuid)),
      call(chain::kSubnetStateCall, chain::netuid_argument(kNetuid)), kNetuid, 1);
  ASSERT_TRUE(whole && lite);
  for (std::size_t uid = 0; uid < 256; ++uid) {
    EXPECT_EQ((*whole)->neurons[uid].hotkey, (*lite)->neurons[uid].hotkey);
    EXPECT_EQ((*whole)->neurons[uid].stake, (*lite)->neurons[uid].stake);
  }
}

TEST_F(ChainNodeTest, KnowsOnlyTheCallsOfItsRuntime) {
  const Json whole = Json::array({chain::kMetagraphCall, "0x1100"});
  const Json selective = Json::array({chain::kSelectiveMetagraphCall, "0x110000"});
  node_.set_runtime(Runtime::no_selective);
  EXPECT_TRUE(ask("state_call", selective).contains("error"));
  EXPECT_TRUE(ask("state_call", whole).contains("result"));
  node_.set_runtime(Runtime::lite_only);
  EXPECT_TRUE(ask("state_call", whole).contains("error"));
  node_.set_runtime(Runtime::foreign);
  EXPECT_FALSE(chain::decode_metagraph(call(chain::kMetagraphCall, chain::netuid_argument(kNetuid)),
                                       kNetuid));
}

TEST_F(ChainNodeTest, HasNoOtherSubnet) {
  EXPECT_EQ(call(chain::kMetagraphCall, chain::netuid_argument(3)), Bytes{0});
}

TEST_F(ChainNodeTest, RegistersAndDeregistersHotkeys) {
  const std::string miner = roster_[3].neuron.hotkey;
  const auto key = "0x" + hex_encode(chain::uid_key(kNetuid, chain::ss58_decode(miner).value()));
  EXPECT_EQ(ask("state_getStorage", {key}).at("result"), "0xd300") << "uid 211";
  EXPECT_EQ(*node_.deregister_hotkey(miner), 211);
  EXPECT_TRUE(ask("state_getStorage", {key}).at("result").is_null());
  EXPECT_EQ(read().find(miner), nullptr);
  EXPECT_EQ(read().neurons.size(), 256U) << "a newcomer has the uid";
  EXPECT_FALSE(node_.deregister_hotkey(miner));
  const int uid = *node_.register_hotkey(miner);
  EXPECT_EQ(read().find(miner)->uid, uid);
  EXPECT_EQ(*node_.register_hotkey(miner), uid);
  EXPECT_FALSE(node_.register_hotkey("5abc"));
}

TEST_F(ChainNodeTest, AdvancesBlocksAndTellsSubscribers) {
  const Json id = ask("chain_subscribeNewHeads", Json::array()).at("result");
  const std::uint64_t before = read().block;
  node_.advance_block();
  EXPECT_EQ(read().block, before + 1);
  const auto messages = node_.head_messages(subscriptions_);
  ASSERT_EQ(messages.size(), 1U);
  const Json news = Json::parse(messages[0]);
  EXPECT_EQ(news.at("params").at("subscription"), id);
  EXPECT_EQ(
      std::stoull(news.at("params").at("result").at("number").get<std::string>(), nullptr, 16),
      before + 1);
  ask("chain_unsubscribeNewHeads", Json::array({id}));
  EXPECT_TRUE(node_.head_messages(subscriptions_).empty());
}

TEST_F(ChainNodeTest, StoresWeightsThatGiveTheCopierAway) {
  std::vector<chain::ValidatorWeights> validators;
  Json keys = Json::array();
  for (const chain::Neuron& neuron : read().neurons) {
    if (neuron.validator_permit) {
      validators.push_back({neuron.uid, neuron.last_update, {}});
      keys.push_back(
          "0x" + hex_encode(chain::weights_key(kNetuid, static_cast<std::uint16_t>(neuron.uid))));
    }
  }
  const Json reply = ask("state_queryStorageAt", Json::array({keys}));
  for (std::size_t i = 0; i < validators.size(); ++i) {
    const auto& change = reply.at("result")[0].at("changes")[i];
    validators[i].weights =
        chain::decode_weights(hex_decode(change[1].get<std::string>()).value()).value();
  }
  for (const auto& hint : chain::weight_hints(validators)) {
    EXPECT_EQ(hint.looks_copied, hint.uid == 180) << hint.text;
  }
}

TEST_F(ChainNodeTest, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(ask("author_submitExtrinsic", Json::array()).at("error").at("code"), -32601);
  EXPECT_EQ(ask("state_call", Json::array()).at("error").at("code"), -32602);
  EXPECT_TRUE(ask("state_call", {chain::kMetagraphCall, "0xzz"}).contains("error"));
  EXPECT_TRUE(ask("state_queryStorageAt", {"no list"}).contains("error"));
  EXPECT_TRUE(Json::parse(node_.answer("garbage", subscriptions_)).at("id").is_null());
}

}  // namespace
}  // namespace lode::sandbox
