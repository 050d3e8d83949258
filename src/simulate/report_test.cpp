#include "simulate/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "simulate/plot.h"

namespace lode::simulate {
namespace {

using testing::HasSubstr;
using testing::Not;

Outcome outcome(const std::string& policy, std::int64_t accepted) {
  Outcome out;
  out.policy = policy;
  out.hours = 4;
  out.accepted = accepted;
  out.bound = 384;
  out.bound_without_scorer = 384;
  out.ratio = static_cast<double>(accepted) / 384;
  for (std::int64_t i = 0; i < accepted; ++i) {
    out.accepted_at.push_back(4.0 * static_cast<double>(i) / static_cast<double>(accepted));
  }
  return out;
}

TEST(Report, AStandardErrorThatIsUnknownIsNull) {
  Outcome one = outcome("lode", 380);
  EXPECT_TRUE(to_json(one)["standard_error"].is_null());
  one.standard_error = 0.25;
  EXPECT_EQ(to_json(one)["standard_error"], 0.25);
}

TEST(Report, TheTableHasARowAPolicyAndTheBound) {
  const std::string table = format_table({outcome("base", 346), outcome("lode", 380)});
  EXPECT_THAT(table, HasSubstr("\nbase "));
  EXPECT_THAT(table, HasSubstr("\nlode "));
  EXPECT_THAT(table, HasSubstr("98.96 %"));
  EXPECT_THAT(table, HasSubstr("bound        384.0"));
  EXPECT_THAT(table, Not(HasSubstr("sends everything")));
}

TEST(Report, TheTitleNamesOnlyTheFaultsThatThereAre) {
  Config config;
  EXPECT_EQ(describe(config), "V=8, W=2, generation 15-25 s, 4 h, seed 1");
  config.fault_pulls = 0.02;
  config.quality.reject_rate = 0.1;
  EXPECT_EQ(describe(config),
            "V=8, W=2, generation 15-25 s, pulls/submissions/replies lost 2/0/0 %, 10 % below the "
            "threshold, 4 h, seed 1");
}

TEST(Plot, TicksAreOneTwoOrFiveTimesAPowerOfTen) {
  EXPECT_DOUBLE_EQ(tick_step(384, 7), 100);
  EXPECT_DOUBLE_EQ(tick_step(4, 8), 0.5);
  EXPECT_DOUBLE_EQ(tick_step(10, 10), 1);
  EXPECT_DOUBLE_EQ(tick_step(1900, 10), 200);
}

TEST(Plot, HoursAreCountedInDaysWhereThereAreMany) {
  EXPECT_DOUBLE_EQ(hour_step(4, 10), 0.5);
  EXPECT_DOUBLE_EQ(hour_step(24, 10), 4);
  EXPECT_DOUBLE_EQ(hour_step(72, 10), 8);
  EXPECT_DOUBLE_EQ(hour_step(380, 10), 48);
}

TEST(Plot, DrawsALineAPolicyTheBoundAndALegendWithTheCounts) {
  const std::string svg = plot_svg(Config{}, {outcome("base", 346), outcome("lode", 380)});
  std::size_t lines = 0;
  for (std::size_t at = svg.find("<polyline"); at != std::string::npos;
       at = svg.find("<polyline", at + 1)) {
    ++lines;
  }
  EXPECT_EQ(lines, 2U);
  EXPECT_THAT(svg, HasSubstr("stroke-dasharray"));
  EXPECT_THAT(svg, HasSubstr("base: 346 (90.1 % of the bound)"));
  EXPECT_THAT(svg, HasSubstr("lode: 380 (99.0 % of the bound)"));
  EXPECT_THAT(svg, HasSubstr("V=8, W=2, generation 15-25 s"));
  EXPECT_THAT(svg, HasSubstr(">accepted results</text>"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace lode::simulate
