#include "miner/worker_choice.h"

#include <gtest/gtest.h>

namespace lode::miner {
namespace {

using std::chrono::seconds;
using Kind = WorkerOutcome::Kind;

constexpr Time kStart{seconds(1'700'000'000)};

class WorkerChoiceTest : public testing::Test {
 protected:
  WorkerChoice::Id add(double weight = 1, int concurrency = 1) {
    const auto id = choice_.add({"w" + std::to_string(++added_), weight, concurrency});
    choice_.set_health(id, true, "");
    return id;
  }
  WorkerOutcome took(double s) { return {Kind::succeeded, s}; }
  /// Gives one task after the other; how many went to `id`.
  int count(WorkerChoice::Id id, int tasks, const std::map<WorkerChoice::Id, double>& durations) {
    int mine = 0;
    for (int i = 0; i < tasks; ++i) {
      const auto chosen = *choice_.begin(now_);
      choice_.end(chosen, took(durations.at(chosen)), now_);
      mine += chosen == id ? 1 : 0;
    }
    return mine;
  }
  void fail_next(Kind kind = Kind::failed) {
    const auto id = choice_.begin(now_);
    ASSERT_TRUE(id);
    choice_.end(*id, {kind, 0, "no PLY"}, now_);
  }

  WorkerChoice choice_;
  Time now_ = kStart;
  int added_ = 0;
};

TEST_F(WorkerChoiceTest, UsesNoWorkerThatIsStartingOrUnhealthy) {
  const auto id = choice_.add({"w"});
  EXPECT_EQ(choice_.slots(now_), 0);
  EXPECT_EQ(choice_.view(id, now_).state, "starting");
  choice_.set_health(id, true, "");
  EXPECT_EQ(choice_.slots(now_), 1);
  choice_.set_health(id, false, "no answer to /health");
  EXPECT_FALSE(choice_.begin(now_));
  EXPECT_EQ(choice_.view(id, now_).state, "unhealthy");
  EXPECT_EQ(choice_.view(id, now_).reason, "no answer to /health");
}

TEST_F(WorkerChoiceTest, SharesTheWorkByWeightAndSpeed) {
  const auto heavy = add(2), light = add(1);
  EXPECT_NEAR(count(heavy, 300, {{heavy, 10}, {light, 10}}), 200, 3);

  choice_ = WorkerChoice();
  const auto fast = add(), slow = add();
  EXPECT_NEAR(count(fast, 300, {{fast, 10}, {slow, 20}}), 200, 3);
}

TEST_F(WorkerChoiceTest, TakesTheFastestAmongEquals) {
  const auto slow = add(), fast = add(), third = add();
  const std::map<WorkerChoice::Id, double> durations{{slow, 20}, {fast, 5}, {third, 10}};
  count(slow, 20, durations);
  for (const bool is_healthy : {false, true}) {  // both come back with the same claim
    choice_.set_health(slow, is_healthy, "");
    choice_.set_health(fast, is_healthy, "");
    count(third, is_healthy ? 0 : 20, durations);
  }
  EXPECT_EQ(choice_.begin(now_), fast);
  EXPECT_EQ(choice_.begin(now_), slow);
}

TEST_F(WorkerChoiceTest, CountsSlotsByConcurrency) {
  const auto id = add(1, 3);
  EXPECT_EQ(choice_.slots(now_), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(choice_.begin(now_), id);
  }
  EXPECT_FALSE(choice_.begin(now_));
  EXPECT_EQ(choice_.slots(now_), 3);
  EXPECT_EQ(choice_.view(id, now_).running, 3);
  choice_.set_health(id, false, "the process ended");
  EXPECT_EQ(choice_.slots(now_), 3) << "what is under way still has to be answered";
}

TEST_F(WorkerChoiceTest, OpensTheCircuitAfterThreeFailuresInARow) {
  const auto id = add();
  fail_next();
  fail_next();
  choice_.end(*choice_.begin(now_), took(1), now_);
  fail_next();
  fail_next(Kind::stuck);
  EXPECT_EQ(choice_.view(id, now_).state, "idle");
  fail_next();
  const WorkerView open = choice_.view(id, now_);
  EXPECT_EQ(open.state, "open");
  EXPECT_NE(open.reason.find("no PLY"), std::string::npos);
  EXPECT_DOUBLE_EQ(open.retry_seconds.value(), 5);
  EXPECT_EQ(choice_.slots(now_), 0);
  EXPECT_FALSE(choice_.begin(now_ + seconds(4)));
}

TEST_F(WorkerChoiceTest, TriesOneTaskAndDoublesThePauseUpToFiveMinutes) {
  const auto id = add(1, 4);
  for (int i = 0; i < 3; ++i) {
    fail_next();
  }
  for (const int pause : {5, 10, 20, 40, 80, 160, 300, 300}) {
    EXPECT_DOUBLE_EQ(choice_.view(id, now_).retry_seconds.value(), pause);
    now_ += seconds(pause);
    EXPECT_EQ(choice_.view(id, now_).state, "trial");
    EXPECT_EQ(choice_.slots(now_), 1);
    ASSERT_TRUE(choice_.begin(now_));
    EXPECT_FALSE(choice_.begin(now_)) << "one trial at a time";
    choice_.end(id, {Kind::failed, 0, "still no PLY"}, now_);
  }
  now_ += seconds(300);
  ASSERT_TRUE(choice_.begin(now_));
  choice_.end(id, {}, now_);  // cancelled: nothing was learned
  EXPECT_EQ(choice_.view(id, now_).state, "trial");
  ASSERT_TRUE(choice_.begin(now_));
  choice_.end(id, took(3), now_);
  EXPECT_EQ(choice_.view(id, now_).state, "idle");
  EXPECT_EQ(choice_.slots(now_), 4);
  fail_next();
  EXPECT_EQ(choice_.view(id, now_).state, "idle") << "the count began anew";
}

TEST_F(WorkerChoiceTest, AWorkerThatHangsUntilItsTasksAreGivenUpIsLeftAlone) {
  const auto id = add();
  ASSERT_TRUE(choice_.begin(now_));
  choice_.end(id, took(10), now_);
  const auto give_up_next = [&](double after) {
    ASSERT_TRUE(choice_.begin(now_));
    choice_.end(id, {Kind::given_up, after}, now_);
  };
  for (int i = 0; i < 10; ++i) {
    give_up_next(29);
  }
  EXPECT_EQ(choice_.view(id, now_).failed, 0) << "another was faster, which says nothing of it";
  for (int i = 0; i < CircuitRules{}.failures; ++i) {
    give_up_next(30);
  }
  EXPECT_EQ(choice_.view(id, now_).state, "open");
  EXPECT_NE(choice_.view(id, now_).reason.find("not ready after 30.0 s"), std::string::npos);
}

TEST_F(WorkerChoiceTest, TasksBegunBeforeTheCircuitOpenedDoNotLengthenThePause) {
  const auto id = add(1, 4);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(choice_.begin(now_));
  }
  for (int i = 0; i < 4; ++i) {
    choice_.end(id, {Kind::failed, 0, "reset"}, now_);
  }
  EXPECT_DOUBLE_EQ(choice_.view(id, now_).retry_seconds.value(), 5);
}

TEST_F(WorkerChoiceTest, ACrashThatFailsAllOfAProcesssTasksCountsOnce) {
  const auto id = add(1, 4);
  for (int crash = 0; crash < CircuitRules{}.failures; ++crash) {
    EXPECT_EQ(choice_.view(id, now_).state, "idle") << "after " << crash;
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE(choice_.begin(now_));
    }
    const Time began = now_;
    now_ += seconds(3);
    for (int i = 0; i < 4; ++i) {
      choice_.end(id, {.kind = Kind::failed, .reason = "connection reset", .began = began}, now_);
    }
    now_ += seconds(1);
  }
  EXPECT_EQ(choice_.view(id, now_).state, "open") << "three in a row are too many";
  EXPECT_EQ(choice_.view(id, now_).failed, 12) << "every lost task is shown";
  EXPECT_EQ(choice_.slots(now_), 0);
  now_ += seconds(5);
  EXPECT_EQ(choice_.slots(now_), 1) << "one trial, however many it could take";
}

TEST_F(WorkerChoiceTest, AWorkerThatTakesSeveralAtATimeGetsItsShareOfTheWork) {
  const auto wide = add(1, 4), narrow = add(1, 1);
  // Four at a time that take 20 s each are done as fast as one after the other of 5 s.
  const std::map<WorkerChoice::Id, double> durations{{wide, 20}, {narrow, 5}};
  EXPECT_NEAR(count(wide, 300, durations), 150, 4);
}

TEST_F(WorkerChoiceTest, LeavesABusyWorkerAloneWithoutHoldingItAgainstIt) {
  const auto id = add();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(choice_.begin(now_));
    choice_.end(id, {Kind::busy, 0, "", seconds(7)}, now_);
    EXPECT_EQ(choice_.view(id, now_).state, "held");
    EXPECT_FALSE(choice_.begin(now_ + seconds(6)));
    now_ += seconds(7);
  }
  EXPECT_EQ(choice_.view(id, now_).state, "idle");
  EXPECT_EQ(choice_.view(id, now_).failed, 0);
}

TEST_F(WorkerChoiceTest, ARemovedWorkersTaskMayStillEnd) {
  const auto gone = add(), stays = add();
  EXPECT_EQ(choice_.begin(now_), gone);
  choice_.remove(gone);
  choice_.end(gone, took(1), now_);
  EXPECT_EQ(choice_.slots(now_), 1);
  EXPECT_EQ(choice_.begin(now_), stays);
}

TEST_F(WorkerChoiceTest, AWorkerThatWasAwayDoesNotCatchUp) {
  const auto stays = add(), leaves = add();
  choice_.set_health(leaves, false, "away");
  count(stays, 50, {{stays, 1}});
  choice_.set_health(leaves, true, "");
  EXPECT_NEAR(count(leaves, 20, {{stays, 1}, {leaves, 1}}), 10, 1);
}

}  // namespace
}  // namespace lode::miner
