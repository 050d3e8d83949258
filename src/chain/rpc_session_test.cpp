#include "chain/rpc_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lode::chain {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using Json = RpcSession::Json;

const Time kStart = from_unix_seconds(1'760'000'000);

/// A session and what it has asked for since the last look.
class Rig {
 public:
  explicit Rig(std::size_t endpoints = 1, std::uint64_t seed = 1)
      : session(
            [endpoints] {
              RpcConfig config;
              for (std::size_t i = 0; i < endpoints; ++i) {
                config.endpoints.push_back("ws://node" + std::to_string(i));
              }
              return config;
            }(),
            seed) {
    session.start(now);
  }

  template <class T>
  std::vector<T> take() {
    std::vector<RpcSession::Action> rest;
    std::vector<T> found;
    for (auto& action : session.take_actions()) {
      pending.push_back(std::move(action));
    }
    for (auto& action : pending) {
      if (auto* match = std::get_if<T>(&action)) {
        found.push_back(std::move(*match));
      } else {
        rest.push_back(std::move(action));
      }
    }
    pending = std::move(rest);
    return found;
  }
  void advance(Duration by) {
    now += by;
    session.on_time(now);
  }
  void reply(RpcSession::CallId id, const std::string& result) {
    session.on_text(
        R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"result":)" + result + "}", now);
  }
  /// The id of the only message sent.
  RpcSession::CallId sent_id() {
    const auto sent = take<RpcSession::Send>();
    EXPECT_EQ(sent.size(), 1U);
    return Json::parse(sent.at(0).text).at("id").get<RpcSession::CallId>();
  }

  Time now = kStart;
  RpcSession session;
  std::vector<RpcSession::Action> pending;
};

TEST(RpcSession, SendsCallsOnceConnectedAndMatchesRepliesByIdInAnyOrder) {
  Rig rig;
  EXPECT_EQ(rig.take<RpcSession::Connect>().size(), 1U);
  const auto first = rig.session.call("chain_getHeader", Json::array(), rig.now);
  const auto second = rig.session.call("state_call", {"Api", "0x1100"}, rig.now);
  EXPECT_TRUE(rig.take<RpcSession::Send>().empty()) << "not connected yet";
  rig.session.on_connected(rig.now);
  const auto sent = rig.take<RpcSession::Send>();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[1].text,
            R"({"jsonrpc":"2.0","id":2,"method":"state_call","params":["Api","0x1100"]})");
  rig.reply(second, "\"0x01\"");
  rig.reply(first, "{\"number\":\"0x10\"}");
  rig.reply(first, "{\"number\":\"0x11\"}");  // once more
  const auto done = rig.take<RpcSession::Done>();
  ASSERT_EQ(done.size(), 2U);
  EXPECT_EQ(done[0].id, second);
  EXPECT_EQ(*done[0].result, "0x01");
  EXPECT_EQ(done[1].result->at("number"), "0x10");
}

TEST(RpcSession, TellsUnknownMethodsFromOtherErrors) {
  Rig rig;
  rig.session.on_connected(rig.now);
  for (int i = 0; i < 4; ++i) {
    rig.session.call("state_call", Json::array(), rig.now);
  }
  rig.session.on_text(R"({"id":1,"error":{"code":-32601,"message":"Method not found"}})", rig.now);
  rig.session.on_text(R"({"id":2,"error":{"code":4003,"message":"Client error: Execution failed",)"
                      R"("data":"Exported method Api_x is not found"}})",
                      rig.now);
  rig.session.on_text(R"({"id":3,"error":{"code":-32000,"message":"busy\nnow"}})", rig.now);
  rig.session.on_text(R"({"id":4})", rig.now);
  const auto done = rig.take<RpcSession::Done>();
  ASSERT_EQ(done.size(), 4U);
  EXPECT_EQ(done[0].result.error().code, Errc::unsupported);
  EXPECT_EQ(done[1].result.error().code, Errc::unsupported);
  EXPECT_EQ(done[2].result.error().code, Errc::peer_failure);
  EXPECT_EQ(done[2].result.error().context, "state_call: the node answered error -32000: busy now");
  EXPECT_EQ(done[3].result.error().code, Errc::peer_failure);
}

