#include "miner/send_rule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lode::miner {
namespace {

/// A result of ours at a validator; `theirs` below the threshold of 0.6 is a rejection.
void add_result(Experience& experience, const char* hotkey, double ours, double theirs) {
  Event event;
  event.hotkey = hotkey;
  event.kind = EventKind::submitting;
  event.judged = true;
  event.score = ours;
  experience.apply(event);
  const bool accepted = theirs >= 0.6;
  event.kind = accepted ? EventKind::accepted : EventKind::rejected;
  event.score = accepted ? theirs : 0;
  event.threshold = 0.6;
  experience.apply(event);
}

SendRule rule_of(const Experience& experience, const char* hotkey) {
  return send_rule(experience, hotkey, LedgerRow(), Priors());
}

TEST(SendRule, FallsBackFromTheValidatorsOwnToAllAndToThePrior) {
  Experience experience;
  EXPECT_EQ(rule_of(experience, "A").source, MarginSource::prior);
  EXPECT_GT(rule_of(experience, "A").margin, 0) << "a scorer that errs by 0.02 and is not biased";
  EXPECT_LT(rule_of(experience, "A").margin, 0.02);
  for (int i = 0; i < 40; ++i) {
    add_result(experience, "A", 0.62 + 0.008 * i, 0.62 + 0.008 * i);
    add_result(experience, "strict", 0.62 + 0.008 * i, 0.52 + 0.008 * i);
  }
  EXPECT_EQ(rule_of(experience, "A").source, MarginSource::own);
  EXPECT_EQ(rule_of(experience, "never met").source, MarginSource::pooled);
  const double own = rule_of(experience, "A").margin;
  const double pooled = rule_of(experience, "never met").margin;
  const double strict = rule_of(experience, "strict").margin;
  EXPECT_LT(own, pooled);
  EXPECT_LT(pooled, strict);
  EXPECT_NEAR(strict, 0.1, 0.04);
}

TEST(SendRule, IsMetExactlyWhereTheChanceOfAcceptancePaysForThePenalty) {
  Experience experience;
  for (int i = 0; i < 100; ++i) {
    add_result(experience, i % 2 == 0 ? "A" : "B", 0.55 + 0.004 * i, 0.5 + 0.0045 * i);
    for (const char* hotkey : {"A", "B", "C"}) {
      const SendRule rule = rule_of(experience, hotkey);
      for (double score = 0.3; score < 1.1; score += 0.0037) {
        const bool pays = score >= rule.threshold &&
                          experience.acceptance_probability(hotkey, score, rule.threshold) >=
                              rule.least_acceptance;
        const bool is_border =
            std::abs(score - rule.needed()) < 1e-4;  // what least_margin halves to
        EXPECT_TRUE(is_border || rule.is_met_by(score) == pays) << score << " " << describe(rule);
      }
    }
  }
}

TEST(SendRule, SaysHowItAddsUp) {
  SendRule rule;
  rule.margin = 0.013;
  EXPECT_EQ(describe(rule), "0.613 needed (0.600 + 0.013)");
}

TEST(LeastMargin, IsTheLastWhereNothingIsAcceptable) {
  EXPECT_EQ(least_margin([](double) { return 0.2; }, 0.6), kLargestMargin);
  EXPECT_EQ(least_margin([](double) { return 0.6; }, 0.6), 0);
  EXPECT_NEAR(least_margin([](double margin) { return margin; }, 0.6), 0.6, 1e-4);
}

}  // namespace
}  // namespace lode::miner
