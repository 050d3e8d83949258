#include "miner/clock_skew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lode::miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
const Time kNow = from_unix_seconds(1'760'000'000);

TEST(ClockSkew, IsSilentWithoutRepliesAndForAGoodClock) {
  ClockSkew skew;
  EXPECT_FALSE(skew.estimate());
  EXPECT_EQ(skew.warning(), "");
  skew.add("a", kNow, kNow + milliseconds(900), kNow + milliseconds(950));
  EXPECT_LT(std::chrono::abs(*skew.estimate()), milliseconds(500));
  EXPECT_EQ(skew.warning(), "");
}

TEST(ClockSkew, TellsASlowAndAFastClock) {
  ClockSkew slow, fast;
  slow.add("a", kNow + seconds(40), kNow, kNow + milliseconds(20));
  fast.add("a", kNow - seconds(3600), kNow, kNow + milliseconds(20));
  EXPECT_THAT(slow.warning(), testing::HasSubstr("clock is 40 s behind that of 1 validators"));
  EXPECT_THAT(fast.warning(), testing::HasSubstr("clock is 3600 s ahead of"));
}

TEST(ClockSkew, IsNotMisledByOneValidatorsBrokenClock) {
  ClockSkew skew;
  skew.add("liar", kNow + seconds(86'400), kNow, kNow);
  skew.add("a", kNow, kNow, kNow);
  skew.add("b", kNow, kNow, kNow);
  EXPECT_EQ(skew.warning(), "");
  skew.add("a", kNow + seconds(100), kNow, kNow);
  EXPECT_NE(skew.warning(), "") << "two of three";
}

TEST(ClockSkew, AdjustsNoncesForASlowClockAndWithinBounds) {
  ClockSkew skew;
  EXPECT_EQ(skew.nonce_adjustment("never seen"), Duration::zero());
  skew.add("a", kNow + seconds(40), kNow, kNow);
  skew.add("fast", kNow - seconds(40), kNow, kNow);
  skew.add("good", kNow + seconds(1), kNow, kNow);
  skew.add("absurd", kNow + std::chrono::hours(24), kNow, kNow);
  EXPECT_NEAR(to_seconds(skew.nonce_adjustment("a")), 40, 1);
  for (const char* name : {"fast", "good", "absurd"}) {
    EXPECT_EQ(skew.nonce_adjustment(name), Duration::zero()) << name;
  }
}

}  // namespace
}  // namespace lode::miner
