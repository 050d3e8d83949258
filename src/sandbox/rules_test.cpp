#include "sandbox/rules.h"

#include <gtest/gtest.h>

namespace lode::sandbox {
namespace {

using std::chrono::seconds;

TEST(Rules, ScaleOneChangesNothing) {
  const Rules rules = scaled(Rules{}, 1);
  EXPECT_EQ(rules.throttle_period, seconds(30));
  EXPECT_EQ(rules.task_cooldown, seconds(300));
  EXPECT_EQ(rules.observation_window, seconds(14400));
}

TEST(Rules, ScaleDividesEveryDuration) {
  const Rules rules = scaled(Rules{}, 10);
  EXPECT_EQ(rules.throttle_period, seconds(3));
  EXPECT_EQ(rules.task_cooldown, seconds(30));
  EXPECT_EQ(rules.violation_penalty, seconds(1));
  EXPECT_EQ(rules.cooldown_penalty, seconds(60));
  EXPECT_EQ(rules.validation_lock, seconds(3));
  EXPECT_EQ(rules.unregistered_cooldown, seconds(360));
  EXPECT_EQ(rules.observation_window, seconds(1440));
  EXPECT_EQ(rules.metagraph_sync, seconds(60));
}

TEST(Rules, ScaledDurationsAreAtLeastOneSecond) {
  const Rules rules = scaled(Rules{}, 1000);
  EXPECT_EQ(rules.throttle_period, seconds(1));
  EXPECT_EQ(rules.task_cooldown, seconds(1));
  EXPECT_EQ(rules.observation_window, seconds(14));
}

TEST(Rules, ScalingKeepsWhatIsNoDuration) {
  const Rules rules = scaled(Rules{}, 30);
  EXPECT_EQ(rules.quality_threshold, 0.6);
  EXPECT_EQ(rules.violation_threshold, 100);
}

}  // namespace
}  // namespace lode::sandbox
