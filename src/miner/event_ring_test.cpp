#include "miner/event_ring.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/events.h"

namespace lode::miner {
namespace {

using Json = nlohmann::json;

EventRing ring_of(int n, std::size_t capacity = EventRing::kCapacity) {
  EventRing ring(capacity);
  for (int i = 0; i < n; ++i) {
    ring.add(testing_support::make_event(EventKind::assigned, 1000 + i), 7);
  }
  return ring;
}

std::vector<std::uint64_t> numbers(const Json& reply) {
  std::vector<std::uint64_t> numbers;
  for (const Json& event : reply["events"]) {
    numbers.push_back(event["seq"].get<std::uint64_t>());
  }
  return numbers;
}

TEST(EventRing, GivesNothingBeforeTheFirstEvent) {
  const Json reply = EventRing().since({});
  EXPECT_EQ(reply["next"], 0);
  EXPECT_TRUE(reply["events"].empty());
}

TEST(EventRing, KeepsTheNewestAndGoesOnCounting) {
  const EventRing ring = ring_of(7, 3);
  EXPECT_EQ(numbers(ring.since(0)), (std::vector<std::uint64_t>{4, 5, 6}));
  EXPECT_EQ(numbers(ring.since(5)), (std::vector<std::uint64_t>{5, 6}));
  EXPECT_EQ(ring.since(0)["next"], 7);
  EXPECT_DOUBLE_EQ(ring.since(6)["events"][0]["at"].get<double>(), 1006);
}

TEST(EventRing, GivesTheNewestHundredToWhoHasNone) {
  const auto newest = numbers(ring_of(250).since({}));
  ASSERT_EQ(newest.size(), 100U);
  EXPECT_EQ(newest.front(), 150U);
  EXPECT_EQ(newest.back(), 249U);
  EXPECT_EQ(numbers(ring_of(2).since({})).size(), 2U);
}

TEST(EventRing, TellsWhoIsAheadThatItStartedAgain) {
  const Json reply = ring_of(3).since(500);
  EXPECT_EQ(reply["next"], 3);
  EXPECT_TRUE(reply["events"].empty());
}

TEST(EventRing, NamesTheValidatorOrNull) {
  EventRing ring = ring_of(1);
  ring.add(testing_support::make_event(EventKind::accepted, 5, "5Left"), {});
  const Json reply = ring.since(0);
  EXPECT_EQ(reply["events"][0]["uid"], 7);
  EXPECT_TRUE(reply["events"][1]["uid"].is_null());
  EXPECT_EQ(reply["events"][1]["hotkey"], "5Left");
  EXPECT_EQ(reply["events"][1]["kind"], "accepted");
}

TEST(EventRing, AnswersQueries) {
  const EventRing ring = ring_of(3);
  const HttpResponse all = answer_events(ring, "");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(numbers(Json::parse(all.body)).size(), 3U);
  EXPECT_EQ(numbers(Json::parse(answer_events(ring, "since=2").body)).size(), 1U);
  EXPECT_EQ(answer_events(ring, "since=18446744073709551615").status, 200);
  for (const char* query :
       {"since=", "since=-1", "since=1x", "since= 1", "since=+1", "since=1.5",
        "since=18446744073709551616", "since", "sinc=1", "since=1&since=2", "x=1", "&"}) {
    const HttpResponse refused = answer_events(ring, query);
    EXPECT_EQ(refused.status, 422) << query;
    EXPECT_TRUE(Json::parse(refused.body).contains("detail")) << query;
  }
}

TEST(EventRing, AnswersEventsWithBytesThatAreNoText) {
  EventRing ring;
  Event event = testing_support::make_event(EventKind::pull_failed, 5);
  event.detail = "\xff\xfe";
  ring.add(std::move(event), 1);
  const HttpResponse reply = answer_events(ring, "");
  EXPECT_EQ(reply.status, 200);
  EXPECT_FALSE(Json::parse(reply.body, nullptr, false).is_discarded());
}

}  // namespace
}  // namespace lode::miner
