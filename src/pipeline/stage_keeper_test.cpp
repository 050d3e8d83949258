#include "pipeline/stage_keeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace lode::pipeline {
namespace {

/// A stage with weights, which says when it was told to drop them.
class Weighty final : public Stage {
 public:
  explicit Weighty(std::uint64_t bytes) : bytes_(bytes) {}
  std::string_view name() const override { return "weighty"; }
  std::uint64_t weight_bytes() const override { return bytes_; }
  void release() override { ++releases; }
  std::atomic<int> releases = 0;

 private:
  std::uint64_t bytes_;
};

void use(StageKeeper& keeper, Stage& stage) { ASSERT_TRUE(keeper.borrow(stage, {})); }

/// A thread that borrows and gives back at once; `done` says when.
struct Borrower {
  Borrower(StageKeeper& keeper, Stage& stage)
      : done(std::async(std::launch::async, [&keeper, &stage, token = stop.get_token()] {
          return static_cast<bool>(keeper.borrow(stage, token));
        })) {}
  bool is_done() const {
    return done.wait_for(std::chrono::milliseconds(0)) == std::future_status::ready;
  }
  std::stop_source stop;
  std::future<bool> done;
};

TEST(StageKeeper, LendsAStageToOneThreadAtATime) {
  StageKeeper keeper;
  Weighty stage(0);
  std::atomic<int> inside = 0, most = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        const auto loan = keeper.borrow(stage, {});
        most = std::max(most.load(), ++inside);
        std::this_thread::yield();
        --inside;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(most, 1);
}

TEST(StageKeeper, LendsTwoStagesAtTheSameTime) {
  StageKeeper keeper;
  Weighty a(0), b(0);
  const auto first = keeper.borrow(a, {});
  Borrower second(keeper, b);
  EXPECT_TRUE(second.done.get());
}

TEST(StageKeeper, KeepsAllWeightsWithoutABudget) {
  StageKeeper keeper;
  Weighty a(1U << 30), b(1U << 30);
  use(keeper, a);
  use(keeper, b);
  use(keeper, a);
  EXPECT_EQ(a.releases + b.releases, 0);
}

TEST(StageKeeper, DropsTheWeightsUsedLongestAgoWhenBothDoNotFit) {
  StageKeeper keeper(100);
  Weighty a(40), b(40), c(40);
  use(keeper, a);
  use(keeper, b);
  EXPECT_EQ(a.releases, 0);
  use(keeper, c);
  EXPECT_EQ(a.releases, 1);
  EXPECT_EQ(b.releases, 0);
  use(keeper, b);
  use(keeper, a);
  EXPECT_EQ(c.releases, 1);
  EXPECT_EQ(b.releases, 0);
}

TEST(StageKeeper, RunsAStageLargerThanTheBudgetAlone) {
  StageKeeper keeper(100);
  Weighty small(10), large(500);
  use(keeper, small);
  use(keeper, large);
  EXPECT_EQ(small.releases, 1);
  use(keeper, small);
  EXPECT_EQ(large.releases, 1);
}

TEST(StageKeeper, WaitsForMemoryThatIsInUse) {
  StageKeeper keeper(100);
  Weighty a(60), b(60);
  auto held = std::make_unique<Result<StageKeeper::Loan>>(keeper.borrow(a, {}));
  Borrower waiting(keeper, b);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(waiting.is_done());
  EXPECT_EQ(a.releases, 0);
  held.reset();
  EXPECT_TRUE(waiting.done.get());
  EXPECT_EQ(a.releases, 1);
}

TEST(StageKeeper, LetsNobodyPastALargeStageThatWaitsForMemory) {
  StageKeeper keeper(100);
  Weighty a(60), large(100), small(10);
  auto held = std::make_unique<Result<StageKeeper::Loan>>(keeper.borrow(a, {}));
  Borrower first(keeper, large);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Borrower second(keeper, small);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(second.is_done());
  held.reset();
  EXPECT_TRUE(first.done.get());
  EXPECT_TRUE(second.done.get());
}

TEST(StageKeeper, EndsTheWaitWhenAskedToStopAndLetsOthersGoOn) {
  StageKeeper keeper(100);
  Weighty a(60), large(100), small(10);
  auto held = std::make_unique<Result<StageKeeper::Loan>>(keeper.borrow(a, {}));
  Borrower given_up(keeper, large);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  Borrower behind(keeper, small);
  given_up.stop.request_stop();
  EXPECT_FALSE(given_up.done.get());
  EXPECT_TRUE(behind.done.get());
  std::stop_source stopped;
  stopped.request_stop();
  const auto refused = keeper.borrow(small, stopped.get_token());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::cancelled);
}

}  // namespace
}  // namespace lode::pipeline
