#include "miner/statistics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lode::miner {
namespace {

Event assigned(const char* type) {
  Event event;
  event.hotkey = "V";
  event.kind = EventKind::assigned;
  event.task_type = type;
  return event;
}

Event made(double score, double seconds, double threshold = 0.6) {
  Event event;
  event.hotkey = "V";
  event.kind = EventKind::candidate_ready;
  event.judged = true;
  event.score = score;
  event.threshold = threshold;
  event.seconds = seconds;
  return event;
}

void submit(Statistics& statistics, double ours, EventKind outcome, double theirs) {
  Event event;
  event.hotkey = "V";
  event.kind = EventKind::submitting;
  event.judged = true;
  event.score = ours;
  statistics.apply(event);
  event.kind = outcome;
  event.score = theirs;
  event.threshold = 0.6;
  event.seconds = 2;
  statistics.apply(event);
}

TEST(FadingMoments, AreTheExactMomentsOfAFewValues) {
  FadingMoments moments;
  for (const double x : {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0}) {
    moments.add(x);
  }
  EXPECT_NEAR(moments.mean(), 5, 1e-12);
  EXPECT_NEAR(moments.deviation(), 2, 1e-12);
  moments.add(std::nan(""));
  EXPECT_EQ(moments.count(), 8) << "a peer's nonsense is not learned";
}

TEST(FadingMoments, FollowAChange) {
  FadingMoments moments;
  for (int i = 0; i < 200; ++i) {
    moments.add(10);
  }
  for (int i = 0; i < 150; ++i) {
    moments.add(20);
  }
  EXPECT_NEAR(moments.mean(), 20, 0.6);
}

TEST(Statistics, TellsTextAndImageTasksApart) {
  Statistics statistics;
  for (int i = 0; i < 50; ++i) {
    statistics.apply(assigned("text"));
    statistics.apply(made(0.8, 20));
    statistics.apply(assigned("image"));
    statistics.apply(made(0.7, 5));
  }
  EXPECT_NEAR(to_seconds(statistics.generation_time("text")), 20, 0.1);
  EXPECT_NEAR(to_seconds(statistics.generation_time("image")), 5, 1.5);
  EXPECT_NEAR(statistics.scores("image").mean(), 0.7, 1e-9);
  EXPECT_EQ(statistics.generation_limit("image"), std::chrono::seconds(30));
  EXPECT_EQ(statistics.generation_limit("unseen"), std::chrono::seconds(300));
}

TEST(Statistics, LaterCandidatesOfATaskAreCountedByThemselves) {
  Statistics statistics;
  const double before = statistics.pass_probability(1);
  EXPECT_NEAR(statistics.pass_probability(0), Priors{}.pass, 1e-12);
  EXPECT_NEAR(before, Priors{}.pass * Priors{}.later_pass, 1e-12);
  for (int i = 0; i < 40; ++i) {  // first ones pass; after a failure nothing does
    statistics.apply(assigned("text"));
    statistics.apply(made(i % 4 == 0 ? 0.2 : 0.8, 10));
    if (i % 4 == 0) {
      statistics.apply(made(0.2, 10));
    }
  }
  EXPECT_NEAR(statistics.pass_probability(0), 0.75, 0.05);
  EXPECT_LT(statistics.pass_probability(1), 0.3);
  EXPECT_LE(statistics.pass_probability(9), statistics.pass_probability(1));
}

TEST(Statistics, LearnsHowFarOurScoresAreFromTheirs) {
  Statistics statistics;
  EXPECT_NEAR(statistics.acceptance_probability(0.6, 0.6), 0.5, 1e-9);
  for (int i = 0; i < 60; ++i) {
    statistics.apply(assigned("text"));
    submit(statistics, 0.8, EventKind::accepted, i % 2 == 0 ? 0.80 : 0.70);
  }
  EXPECT_NEAR(statistics.scorer_bias(), -0.05, 0.01);
  EXPECT_NEAR(statistics.scorer_error(), 0.05, 0.01);
  EXPECT_NEAR(statistics.acceptance_probability(0.65, 0.6), 0.5, 0.1);
  EXPECT_GT(statistics.acceptance_probability(0.75, 0.6), 0.95);
  EXPECT_NEAR(to_seconds(statistics.submission_time()), 2, 0.2);
}

TEST(Statistics, ARejectionTeachesThatOurScoreWasTooHigh) {
  Statistics statistics;
  const double before = statistics.acceptance_probability(0.7, 0.6);
  for (int i = 0; i < 5; ++i) {
    statistics.apply(assigned("text"));
    submit(statistics, 0.8, EventKind::rejected, 0);
  }
  EXPECT_LT(statistics.acceptance_probability(0.7, 0.6), before);
  EXPECT_LT(statistics.acceptance(), Priors{}.acceptance);
}

}  // namespace
}  // namespace lode::miner
