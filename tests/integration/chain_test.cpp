// The metagraph over a real WebSocket from the sandbox's node, sound and misbehaving.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>

#include "chain/metagraph_scale.h"
#include "chain/metagraph_sync_io.h"
#include "sandbox/chain_io.h"

namespace lode::chain {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::ordered_json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;

class ChainTest : public testing::Test {
 protected:
  void SetUp() override {
    spdlog::set_level(spdlog::level::off);
    config_.hotkey = roster_[3].neuron.hotkey;
    config_.network = "sandbox";
    config_.period = milliseconds(100);
    config_.retry = milliseconds(50);
    client_config_.session.call_timeout = milliseconds(500);
    client_config_.session.first_pause = milliseconds(20);
    client_config_.session.longest_pause = milliseconds(100);
    chain_ = start_node(node_);
    client_config_.urls = {last_url_};
  }
  void TearDown() override { spdlog::set_level(spdlog::level::info); }

  std::unique_ptr<sandbox::ChainIo> start_node(sandbox::ChainNode& node) {
    sandbox::ChainIoConfig config;
    config.block_time = milliseconds(50);
    auto chain = std::make_unique<sandbox::ChainIo>(context_.get_executor(), node, config);
    last_url_ = "ws://" + chain->listen({"127.0.0.1", 0})->to_string();
    return chain;
  }

  void start_client() {
    client_ = *RpcClient::make(context_.get_executor(), client_config_);
    sync_ = std::make_unique<MetagraphSync>(
        *client_, config_,
        [this](const Metagraph& metagraph, const std::vector<WeightHint>& hints) {
          metagraph_ = metagraph;
          hints_ = hints;
        });
    client_->start();
  }

  /// One reading, or what it failed with.
  Result<void> read() {
    if (!client_) {
      start_client();
    }
    std::optional<Result<void>> result;
    asio::co_spawn(context_, sync_->read_once(),
                   [&](std::exception_ptr failure, Result<void> outcome) {
                     EXPECT_FALSE(failure);
                     result = std::move(outcome);
                   });
    run_until([&] { return result.has_value(); });
    return result ? *result : fail(Errc::internal, "the reading did not end");
  }

  void run_until(const std::function<bool()>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(20);
    while (!is_done() && std::chrono::steady_clock::now() < deadline) {
      context_.restart();
      context_.run_for(milliseconds(5));
    }
    EXPECT_TRUE(is_done()) << "not within 20 s";
  }

  /// Does something where the coroutines run.
  void inside(const std::function<void()>& step) {
    bool done = false;
    asio::post(context_, [&] {
      step();
      done = true;
    });
    run_until([&] { return done; });
  }

  void order(const Json& command) {
    const auto done = chain_->command(command);
    EXPECT_TRUE(done) << done.error().message();
  }

