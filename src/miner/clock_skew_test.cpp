#include "miner/clock_skew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/rng.h"

namespace lode::miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr Duration kNoWay{};
const Time kNow = from_unix_seconds(1'760'000'000);

TEST(ClockSkew, IsSilentWithoutRepliesAndForAGoodClock) {
  ClockSkew skew;
  EXPECT_FALSE(skew.estimate());
  EXPECT_EQ(skew.warning(), "");
  skew.on_date("a", kNow, kNow + milliseconds(900), kNow + milliseconds(950), kNoWay);
  EXPECT_LT(std::chrono::abs(*skew.estimate()), milliseconds(500));
  EXPECT_EQ(skew.warning(), "");
}

TEST(ClockSkew, TellsASlowAndAFastClock) {
  ClockSkew slow, fast;
  slow.on_date("a", kNow + seconds(40), kNow, kNow + milliseconds(20), kNoWay);
  fast.on_date("a", kNow - seconds(3600), kNow, kNow + milliseconds(20), kNoWay);
  EXPECT_THAT(slow.warning(), testing::HasSubstr("clock is 40 s behind that of 1 validators"));
  EXPECT_THAT(fast.warning(), testing::HasSubstr("clock is 3600 s ahead of"));
}

TEST(ClockSkew, IsNotMisledByOneValidatorsBrokenClock) {
  ClockSkew skew;
  skew.on_date("liar", kNow + seconds(86'400), kNow, kNow, kNoWay);
  skew.on_date("a", kNow, kNow, kNow, kNoWay);
  skew.on_date("b", kNow, kNow, kNow, kNoWay);
  EXPECT_EQ(skew.warning(), "");
  skew.on_date("a", kNow + seconds(100), kNow, kNow, kNoWay);
  EXPECT_NE(skew.warning(), "") << "two of three";
}

TEST(ClockSkew, AdjustsNoncesForASlowClockAndWithinBounds) {
  ClockSkew skew;
  EXPECT_EQ(skew.nonce_adjustment("never seen"), Duration::zero());
  skew.on_date("a", kNow + seconds(40), kNow, kNow, kNoWay);
  skew.on_date("fast", kNow - seconds(40), kNow, kNow, kNoWay);
  skew.on_date("good", kNow + seconds(1), kNow, kNow, kNoWay);
  skew.on_date("absurd", kNow + std::chrono::hours(24), kNow, kNow, kNoWay);
  EXPECT_NEAR(to_seconds(skew.nonce_adjustment("a")), 40, 1);
  for (const char* name : {"fast", "good", "absurd"}) {
    EXPECT_EQ(skew.nonce_adjustment(name), Duration::zero()) << name;
  }
}

// Plays a validator whose clock is `lead` ahead, over a network of 20 to 120 ms a way.
TEST(ClockSkew, NarrowsInOnAClockAndNeverAsksTooEarly) {
  Rng rng(7);
  for (const Duration lead :
       {Duration(milliseconds(-2700)), Duration(milliseconds(340)), Duration(seconds(9))}) {
    ClockSkew skew;
    Time now = kNow;
    const auto way = [&] { return from_seconds(rng.uniform(0.02, 0.12)); };
    Duration lateness{};
    for (int reply = 0; reply < 40; ++reply) {
      const bool is_pull = reply % 2 == 0;
      now += from_seconds(rng.uniform(5, 200));
      const Duration there = way(), back = way();
      const Duration connecting = there + back;
      const Time arrived = now + connecting + there;
      const Time answered = arrived + (is_pull ? Duration::zero() : Duration(seconds(3)));
      const Time received = answered + back;
      const Time date = from_unix_seconds(unix_seconds(answered + lead));
      skew.on_date("v", date, now, received, 2 * connecting);
      const Time goal = from_unix_seconds(unix_seconds(received) + 300);
      // On a usual way: there and back to connect, and there.
      lateness = skew.when_to_ask("v", goal, received) + milliseconds(210) + lead - goal;
      EXPECT_GE(lateness, Duration::zero());
    }
    EXPECT_LT(lateness, milliseconds(350));
    EXPECT_LT(*skew.uncertainty("v"), milliseconds(200));
  }
}

TEST(ClockSkew, LearnsFromARefusal) {
  ClockSkew skew;
  skew.on_date("v", kNow, kNow, kNow, kNoWay);  // 0 to 1 s ahead
  skew.on_before("v", kNow + milliseconds(20'500), kNow + seconds(20));
  EXPECT_NEAR(to_seconds(*skew.offset("v")), 0.25, 0.01);
  EXPECT_NEAR(to_seconds(*skew.uncertainty("v")), 0.25, 0.01);
}

TEST(ClockSkew, ARefusalCorrectsASmallMistakeAndIsNoProofOfALargeOne) {
  ClockSkew skew;
  skew.on_date("v", kNow + seconds(5), kNow, kNow, kNoWay);  // 5 to 6 s ahead
  skew.on_before("v", kNow + seconds(64), kNow + seconds(60));
  EXPECT_NEAR(to_seconds(*skew.offset("v")), 3.5, 0.01) << "less than 4 s ahead, it turns out";
  skew.on_before("v", kNow, kNow + seconds(60));
  EXPECT_NEAR(to_seconds(*skew.offset("v")), 3.5, 0.01);
}

TEST(ClockSkew, BeginsAnewWhenAClockWasSet) {
  ClockSkew skew;
  skew.on_date("v", kNow, kNow, kNow, kNoWay);
  const Time later = kNow + seconds(60);
  skew.on_date("v", later - seconds(30), later, later, kNoWay);
  EXPECT_NEAR(to_seconds(*skew.offset("v")), -29.5, 0.01);
}

}  // namespace
}  // namespace lode::miner