TEST(RpcSession, AsksOpenCallsAgainOnTheNextEndpoint) {
  Rig rig(2);
  rig.session.on_connected(rig.now);
  const auto id = rig.session.call("chain_getHeader", Json::array(), rig.now);
  rig.take<RpcSession::Connect>();
  EXPECT_EQ(rig.sent_id(), id);
  rig.session.on_disconnected(fail(Errc::peer_failure, "connection reset"), rig.now);
  const auto connects = rig.take<RpcSession::Connect>();
  ASSERT_EQ(connects.size(), 1U) << "at once: the second endpoint has not failed";
  EXPECT_EQ(connects[0].endpoint, 1U);
  rig.session.on_connected(rig.now);
  EXPECT_EQ(rig.sent_id(), id);
  rig.reply(id, "7");
  EXPECT_EQ(rig.take<RpcSession::Done>().size(), 1U);
}

TEST(RpcSession, PausesLongerEachRoundAndNeverBeyondTheLimit) {
  Rig rig(2);
  double longest_possible = 0.5;
  for (int round = 0; round < 12; ++round) {
    rig.session.on_disconnected(fail(Errc::peer_failure, "refused"), rig.now);
    rig.session.on_disconnected(fail(Errc::peer_failure, "refused"), rig.now);
    const double pause = to_seconds(rig.session.next_due().value() - rig.now);
    EXPECT_LE(pause, longest_possible);
    EXPECT_GE(pause, longest_possible / 2);
    longest_possible = std::min(60.0, longest_possible * 2);
    rig.take<RpcSession::Connect>();
    rig.advance(from_seconds(pause / 2));
    EXPECT_TRUE(rig.take<RpcSession::Connect>().empty());
    rig.advance(from_seconds(pause / 2) + milliseconds(1));
    EXPECT_EQ(rig.take<RpcSession::Connect>().size(), 1U);
  }
}

TEST(RpcSession, JittersItsPausesByItsSeed) {
  Rig a(1, 1), b(1, 2);
  for (Rig* rig : {&a, &b}) {
    rig->session.on_disconnected(fail(Errc::peer_failure, "refused"), rig->now);
  }
  EXPECT_NE(a.session.next_due(), b.session.next_due());
}

TEST(RpcSession, BacksOffFromANodeThatConnectsAndHangsUp) {
  Rig rig;
  double last = 0;
  for (int i = 0; i < 5; ++i) {
    rig.session.on_connected(rig.now);
    rig.session.on_disconnected(fail(Errc::peer_failure, "closed"), rig.now);
    const double pause = to_seconds(rig.session.next_due().value() - rig.now);
    EXPECT_GT(pause, last) << "a mere connection is no success";
    last = pause / 2;
    rig.advance(from_seconds(pause) + milliseconds(1));
  }
}

TEST(RpcSession, TimesOutCallsAndGivesUpASilentNode) {
  Rig rig(2);
  rig.session.on_connected(rig.now);
  rig.session.call("a", Json::array(), rig.now);
  rig.advance(seconds(19));
  EXPECT_TRUE(rig.take<RpcSession::Done>().empty());
  rig.session.call("b", Json::array(), rig.now);
  rig.advance(seconds(1));
  const auto first = rig.take<RpcSession::Done>();
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].result.error().code, Errc::timed_out);
  EXPECT_THAT(first[0].result.error().context, HasSubstr("ws://node0: a: no answer within 20 s"));
  EXPECT_TRUE(rig.take<RpcSession::Close>().empty()) << "one may be chance";
  rig.take<RpcSession::Connect>();
  rig.advance(seconds(19));
  EXPECT_EQ(rig.take<RpcSession::Close>().size(), 1U);
  EXPECT_EQ(rig.take<RpcSession::Connect>().at(0).endpoint, 1U);
}