  asio::io_context context_;
  std::vector<sandbox::Resident> roster_ = sandbox::make_roster(3, 5);
  sandbox::ChainNode node_{roster_, 5};
  std::unique_ptr<sandbox::ChainIo> chain_;
  std::string last_url_;
  RpcClientConfig client_config_;
  MetagraphSyncConfig config_;
  std::unique_ptr<RpcClient> client_;
  std::unique_ptr<MetagraphSync> sync_;
  Metagraph metagraph_;
  std::vector<WeightHint> hints_;
};

TEST_F(ChainTest, ReadsNeuronsOwnUidAndHintsInOneCall) {
  const auto done = read();
  ASSERT_TRUE(done) << done.error().message();
  const SyncStatus status = sync_->status();
  EXPECT_EQ(metagraph_.neurons.size(), 256U);
  EXPECT_EQ(status.uid, 211);
  EXPECT_EQ(status.call, kSelectiveMetagraphCall);
  EXPECT_EQ(status.runtime, "runtime node-subtensor 326");
  EXPECT_EQ(status.advice, "");
  EXPECT_EQ(std::count_if(hints_.begin(), hints_.end(),
                          [](const WeightHint& hint) { return hint.looks_copied; }),
            1);
  ASSERT_TRUE(read());
  const double ms = to_seconds(sync_->status().took) * 1e3;
  std::printf("256 neurons: %.1f ms and %llu bytes a reading\n", ms,
              static_cast<unsigned long long>(sync_->status().bytes));
  EXPECT_LT(sync_->status().bytes, 100'000U);
}

TEST_F(ChainTest, FallsBackToTheOlderCallsOfOlderRuntimes) {
  order({{"do", "runtime"}, {"name", "no_selective"}});
  ASSERT_TRUE(read());
  EXPECT_EQ(sync_->status().call, kMetagraphCall);
  const Metagraph whole = metagraph_;
  order({{"do", "runtime"}, {"name", "lite_only"}});
  ASSERT_TRUE(read());
  EXPECT_EQ(sync_->status().call, kNeuronsLiteCall);
  for (std::size_t uid = 0; uid < 256; ++uid) {
    EXPECT_EQ(metagraph_.neurons[uid].stake, whole.neurons[uid].stake);
    EXPECT_EQ(metagraph_.neurons[uid].ip, whole.neurons[uid].ip);
  }
}

TEST_F(ChainTest, NamesRuntimeCallAndFieldWhereNothingFits) {
  order({{"do", "runtime"}, {"name", "foreign"}});
  const auto done = read();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::unsupported);
  EXPECT_THAT(done.error().context, HasSubstr(client_config_.urls[0]));
  EXPECT_THAT(done.error().context, HasSubstr("runtime node-template 100"));
  EXPECT_THAT(done.error().context,
              HasSubstr(std::string(kSelectiveMetagraphCall) + ": metagraph."));
  EXPECT_THAT(done.error().context, HasSubstr(std::string(kMetagraphCall) + ": metagraph."));
}

TEST_F(ChainTest, TellsThatTheSubnetDoesNotExist) {
  config_.netuid = 99;
  const auto done = read();
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::not_found);
  EXPECT_THAT(done.error().context, HasSubstr("netuid 99 does not exist on this chain"));
}

TEST_F(ChainTest, KeepsTheLastGoodMetagraphThroughEveryFault) {
  ASSERT_TRUE(read());
  for (const char* kind : {"truncate", "garbage", "drop", "silence"}) {
    const std::uint64_t good = metagraph_.block;
    order({{"do", "fault"}, {"kind", kind}, {"count", 1000}});
    EXPECT_FALSE(read()) << kind;
    EXPECT_EQ(metagraph_.block, good) << kind;
    EXPECT_EQ(sync_->status().block, good) << kind;
    EXPECT_TRUE(sync_->status().read_at.has_value()) << kind;
    EXPECT_FALSE(sync_->status().error.empty()) << kind;
    order({{"do", "fault"}, {"kind", "none"}});
    node_.advance_block();
    run_until([&] { return client_->is_connected(); });
    const auto recovered = read();
    EXPECT_TRUE(recovered) << kind << ": " << recovered.error().message();
    EXPECT_GT(metagraph_.block, good) << kind;
    EXPECT_EQ(sync_->status().error, "") << kind;
  }
}

TEST_F(ChainTest, MatchesAnswersThatComeLateOrOutOfOrder) {
  for (const char* kind : {"delay", "reorder"}) {
    order({{"do", "fault"}, {"kind", kind}, {"count", 2}, {"seconds", 0.1}});
    if (!client_) {
      start_client();
    }
    std::vector<std::string> results;
    for (const char* method : {"system_chain", "chain_getBlockHash"}) {
      std::string name = method;
      asio::co_spawn(context_, client_->call(std::move(name), Json::array()),
                     [&results, method](std::exception_ptr, Result<Json> result) {
                       EXPECT_TRUE(result) << method;
                       results.push_back(std::string(method) + " " + result->get<std::string>());
                     });
    }
    run_until([&] { return results.size() == 2; });
    EXPECT_THAT(results, testing::Contains("system_chain Lode sandbox")) << kind;
    EXPECT_THAT(results, testing::Contains(testing::StartsWith("chain_getBlockHash 0x"))) << kind;
  }
}

