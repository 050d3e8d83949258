#include "miner/duel_learner.h"

#include <gtest/gtest.h>

#include <cmath>
#include <deque>

#include "base/rng.h"
#include "subnet/rating.h"

namespace lode::miner {
namespace {

/// A validator's duels by the model behind Config::rating_per_deviation: a result's quality is
/// normal and our score's standing is correlated with it; the judge sees both results with an error
/// as large as they differ. Ratings follow the validators' formulas.
struct World {
  double correlation = 0.5;
  double draws = 0;  ///< share of duels that the judge calls a draw whatever they are
  int behind = 0;    ///< results that we send until a duel is judged
  double duels = 1;  ///< share of tasks that are duels
};

struct Pending {
  double quality = 0;
  bool is_duel = false;
};

CorrelationEstimate learn(const World& world, int moves, std::uint64_t seed, double prior = 0.5) {
  Rng rng(seed);
  DuelLearner learner;
  subnet::Rating ours;
  std::deque<Pending> pending;
  for (int i = 0; learner.estimate(prior).moves < moves; ++i) {
    const double standing = rng.normal();
    const double quality = world.correlation * standing +
                           std::sqrt(1 - world.correlation * world.correlation) * rng.normal();
    learner.on_sent("V", standing);
    learner.on_answer("V", true, ours.rating);
    pending.push_back({quality, rng.uniform() < world.duels});
    if (pending.size() > static_cast<std::size_t>(world.behind)) {
      const Pending judged = pending.front();
      pending.pop_front();
      if (judged.is_duel) {
        const subnet::Rating opponent{ours.rating + 120 * rng.normal(), 60, 0.06};
        const double seen = judged.quality - rng.normal() + rng.normal();
        const auto outcome = rng.uniform() < world.draws ? subnet::DuelOutcome::draw
                             : seen > 0                  ? subnet::DuelOutcome::win
                                                         : subnet::DuelOutcome::loss;
        ours = subnet::after_duel(ours, opponent, outcome);
      }
    }
  }
  return learner.estimate(prior);
}

TEST(DuelLearner, FindsTheCorrelationThatDuelsWereMadeWith) {
  for (const double truth : {0.2, 0.5, 0.8}) {
    const CorrelationEstimate found = learn({.correlation = truth}, 20'000, 1);
    EXPECT_NEAR(found.correlation, truth, 0.08);
    EXPECT_NEAR(found.correlation, found.measured, 0.02) << "the prior is outvoted";
    EXPECT_LT(found.error, 0.04);
  }
}

TEST(DuelLearner, ItsErrorShrinksAsItSays) {
  for (const int moves : {250, 1000, 4000}) {
    double squares = 0, stated = 0;
    constexpr int kRuns = 60;
    for (int run = 0; run < kRuns; ++run) {
      const CorrelationEstimate found = learn({.correlation = 0.5}, moves, 100 + run);
      squares += (found.measured - 0.5) * (found.measured - 0.5) / kRuns;
      stated += found.error / kRuns;
    }
    EXPECT_NEAR(std::sqrt(squares) / stated, 1, 0.3) << moves;
  }
}

TEST(DuelLearner, ConvergesWhereTheJudgeIsATaskOrTwoBehindAndMostTasksAreNoDuels) {
  for (const int behind : {1, 2}) {
    EXPECT_NEAR(learn({.correlation = 0.6, .behind = behind}, 20'000, 2).correlation, 0.6, 0.08);
  }
  EXPECT_NEAR(learn({.correlation = 0.6, .duels = 0.2}, 20'000, 3).correlation, 0.6, 0.08);
}

TEST(DuelLearner, DrawsAreWorthLess) {
  const CorrelationEstimate found = learn({.correlation = 0.8, .draws = 0.5}, 20'000, 4);
  EXPECT_NEAR(found.correlation, 0.4, 0.08);
}

TEST(DuelLearner, AJudgeFarBehindLooksIndifferentButNeverTurnsImprovingOff) {
  const CorrelationEstimate found = learn({.correlation = 0.8, .behind = 10}, 20'000, 5);
  EXPECT_NEAR(found.measured, 0, 0.1);
  EXPECT_EQ(found.correlation, kLeastCorrelation);
}

TEST(DuelLearner, FewMovesLeaveThePriorAndMoreDrawAwayFromIt) {
  EXPECT_EQ(learn({.correlation = 0.9}, kEnoughMoves - 1, 6, 0.3).correlation, 0.3);
  double after_hundred = 0, after_thousand = 0;
  constexpr int kRuns = 20;
  for (int run = 0; run < kRuns; ++run) {
    after_hundred += learn({.correlation = 0.9}, 100, 50 + run, 0.3).correlation / kRuns;
    after_thousand += learn({.correlation = 0.9}, 1000, 50 + run, 0.3).correlation / kRuns;
  }
  EXPECT_GT(after_hundred, 0.33);
  EXPECT_LT(after_hundred, 0.65);
  EXPECT_GT(after_thousand, 0.7);
}

TEST(DuelLearner, TheSameEventsTeachTheSame) {
  const auto a = learn({}, 200, 7), b = learn({}, 200, 7);
  EXPECT_EQ(a.correlation, b.correlation);
  EXPECT_EQ(a.moves, b.moves);
}

TEST(DuelLearner, WhatWasNotAcceptedOrJudgedTeachesNothing) {
  DuelLearner learner;
  double rating = 1500;
  for (int i = 0; i < 200; ++i) {
    learner.on_sent("V", i % 2 == 0 ? std::optional(1.0) : std::nullopt);
    learner.on_answer("V", i % 2 == 1, rating += 5);
  }
  EXPECT_EQ(learner.estimate(0.5).moves, 0);
  DuelLearner alike;
  for (int i = 0; i < 200; ++i) {
    alike.on_sent("V", 0.7);
    alike.on_answer("V", true, rating += 5);
  }
  EXPECT_EQ(alike.estimate(0.4).correlation, 0.4) << "results that all score alike";
}

}  // namespace
}  // namespace lode::miner
