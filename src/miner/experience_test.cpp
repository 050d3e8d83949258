#include "miner/experience.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

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

void submit(Experience& experience, double ours, EventKind outcome, double theirs) {
  Event event;
  event.hotkey = "V";
  event.kind = EventKind::submitting;
  event.judged = true;
  event.score = ours;
  experience.apply(event);
  event.kind = outcome;
  event.score = theirs;
  event.threshold = 0.6;
  event.seconds = 2;
  experience.apply(event);
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

TEST(Experience, TellsTextAndImageTasksApart) {
  Experience experience;
  for (int i = 0; i < 50; ++i) {
    experience.apply(assigned("text"));
    experience.apply(made(0.8, 20));
    experience.apply(assigned("image"));
    experience.apply(made(0.7, 5));
  }
  EXPECT_NEAR(to_seconds(experience.generation_time("text")), 20, 0.1);
  EXPECT_NEAR(to_seconds(experience.generation_time("image")), 5, 1.5);
  EXPECT_NEAR(experience.scores("image").mean(), 0.7, 1e-9);
  EXPECT_EQ(experience.generation_limit("image"), std::chrono::seconds(30));
  EXPECT_EQ(experience.generation_limit("unseen"), std::chrono::seconds(300));
}

TEST(Experience, LaterCandidatesOfATaskAreCountedByThemselves) {
  Experience experience;
  const double before = experience.pass_probability(1);
  EXPECT_NEAR(experience.pass_probability(0), Priors{}.pass, 1e-12);
  EXPECT_NEAR(before, Priors{}.pass * Priors{}.later_pass, 1e-12);
  for (int i = 0; i < 40; ++i) {  // first ones pass; after a failure nothing does
    experience.apply(assigned("text"));
    experience.apply(made(i % 4 == 0 ? 0.2 : 0.8, 10));
    if (i % 4 == 0) {
      experience.apply(made(0.2, 10));
    }
  }
  EXPECT_NEAR(experience.pass_probability(0), 0.75, 0.05);
  EXPECT_LT(experience.pass_probability(1), 0.3);
  EXPECT_LE(experience.pass_probability(9), experience.pass_probability(1));
}

TEST(FadingLine, BeginsAsTheIdentityAndFindsTheLine) {
  FadingLine line;
  EXPECT_EQ(line.predict(0.7), 0.7);
  EXPECT_NEAR(line.error(0.02), 0.02, 1e-12);
  Rng rng(3);
  for (int i = 0; i < 400; ++i) {
    const double x = rng.uniform(0.5, 1);
    line.add(x, 0.3 + 0.5 * x + 0.03 * rng.normal());
  }
  EXPECT_NEAR(line.predict(0.6), 0.6, 0.03);
  EXPECT_NEAR(line.predict(1.0), 0.8, 0.04);
  EXPECT_NEAR(line.error(0.02), 0.03, 0.01);
  line.add(std::nan(""), 0.5);
  EXPECT_TRUE(std::isfinite(line.predict(0.5)));
}

TEST(Experience, LearnsHowFarOurScoresAreFromTheirs) {
  Experience experience;
  EXPECT_NEAR(experience.acceptance_probability(0.6, 0.6), 0.5, 1e-9);
  for (int i = 0; i < 60; ++i) {
    experience.apply(assigned("text"));
    submit(experience, i % 4 < 2 ? 0.7 : 0.9, EventKind::accepted,
           (i % 4 < 2 ? 0.65 : 0.85) + (i % 2 == 0 ? 0.05 : -0.05));
  }
  EXPECT_NEAR(experience.expected_score(0.8), 0.75, 0.01);
  EXPECT_NEAR(experience.scorer_error(), 0.05, 0.01);
  EXPECT_NEAR(experience.acceptance_probability(0.65, 0.6), 0.5, 0.1);
  EXPECT_GT(experience.acceptance_probability(0.75, 0.6), 0.95);
  EXPECT_NEAR(to_seconds(experience.submission_time()), 2, 0.2);
}

// All results are good, and our score says little about how good: then a low score is no reason to
// hold one back.
TEST(Experience, DoesNotFearALowScoreThatMeansLittle) {
  Experience experience;
  Rng rng(5);
  for (int i = 0; i < 200; ++i) {
    const double theirs = 0.8 + 0.05 * rng.normal();
    experience.apply(assigned("text"));
    submit(experience, theirs + 0.12 * rng.normal(), EventKind::accepted, theirs);
  }
  EXPECT_GT(experience.acceptance_probability(0.61, 0.6), 0.9);
}

TEST(Experience, ARejectionTeachesThatOurScoreWasTooHigh) {
  Experience experience;
  const double before = experience.acceptance_probability(0.7, 0.6);
  for (int i = 0; i < 5; ++i) {
    experience.apply(assigned("text"));
    submit(experience, 0.8, EventKind::rejected, 0);
  }
  EXPECT_LT(experience.acceptance_probability(0.7, 0.6), before);
  EXPECT_LT(experience.acceptance(), Priors{}.acceptance);
}

}  // namespace
}  // namespace lode::miner