TEST(RpcSession, TimesOutCallsWhileThereIsNoNode) {
  Rig rig;
  rig.session.on_disconnected(fail(Errc::peer_failure, "refused"), rig.now);
  rig.session.call("a", Json::array(), rig.now);
  rig.advance(seconds(20));
  EXPECT_THAT(rig.take<RpcSession::Done>().at(0).result.error().context,
              HasSubstr("no node to ask"));
}

TEST(RpcSession, GivesUpAConnectionThatTakesTooLong) {
  Rig rig(2);
  rig.take<RpcSession::Connect>();
  rig.advance(seconds(15));
  EXPECT_EQ(rig.take<RpcSession::Close>().size(), 1U);
  EXPECT_EQ(rig.take<RpcSession::Connect>().at(0).endpoint, 1U);
}

TEST(RpcSession, DropsANodeThatSendsGarbage) {
  for (const char* text : {"", "garbage", "[1,2]", "\xff\xfe", "{\"id\":1"}) {
    Rig rig;
    rig.session.on_connected(rig.now);
    rig.session.on_text(text, rig.now);
    EXPECT_EQ(rig.take<RpcSession::Close>().size(), 1U) << text;
    EXPECT_FALSE(rig.session.is_connected());
    const auto notes = rig.take<RpcSession::Note>();
    EXPECT_THAT(notes.back().text, HasSubstr("ws://node0: the node sent what is no JSON-RPC"));
    EXPECT_TRUE(notes.back().is_trouble);
  }
}

TEST(RpcSession, IgnoresMessagesThatAreNobodys) {
  Rig rig;
  rig.session.on_connected(rig.now);
  for (const char* text : {R"({"id":77,"result":1})", R"({"id":"x","result":1})", "{}",
                           R"({"method":"chain_newHead"})",
                           R"({"method":"chain_newHead","params":{"subscription":5}})"}) {
    rig.session.on_text(text, rig.now);
  }
  EXPECT_TRUE(rig.session.is_connected());
  EXPECT_TRUE(rig.take<RpcSession::Done>().empty());
  EXPECT_TRUE(rig.take<RpcSession::Notification>().empty());
}

TEST(RpcSession, RenewsSubscriptionsAfterAReconnection) {
  Rig rig;
  const auto heads = rig.session.subscribe("chain_subscribeNewHeads", rig.now);
  rig.session.on_connected(rig.now);
  rig.reply(rig.sent_id(), "\"old\"");
  const std::string old_head =
      R"({"method":"chain_newHead","params":{"subscription":"old","result":{"number":"0x1"}}})";
  rig.session.on_text(old_head, rig.now);
  const auto seen = rig.take<RpcSession::Notification>();
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].subscription, heads);
  EXPECT_EQ(seen[0].value.at("number"), "0x1");
  rig.session.on_disconnected(fail(Errc::peer_failure, "closed"), rig.now);
  rig.advance(seconds(1));
  rig.session.on_connected(rig.now);
  rig.reply(rig.sent_id(), "\"new\"");
  rig.session.on_text(old_head, rig.now);
  EXPECT_TRUE(rig.take<RpcSession::Notification>().empty()) << "another node's name";
}

TEST(RpcSession, LeavesANodeWhoseHeadStandsStill) {
  Rig rig;
  rig.session.subscribe("chain_subscribeNewHeads", rig.now);
  rig.session.on_connected(rig.now);
  rig.reply(rig.sent_id(), "\"s\"");
  rig.advance(seconds(59));
  EXPECT_TRUE(rig.session.is_connected());
  rig.session.call("a", Json::array(), rig.now);
  rig.reply(rig.sent_id(), "1");  // it answers, and yet is stuck
  rig.advance(seconds(1));
  EXPECT_FALSE(rig.session.is_connected());
  EXPECT_THAT(rig.take<RpcSession::Note>().back().text, HasSubstr("no new block within 60 s"));
}

}  // namespace
}  // namespace lode::chain