TEST_F(ChainTest, GoesToTheNextEndpointWhenOneIsGone) {
  asio::ip::tcp::acceptor closed(context_, {asio::ip::make_address("127.0.0.1"), 0});
  const std::string refusing = "ws://127.0.0.1:" + std::to_string(closed.local_endpoint().port());
  closed.close();
  sandbox::ChainNode other(roster_, 5);
  const std::string first = last_url_;
  const auto second = start_node(other);
  client_config_.urls = {refusing, first, last_url_};
  ASSERT_TRUE(read());
  EXPECT_EQ(sync_->status().endpoint, first);
  inside([&] { chain_->close(); });
  run_until([&] { return client_->is_connected() && client_->endpoint() == last_url_; });
  ASSERT_TRUE(read());
  EXPECT_EQ(sync_->status().endpoint, last_url_);
}

TEST_F(ChainTest, LeavesANodeWhoseBlocksStandStill) {
  client_config_.session.longest_silence = milliseconds(200);
  ASSERT_TRUE(read());
  order({{"do", "stop_blocks"}});
  run_until([&] { return !client_->last_trouble().empty(); });
  EXPECT_THAT(client_->last_trouble(), HasSubstr("no new block within 0.2 s"));
  order({{"do", "start_blocks"}});
  run_until([&] { return client_->is_connected(); });
  EXPECT_TRUE(read());
}

TEST_F(ChainTest, HearsOfNewHeads) {
  ASSERT_TRUE(read());
  const std::uint64_t before = sync_->status().head;
  run_until([&] { return sync_->status().head >= before + 3; });
}

TEST_F(ChainTest, AdvisesOnAMissingRegistrationAndNoticesItWhenItComes) {
  config_.period = seconds(600);  // it is the probe that notices, not the next reading
  order({{"do", "deregister"}, {"hotkey", config_.hotkey}});
  ASSERT_TRUE(read());
  EXPECT_FALSE(sync_->status().uid);
  EXPECT_THAT(sync_->status().advice, HasSubstr("btcli subnet register --netuid 17"));
  net::TaskGroup tasks(context_.get_executor(),
                       [](const std::string&, const std::string& why) { ADD_FAILURE() << why; });
  tasks.spawn("sync", sync_->run());
  context_.restart();
  context_.run_for(milliseconds(200));
  EXPECT_EQ(sync_->status().readings, 1) << "a probe is no reading";
  order({{"do", "register"}, {"hotkey", config_.hotkey}});
  run_until([&] { return sync_->status().uid.has_value(); });
  EXPECT_EQ(sync_->status().advice, "");
  inside([&] { tasks.cancel(); });
  run_until([&] { return tasks.size() == 0; });
}

TEST_F(ChainTest, ReadsAgainEveryPeriod) {
  ASSERT_TRUE(read());
  net::TaskGroup tasks(context_.get_executor(),
                       [](const std::string&, const std::string& why) { ADD_FAILURE() << why; });
  tasks.spawn("sync", sync_->run());
  order(
      {{"do", "neuron"}, {"hotkey", roster_[0].neuron.hotkey}, {"ip", "2001:db8::7"}, {"port", 0}});
  run_until([&] { return metagraph_.find(roster_[0].neuron.hotkey)->ip == "2001:db8::7"; });
  run_until([&] { return sync_->status().readings >= 4; });
  inside([&] { tasks.cancel(); });
  run_until([&] { return tasks.size() == 0; });
}

TEST_F(ChainTest, EndsCallsWhenItIsClosed) {
  inside([&] { chain_->close(); });
  start_client();
  std::optional<Result<Json>> result;
  asio::co_spawn(context_, client_->call("system_chain", Json::array()),
                 [&](std::exception_ptr, Result<Json> outcome) { result = std::move(outcome); });
  context_.run_for(milliseconds(20));
  inside([&] { client_->close(); });
  run_until([&] { return result.has_value(); });
  EXPECT_EQ(result->error().code, Errc::cancelled);
}

TEST(RpcClient, RefusesAddressesThatAreNone) {
  asio::io_context context;
  RpcClientConfig config;
  config.urls = {"finey"};
  const auto client = RpcClient::make(context.get_executor(), config);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, Errc::invalid_input);
  EXPECT_THAT(client.error().context, HasSubstr("'finey'"));
}

}  // namespace
}  // namespace lode::chain
