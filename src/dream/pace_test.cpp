#include "dream/pace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/rng.h"

namespace lode::dream {
namespace {

/// Runs a schedule whose k-th step (from 1) costs `cost(k)` seconds; what it came to.
struct Paced {
  double elapsed = 0;
  double dearest = 0;
  int steps = 0;
  double position = 0;
  bool is_monotone = true;
};
template <class Cost>
Paced run(int steps, double budget, const Cost& cost) {
  Pace pace(steps, {budget});
  Paced run;
  while (pace.may_step(run.elapsed)) {
    pace.advance(run.elapsed);
    const double seconds = cost(++run.steps);
    run.elapsed += seconds;
    run.dearest = std::max(run.dearest, seconds);
    pace.observe(seconds);
    run.is_monotone = run.is_monotone && pace.position() > run.position;
    run.position = pace.position();
  }
  return run;
}

TEST(Pace, WithoutABudgetTakesEveryStepExactly) {
  Pace pace(500, {});
  for (int k = 1; k <= 500; ++k) {
    ASSERT_TRUE(pace.may_step(1e9));
    pace.advance(1e9);
    pace.observe(17);
    ASSERT_EQ(pace.position(), k);
    ASSERT_EQ(pace.crossed(50), k % 50 == 0);
  }
  EXPECT_FALSE(pace.may_step(0));
  EXPECT_FALSE(pace.is_compressed());
}

TEST(Pace, WithTimeToSpareChangesNothing) {
  const Paced done = run(300, 31, [](int) { return 0.1; });
  EXPECT_EQ(done.steps, 300);
  EXPECT_EQ(done.position, 300);
}

TEST(Pace, EndsWithinOneStepOfTheBudgetWhateverStepsCost) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed);
    const double budget = std::exp(rng.uniform(-1, 5));
    const double mean = std::exp(rng.uniform(-4, 1));
    const int steps = 1 + static_cast<int>(rng.below(1500));
    const Paced done = run(steps, budget, [&](int k) {
      // Spikes, drift and steps of several sizes.
      const double drift = k > steps / 3 ? 3 : 1;
      return mean * drift * rng.uniform(0.5, 1.5) * (rng.below(20) == 0 ? 6 : 1);
    });
    EXPECT_LE(done.elapsed, budget + done.dearest) << seed;
    EXPECT_TRUE(done.is_monotone) << seed;
    EXPECT_GE(done.steps, 1) << seed;
    EXPECT_LE(done.position, steps) << seed;
  }
}

TEST(Pace, CoversTheScheduleWhenTimeIsShort) {
  // Dearer steps from the middle on, as larger pictures are.
  const Paced done = run(500, 20, [](int k) { return k < 40 ? 0.1 : 0.4; });
  EXPECT_LT(done.steps, 100);
  EXPECT_GE(done.position, 490);
  EXPECT_LE(done.elapsed, 20.4);
  EXPECT_GE(done.elapsed, 19);
}

TEST(Pace, TakesOneStepOfABudgetShorterThanThat) {
  const Paced done = run(500, 0.01, [](int) { return 5.0; });
  EXPECT_EQ(done.steps, 1);
}

TEST(Pace, IsNotFrightenedByASlowFirstStep) {
  const Paced done = run(100, 20, [](int k) { return k == 1 ? 8.0 : 0.1; });
  EXPECT_EQ(done.steps, 100);
}

TEST(Pace, KnowsMultiplesThatLongStepsPass) {
  Pace pace(1000, {10});
  double elapsed = 0;
  int crossed = 0;
  while (pace.may_step(elapsed)) {
    pace.advance(elapsed);
    crossed += pace.crossed(100) ? 1 : 0;
    pace.observe(0.1);
    elapsed += 0.1;
  }
  EXPECT_TRUE(pace.is_compressed());
  EXPECT_EQ(crossed, 10);
}

TEST(Pace, ForetellsTheStepsLeft) {
  Pace pace(100, {10});
  EXPECT_EQ(pace.steps_left(0), 100);
  for (int k = 0; k < 5; ++k) {
    pace.advance(k);
    pace.observe(1);
  }
  EXPECT_EQ(pace.steps_left(5), 5);
}

}  // namespace
}  // namespace lode::dream
