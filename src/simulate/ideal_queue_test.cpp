#include "simulate/ideal_queue.h"

#include <gtest/gtest.h>

#include "simulate/world.h"

namespace lode::simulate {
namespace {

constexpr double kFourHours = 14'400;

BoundInput input(int validators, int workers, const GenerationTime& generation) {
  BoundInput input;
  input.validators = validators;
  input.workers = workers;
  input.generation = generation;
  input.overhead = 2.5;
  return input;
}

TEST(IdealQueue, IsTheBoundForSteadyGenerationsThatTheWorkersCanServe) {
  // V * g < W * C: tasks that come evenly spread never meet, inside the window or beyond it.
  for (const double seconds : {10.0, 20.0, 30.0, 37.0}) {
    const BoundInput steady = input(8, 1, GenerationTime::lognormal(seconds, 0));
    EXPECT_DOUBLE_EQ(attainable(steady, kFourHours), bound(steady, kFourHours)) << seconds;
  }
}

TEST(IdealQueue, IsTheBoundWhereEveryValidatorHasAWorker) {
  for (const auto& generation :
       {GenerationTime::lognormal(30, 0.3), GenerationTime::uniform(15, 60)}) {
    for (const int validators : {1, 4}) {
      const BoundInput own = input(validators, validators, generation);
      EXPECT_DOUBLE_EQ(attainable(own, kFourHours), bound(own, kFourHours)) << validators;
      const BoundInput spare = input(validators, validators + 3, generation);
      EXPECT_DOUBLE_EQ(attainable(spare, kFourHours), bound(spare, kFourHours)) << validators;
    }
  }
}

TEST(IdealQueue, IsTheWorkersTimeWhereTheyAreFarTooFew) {
  const BoundInput scarce = input(64, 1, GenerationTime::lognormal(60, 0.3));
  EXPECT_NEAR(attainable(scarce, kFourHours), kFourHours / 60, 0.002 * kFourHours / 60);
}

TEST(IdealQueue, SteadyGenerationsThatAreTooLongWaitJustAsLongAsTheWorkersNeed) {
  // One worker and V * g = 480 s of work a round: the round takes 480 s, whole seconds as it is.
  const BoundInput scarce = input(8, 1, GenerationTime::lognormal(60, 0));
  EXPECT_NEAR(attainable(scarce, kFourHours), 8 * kFourHours / 480, 0.3);
}

/// Another program of the same rules: what the scheduler reaches in the simulated world when
/// nothing is lost lies just below, though far below the bound.
TEST(IdealQueue, IsWhatTheSchedulerAlmostReachesWhereTasksWaitForEachOther) {
  Config config;
  config.hours = 200;
  config.workers = 1;
  config.has_extras = false;
  for (const auto& generation :
       {GenerationTime::lognormal(30, 0.3), GenerationTime::uniform(15, 60)}) {
    config.generation = generation;
    const Outcome out = run(config, PolicyKind::lode);
    EXPECT_GT(out.attainable_ratio, 0.994) << generation.describe();
    EXPECT_LT(out.attainable_ratio, 1.003) << generation.describe();
    EXPECT_LT(out.ratio, 0.99) << generation.describe();
  }
}

TEST(IdealQueue, CostsMostWhereTheWorkIsAboutWhatTheWorkersCanDo) {
  const auto share = [](double seconds) {
    const BoundInput one = input(8, 1, GenerationTime::lognormal(seconds, 0.3));
    return attainable(one, kFourHours) / bound(one, kFourHours);
  };
  EXPECT_GT(share(15), 0.999);
  EXPECT_LT(share(35), 0.985);
  EXPECT_GT(share(60), 0.999);
}

TEST(IdealQueue, KnowingTheLengthsIsWorthLittleAndNeverPassesTheBound) {
  const BoundInput near = input(8, 1, GenerationTime::uniform(15, 60));
  const double blind = attainable(near, kFourHours);
  const double knowing = attainable(near, kFourHours, ServiceOrder::shortest_first);
  EXPECT_GT(knowing, blind);
  EXPECT_LT(knowing, 1.01 * blind);
  EXPECT_LE(knowing, bound(near, kFourHours));
}

TEST(IdealQueue, IsTheSameEachTime) {
  const BoundInput near = input(8, 1, GenerationTime::uniform(15, 60));
  EXPECT_EQ(attainable(near, kFourHours), attainable(near, kFourHours));
}

}  // namespace
}  // namespace lode::simulate
