#include "simulate/generation_time.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lode::simulate {
namespace {

TEST(GenerationTime, ReadsAMeanOrARange) {
  EXPECT_EQ(parse_generation_time("20", 0.3)->describe(), "20 s, spread 0.3");
  EXPECT_EQ(parse_generation_time("15-25", 0.3)->describe(), "15-25 s");
  EXPECT_EQ(parse_generation_time("0.5-0.5", 0)->describe(), "0.5-0.5 s");
}

TEST(GenerationTime, RefusesWhatIsNeither) {
  for (const char* text : {"", "-", "0", "-5", "5-", "25-15", "a", "15-25-35", "1e9", "nan", "inf",
                           "20s", " 20", "15 - 25"}) {
    const auto parsed = parse_generation_time(text, 0.3);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::invalid_input);
    EXPECT_NE(parsed.error().context.find("generation-seconds"), std::string::npos);
  }
  EXPECT_FALSE(parse_generation_time("20", -0.1));
  EXPECT_FALSE(parse_generation_time("20", std::nan("")));
}

TEST(GenerationTime, DrawsWithTheMeanAndTheSpreadItSays) {
  Rng rng(1);
  const auto time = GenerationTime::lognormal(20, 0.3);
  double sum = 0;
  double squares = 0;
  constexpr int kDraws = 100'000;
  for (int i = 0; i < kDraws; ++i) {
    const double seconds = time.sample(rng);
    ASSERT_GT(seconds, 0);
    sum += seconds;
    squares += seconds * seconds;
  }
  const double mean = sum / kDraws;
  EXPECT_NEAR(mean, 20, 0.1);  // the standard error is 0.02
  EXPECT_NEAR(std::sqrt(squares / kDraws - mean * mean) / mean, 0.3, 0.005);
}

TEST(GenerationTime, ARangeIsNeverLeft) {
  Rng rng(2);
  const auto time = GenerationTime::uniform(15, 25);
  for (int i = 0; i < 10'000; ++i) {
    const double seconds = time.sample(rng);
    ASSERT_GE(seconds, 15);
    ASSERT_LT(seconds, 25);
  }
}

TEST(GenerationTime, AveragesAFunctionAsItsDrawsDo) {
  const auto identity = [](double seconds) { return seconds; };
  EXPECT_NEAR(GenerationTime::lognormal(20, 0.3).expectation(identity), 20, 1e-6);
  EXPECT_NEAR(GenerationTime::uniform(15, 25).expectation(identity), 20, 1e-6);
  EXPECT_EQ(GenerationTime::lognormal(20, 0).expectation(identity), 20);
  EXPECT_EQ(GenerationTime::uniform(7, 7).expectation(identity), 7);
  const auto square = [](double seconds) { return seconds * seconds; };
  EXPECT_NEAR(GenerationTime::lognormal(20, 0.3).expectation(square), 400 * 1.09, 1e-6);
}

}  // namespace
}  // namespace lode::simulate
