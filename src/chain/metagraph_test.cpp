#include "chain/metagraph.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/rng.h"
#include "chain/ss58.h"

namespace lode::chain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
constexpr const char* kBob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

Json two_neurons() {
  return Json::parse(R"({"netuid": 17, "future": {}, "neurons": [
    {"uid": 9, "hotkey": "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty", "ip": "10.0.0.2",
     "port": 8091, "stake": 1500, "validator_permit": true, "extra": 1},
    {"uid": 4, "hotkey": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "ip": "0.0.0.0",
     "port": 0, "stake": 0.25, "validator_permit": false}]})");
}

TEST(Metagraph, ReadsNeuronsInOrderOfUid) {
  const auto metagraph = parse_metagraph(two_neurons().dump());
  ASSERT_TRUE(metagraph) << metagraph.error().message();
  EXPECT_EQ(metagraph->netuid, 17);
  ASSERT_EQ(metagraph->neurons.size(), 2U);
  const Neuron& alice = metagraph->neurons[0];
  EXPECT_EQ(alice.uid, 4);
  EXPECT_EQ(alice.hotkey, kAlice);
  EXPECT_EQ(alice.stake, 0.25);
  EXPECT_FALSE(alice.is_serving());
  const Neuron& bob = metagraph->neurons[1];
  EXPECT_EQ(bob.uid, 9);
  EXPECT_EQ(bob.ip, "10.0.0.2");
  EXPECT_EQ(bob.port, 8091);
  EXPECT_EQ(bob.stake, 1500);
  EXPECT_TRUE(bob.validator_permit);
  EXPECT_TRUE(bob.is_serving());
}

TEST(Metagraph, RefusesBrokenFieldsByPositionAndName) {
  const struct {
    const char* where;
    std::function<void(Json&)> damage;
  } cases[] = {
      {"netuid", [](Json& g) { g.erase("netuid"); }},
      {"netuid", [](Json& g) { g["netuid"] = 65536; }},
      {"neurons", [](Json& g) { g["neurons"] = Json::object(); }},
      {"neurons[1]", [](Json& g) { g["neurons"][1] = 5; }},
      {"neurons[1].uid", [](Json& g) { g["neurons"][1]["uid"] = -1; }},
      {"neurons[1].uid", [](Json& g) { g["neurons"][1]["uid"] = "4"; }},
      {"neurons[1].uid", [](Json& g) { g["neurons"][1]["uid"] = 9; }},
      {"neurons[0].hotkey", [](Json& g) { g["neurons"][0]["hotkey"] = "5abc"; }},
      {"neurons[0].hotkey", [](Json& g) { g["neurons"][0]["hotkey"] = nullptr; }},
      {"neurons[1].hotkey", [](Json& g) { g["neurons"][1]["hotkey"] = kBob; }},
      {"neurons[0].ip", [](Json& g) { g["neurons"][0]["ip"] = "10.0.0.256"; }},
      {"neurons[0].ip", [](Json& g) { g["neurons"][0]["ip"] = "validator.example"; }},
      {"neurons[0].ip", [](Json& g) { g["neurons"][0].erase("ip"); }},
      {"neurons[0].port", [](Json& g) { g["neurons"][0]["port"] = 65536; }},
      {"neurons[0].port", [](Json& g) { g["neurons"][0]["port"] = 80.5; }},
      {"neurons[0].stake", [](Json& g) { g["neurons"][0]["stake"] = -1; }},
      {"neurons[0].stake", [](Json& g) { g["neurons"][0]["stake"] = "1"; }},
      {"block", [](Json& g) { g["block"] = -3; }},
      {"neurons[0].incentive", [](Json& g) { g["neurons"][0]["incentive"] = "high"; }},
      {"neurons[0].emission", [](Json& g) { g["neurons"][0]["emission"] = -1; }},
      {"neurons[0].last_update", [](Json& g) { g["neurons"][0]["last_update"] = 1.5; }},
      {"neurons[0].validator_permit", [](Json& g) { g["neurons"][0]["validator_permit"] = 1; }},
  };
  for (const auto& [where, damage] : cases) {
    Json graph = two_neurons();
    damage(graph);
    const auto metagraph = parse_metagraph(graph.dump());
    ASSERT_FALSE(metagraph) << where;
    EXPECT_TRUE(metagraph.error().context.starts_with(where))
        << where << " against " << metagraph.error().context;
  }
}

TEST(Metagraph, AcceptsIpv6Addresses) {
  Json graph = two_neurons();
  graph["neurons"][0]["ip"] = "2001:db8::7";
  EXPECT_TRUE(parse_metagraph(graph.dump()));
}

TEST(Metagraph, RefusesMoreNeuronsThanTheLimit) {
  Json graph = two_neurons();
  graph["neurons"] = Json::array();
  for (std::size_t i = 0; i <= kMaxNeurons; ++i) {
    graph["neurons"].push_back(nullptr);
  }
  EXPECT_EQ(parse_metagraph(graph.dump()).error().code, Errc::limit_exceeded);
}

TEST(Metagraph, RefusesEveryTruncation) {
  const std::string text = two_neurons().dump();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(parse_metagraph(std::string_view(text).substr(0, length))) << length;
  }
}

TEST(Metagraph, ReadsBackTheFileItWrote) {
  Rng rng(5);
  Metagraph metagraph{17, {}};
  for (int uid = 0; uid < 256; ++uid) {
    PublicKey key;
    for (auto& byte : key) {
      byte = static_cast<std::uint8_t>(rng.next());
    }
    metagraph.neurons.push_back({uid, ss58_encode(key), "127.0.0.1",
                                 static_cast<std::uint16_t>(8000 + uid), rng.uniform(0, 1e6),
                                 uid % 3 == 0, rng.uniform(), rng.uniform(), rng.uniform(0, 9),
                                 rng.below(1U << 30), rng.below(1U << 30)});
  }
  metagraph.block = 6'700'000;
  const fs::path path = fs::path(testing::TempDir()) / "lode_metagraph_round_trip.json";
  ASSERT_TRUE(write_metagraph_file(path, metagraph));
  const auto back = read_metagraph_file(path);
  fs::remove(path);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->block, metagraph.block);
  ASSERT_EQ(back->neurons.size(), metagraph.neurons.size());
  for (std::size_t i = 0; i < 256; ++i) {
    EXPECT_EQ(back->neurons[i].hotkey, metagraph.neurons[i].hotkey);
    EXPECT_EQ(back->neurons[i].port, metagraph.neurons[i].port);
    EXPECT_EQ(back->neurons[i].stake, metagraph.neurons[i].stake);
    EXPECT_EQ(back->neurons[i].validator_permit, metagraph.neurons[i].validator_permit);
    EXPECT_EQ(back->neurons[i].incentive, metagraph.neurons[i].incentive);
    EXPECT_EQ(back->neurons[i].trust, metagraph.neurons[i].trust);
    EXPECT_EQ(back->neurons[i].emission, metagraph.neurons[i].emission);
    EXPECT_EQ(back->neurons[i].last_update, metagraph.neurons[i].last_update);
    EXPECT_EQ(back->neurons[i].registered_at, metagraph.neurons[i].registered_at);
  }
}

TEST(Metagraph, NamesTheFile) {
  const auto absent = read_metagraph_file("/nowhere/metagraph.json");
  ASSERT_FALSE(absent);
  EXPECT_NE(absent.error().context.find("/nowhere/metagraph.json"), std::string::npos);
}

}  // namespace
}  // namespace lode::chain
