#include "miner/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tests/support/events.h"

namespace lode::miner {
namespace {

using testing_support::make_event;
using testing_support::make_task;

std::vector<Event> joined(std::initializer_list<std::vector<Event>> parts) {
  std::vector<Event> events;
  for (const auto& part : parts) {
    events.insert(events.end(), part.begin(), part.end());
  }
  return events;
}

Statistics over(const std::vector<Event>& events, std::int64_t since, std::int64_t until) {
  return compute_statistics(events, Ledger(), from_unix_seconds(since), from_unix_seconds(until));
}

TEST(Statistics, CountsWhatEndedInTheWindow) {
  auto violation = make_event(EventKind::cooldown, 15'000, "V", "");
  violation.violations = 1;
  const auto events = joined({make_task(9'990, "V", "t0", EventKind::rejected),  // ends at 10'006
                              make_task(11'000, "V", "t1", EventKind::accepted),
                              make_task(12'000, "V", "t2", EventKind::emptied),
                              make_task(13'000, "W", "t3", EventKind::settled),
                              {violation},
                              make_task(24'390, "V", "t4", EventKind::accepted)});  // ends after
  const auto found = over(events, 10'000, 24'400);
  const ValidatorStatistics& v = found.validators.at("V");
  EXPECT_EQ(v.accepted, 1);
  EXPECT_EQ(v.rejected, 1) << "assigned before the window, ended in it";
  EXPECT_EQ(v.empty, 1);
  EXPECT_EQ(v.violations, 1);
  EXPECT_EQ(v.pulled, 3);
  EXPECT_DOUBLE_EQ(v.bound, 48) << "four hours";
  EXPECT_DOUBLE_EQ(v.acceptance_rate(), 1.0 / 3);
  EXPECT_EQ(found.total.settled, 1);
  EXPECT_DOUBLE_EQ(found.total.bound, 96);
}

TEST(Statistics, ScalesTheBoundToTheTimeThatIsKnown) {
  const auto events = make_task(20'800, "V", "t1", EventKind::accepted);
  EXPECT_DOUBLE_EQ(over(events, 10'000, 24'400).validators.at("V").bound, 12) << "one hour";
  EXPECT_EQ(over({}, 10'000, 24'400).total.bound, 0);
}

TEST(Statistics, ComparesOurScoreOfWhatWasSentWithTheValidators) {
  auto events = make_task(1000, "V", "t1", EventKind::accepted, 0.7);
  events[3].artifact = "sent";
  events[4].artifact = "sent";
  events[5].score = 0.6;
  auto other = make_event(EventKind::candidate_ready, 1012, "V", "t1");
  other.score = 0.95;
  other.artifact = "kept";
  other.attempt = 1;
  events.insert(events.begin() + 4, other);
  const auto second =
      make_task(2000, "V", "t2", EventKind::accepted, 0.8);  // 0.7 from the validator
  const auto found = over(joined({events, second}), 0, 3000).validators.at("V");
  EXPECT_NEAR(found.predicted.mean(), 0.75, 1e-12);
  EXPECT_NEAR(found.returned.mean(), 0.65, 1e-12);
  EXPECT_NEAR(found.error.mean(), 0.1, 1e-12);
  EXPECT_NEAR(std::sqrt(found.squared_error.mean()), 0.1, 1e-12);
  EXPECT_EQ(found.candidates, 3);
}

TEST(Statistics, MeasuresCallsGenerationsAndOverrun) {
  auto on_time = make_task(1000, "V", "t1", EventKind::accepted);
  auto late = make_task(2000, "V", "t2", EventKind::accepted);
  late[5].at = from_unix_seconds(2001 + 30 + 12);
  late[3].seconds = 7.5;
  late[1].seconds = 0.25;
  const auto found = over(joined({on_time, late}), 0, 3000).validators.at("V");
  EXPECT_EQ(found.overrun.size(), 2U);
  EXPECT_DOUBLE_EQ(found.overrun.mean(), 6);
  EXPECT_DOUBLE_EQ(found.overrun.quantile(1), 12);
  EXPECT_DOUBLE_EQ(found.generation.quantile(0), 7.5) << "as the event says";
  EXPECT_DOUBLE_EQ(found.generation.quantile(1), 10) << "since its intent";
  EXPECT_DOUBLE_EQ(found.pull.quantile(0), 0.25);
  EXPECT_DOUBLE_EQ(found.pull.quantile(1), 1);
  EXPECT_DOUBLE_EQ(found.submit.quantile(0), 3);
}

TEST(Statistics, TakesRatingsFromTheWindowOrTheLedger) {
  const auto history = make_task(1000, "V", "t1", EventKind::accepted);
  Ledger ledger;
  for (const Event& event : history) {
    ledger.apply(event);
  }
  auto pull = make_event(EventKind::pulling, 5000, "V", "");
  const auto found =
      compute_statistics({pull}, ledger, from_unix_seconds(4000), from_unix_seconds(6000));
  EXPECT_EQ(found.validators.at("V").rating, history[5].rating);
  EXPECT_EQ(found.validators.at("V").reward, history[5].reward);
}

TEST(Statistics, GivesQuantilesByNearestRank) {
  Sample sample;
  EXPECT_EQ(sample.quantile(0.5), 0);
  for (const double value : {5, 1, 4, 2, 3}) {
    sample.add(value);
  }
  EXPECT_EQ(sample.quantile(0), 1);
  EXPECT_EQ(sample.quantile(0.5), 3);
  EXPECT_EQ(sample.quantile(0.9), 5);
  EXPECT_EQ(sample.quantile(1), 5);
}

TEST(Statistics, PrintsARowPerValidatorAndATotal) {
  const auto json =
      to_json(over(make_task(1000, "5V", "t1", EventKind::accepted), 0, 3000), {{"5V", 7}});
  EXPECT_EQ(json["validators"][0]["uid"], 7);
  EXPECT_EQ(json["validators"][0]["hotkey"], "5V");
  EXPECT_EQ(json["total"]["accepted"], 1);
  const std::string text = format_statistics(json);
  EXPECT_NE(text.find("7 5V"), std::string::npos) << text;
  EXPECT_NE(text.find("\ntotal"), std::string::npos);
}

}  // namespace
}  // namespace lode::miner
