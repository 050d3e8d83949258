#include "miner/calibration_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace lode::miner {
namespace {

/// A result of ours at a validator; `theirs` below the threshold of 0.6 is a rejection.
void add_result(std::vector<Event>& events, const char* hotkey, double ours, double theirs) {
  Event event;
  event.hotkey = hotkey;
  event.kind = EventKind::submitting;
  event.judged = true;
  event.score = ours;
  events.push_back(event);
  const bool accepted = theirs >= 0.6;
  event.kind = accepted ? EventKind::accepted : EventKind::rejected;
  event.score = accepted ? theirs : 0;
  event.threshold = 0.6;
  events.push_back(event);
}

std::vector<Event> two_validators() {
  std::vector<Event> events;
  for (int i = 0; i < 40; ++i) {
    const double ours = 0.62 + 0.008 * i;
    add_result(events, "fair", ours, ours);
    add_result(events, "strict", ours, ours - 0.1);
  }
  return events;
}

TEST(CalibrationReport, HasALineAValidator) {
  const CalibrationReport report = compute_calibration(two_validators(), {});
  ASSERT_EQ(report.validators.size(), 2U);
  const CalibrationRow& fair = report.validators.at("fair");
  const CalibrationRow& strict = report.validators.at("strict");
  EXPECT_EQ(fair.calibration.pairs, 40);
  EXPECT_EQ(fair.calibration.rejected, 0);
  EXPECT_NEAR(fair.calibration.bias, 0, 1e-9);
  EXPECT_EQ(strict.calibration.rejected, 10);
  EXPECT_NEAR(strict.calibration.bias, -0.1, 1e-9);
  EXPECT_GT(strict.rule.margin, fair.rule.margin);
  EXPECT_EQ(report.total.calibration.pairs, 80);
  for (const CalibrationRow* row : {&fair, &strict}) {
    int below = 0;
    for (const ScorePair& pair : row->pairs) {
      below += pair.predicted < pair.threshold + row->rule.margin ? 1 : 0;
    }
    EXPECT_EQ(row->false_rejects, below - row->calibration.rejected + row->false_accepts);
  }
}

TEST(CalibrationReport, AsJsonAndAsATable) {
  const auto json = to_json(compute_calibration(two_validators(), {}), {{"strict", 7}});
  ASSERT_EQ(json["validators"].size(), 2U);
  EXPECT_EQ(json["validators"][0]["uid"], -1);
  EXPECT_EQ(json["validators"][1]["uid"], 7);
  EXPECT_EQ(json["validators"][1]["rejected"], 10);
  EXPECT_EQ(json["total"]["pairs"], 80);
  EXPECT_EQ(json["total"]["curve"].size(), 21U);
  const std::string table = format_calibration(json);
  EXPECT_THAT(table, testing::HasSubstr("7 strict"));
  EXPECT_THAT(table, testing::HasSubstr("-0.100"));
  EXPECT_THAT(table, testing::HasSubstr("total"));
}

TEST(CalibrationReport, EmptyJournalsHaveOneTooAndItsPictureIsWhole) {
  const CalibrationReport empty = compute_calibration({}, {});
  EXPECT_THAT(format_calibration(to_json(empty, {})), testing::HasSubstr("total"));
  for (const CalibrationReport& report : {empty, compute_calibration(two_validators(), {})}) {
    const std::string svg = calibration_svg(report);
    EXPECT_THAT(svg, testing::StartsWith("<svg"));
    EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
    EXPECT_THAT(svg, testing::Not(testing::HasSubstr("nan")));
    std::size_t dots = 0;
    for (auto at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1)) {
      ++dots;
    }
    EXPECT_EQ(dots, report.total.pairs.size());
  }
}

TEST(CalibrationReport, ShowsTheMarginThatTheMinerSendsBy) {
  const std::vector<Event> events = two_validators();
  const CalibrationReport report = compute_calibration(events, {});
  Experience experience;
  for (const Event& event : events) {
    experience.apply(event);
  }
  for (const char* hotkey : {"fair", "strict"}) {
    const SendRule rule = send_rule(experience, hotkey, LedgerRow(), Priors());
    EXPECT_EQ(report.validators.at(hotkey).rule.margin, rule.margin);
    EXPECT_EQ(report.validators.at(hotkey).rule.source, MarginSource::own);
  }
  EXPECT_EQ(to_json(report, {})["total"]["margin_from"], "all validators");
}

/// Results whose scores theirs are ours plus `bias`, alternating by `scatter`.
std::vector<Event> results(int count, double bias, double scatter, std::vector<Event> events = {}) {
  for (int i = 0; i < count; ++i) {
    const double ours = 0.75 + 0.01 * (i % 10);
    add_result(events, "V", ours, ours + bias + (i % 2 == 0 ? scatter : -scatter));
  }
  return events;
}

TEST(CalibrationReport, SaysWhetherTheCurveMovedFromTheFirstHalfToTheLast) {
  const auto drift_of = [](const std::vector<Event>& events) {
    return compute_calibration(events, {}).drift;
  };
  const CalibrationDrift moved = drift_of(results(40, -0.06, 0.02, results(40, 0, 0.02)));
  EXPECT_TRUE(moved.has_moved);
  EXPECT_NEAR(moved.shift, -0.06, 0.001);
  EXPECT_NEAR(moved.error, 0.02 * std::sqrt(2.0 / 40), 0.001);
  EXPECT_EQ(moved.early.pairs, 40);
  EXPECT_LT(moved.late.expected(0.8), moved.early.expected(0.8) - 0.04);
  EXPECT_FALSE(drift_of(results(80, 0.03, 0.02)).has_moved);
  EXPECT_FALSE(drift_of(results(9, -0.06, 0.01, results(9, 0, 0.01))).has_moved) << "too few";
  EXPECT_FALSE(drift_of({}).has_moved);
  const CalibrationReport report =
      compute_calibration(results(40, -0.06, 0.02, results(40, 0, 0.02)), {});
  EXPECT_THAT(format_calibration(to_json(report, {})),
              testing::AllOf(testing::HasSubstr("early 40 pairs"), testing::HasSubstr("late  40"),
                             testing::HasSubstr("has moved: theirs minus ours -0.060")));
  EXPECT_THAT(calibration_svg(report), testing::HasSubstr("late half: 40 pairs"));
}

TEST(CalibrationReport, TellsWhatDuelsTaught) {
  const auto json = to_json(compute_calibration(two_validators(), {}), {});
  EXPECT_EQ(json["correlation"]["moves"], 0);
  EXPECT_EQ(json["correlation"]["correlation"], 0.5);
  EXPECT_THAT(format_calibration(json), testing::HasSubstr("assumed; 0 duels seen"));
}

}  // namespace
}  // namespace lode::miner
