#include "simulate/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>

#include "simulate/event_queue.h"

namespace lode::simulate {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(EventQueue, GivesTheEarliestAndEqualTimesInTheOrderTheyCame) {
  EventQueue<int> queue;
  const Time now = from_unix_seconds(100);
  constexpr int kCount = 50;
  for (int i = 0; i < kCount; ++i) {
    queue.add(now + seconds(2), kCount + i);
    queue.add(now, i);
  }
  for (int i = 0; i < 2 * kCount; ++i) {
    ASSERT_FALSE(queue.empty());
    EXPECT_EQ(queue.next_at(), i < kCount ? now : now + seconds(2));
    EXPECT_EQ(queue.take(), i);
  }
  EXPECT_TRUE(queue.empty());
}

/// Does what a test's function says at each instant and remembers what it was told, with the
/// seconds since the start.
class Script final : public Policy {
 public:
  std::function<std::vector<Action>(Script&, double now)> play;
  std::vector<std::string> heard;
  std::optional<Time> wake;
  subnet::PullReply pull_reply;
  std::uint64_t candidate = 0;
  Duration largest_lead{};

  std::string_view name() const override { return "script"; }
  std::vector<Action> due(Time now) override {
    start_ = start_ == Time{} ? now : start_;
    if (wake && now >= *wake) {
      wake.reset();
    }
    return play(*this, to_seconds(now - start_));
  }
  std::optional<Time> next_due() const override { return wake; }
  void wake_at(double after) { wake = start_ + from_seconds(after); }

  void on_pull_reply(std::uint64_t, const subnet::PullReply& reply, Time now) override {
    pull_reply = reply;
    hear(reply.task ? "task " + reply.task->id : "cooldown", now);
  }
  void on_pull_failure(std::uint64_t, Time now) override { hear("pull failed", now); }
  void on_candidate(std::uint64_t, const Candidate& made, Time now) override {
    candidate = made.id;
    hear("candidate", now);
  }
  void on_generation_failure(std::uint64_t, Time now) override { hear("failure", now); }
  void on_generation_cancelled(std::uint64_t, Time now) override { hear("cancelled", now); }
  void on_submit_reply(std::uint64_t, const subnet::SubmitReply& reply, Time now) override {
    hear(reply.feedback->task_fidelity_score > 0 ? "accepted" : "not accepted", now);
  }
  void on_submit_failure(std::uint64_t, int status, Time now) override {
    hear("submit failed " + std::to_string(status), now);
  }
  void on_date(int, Time date, Time sent, Time received) override {
    EXPECT_EQ(date, std::chrono::floor<seconds>(date));
    EXPECT_EQ(received - sent, seconds(1));
    largest_lead = std::max(largest_lead, date - received);
  }

 private:
  void hear(const std::string& what, Time now) {
    heard.push_back(what + " at " + std::to_string(to_seconds(now - start_)).substr(0, 5));
  }
  Time start_{};
};

/// One validator, one worker of 20 s, everything measured.
Config small() {
  Config config;
  config.hours = 0.2;
  config.warm_up_hours = 0;
  config.validators = 1;
  config.workers = 1;
  config.generation = GenerationTime::lognormal(20, 0);
  return config;
}

/// Pulls once, generates and submits, with a step at each of the script's calls.
std::vector<Action> one_task(Script& script, Duration timeout, int* step) {
  switch ((*step)++) {
    case 0:
      return {PullAction{1, 0, timeout}};
    case 1:
      return {GenerateAction{2, 0, script.pull_reply.task->id}};
    case 2:
      return {SubmitAction{3, 0, script.pull_reply.task->id, script.candidate, timeout}};
    default:
      return {};
  }
}

TEST(World, PlaysOneTaskInTheTimesItsParametersSay) {
  Script script;
  int step = 0;
  script.play = [&](Script& self, double) { return one_task(self, seconds(60), &step); };
  const Outcome out = run(small(), script);
  EXPECT_THAT(script.heard,
              testing::ElementsAre("task 0-1 at 1.000", "candidate at 21.00", "accepted at 23.00"));
  EXPECT_EQ(out.pulled, 1);
  EXPECT_EQ(out.accepted, 1);
  EXPECT_EQ(out.generated, 1);
  EXPECT_EQ(out.overrun_seconds, 0);
  EXPECT_NEAR(out.busy_share, 20.0 / 720, 1e-9);
}

TEST(World, ALostPullIsAFailureAtTheTimeoutAndAssignsNothing) {
  Config config = small();
  config.fault_pulls = 1;
  Script script;
  int step = 0;
  script.play = [&](Script& self, double) -> std::vector<Action> {
    return step == 0 ? one_task(self, seconds(12), &step) : std::vector<Action>{};
  };
  EXPECT_EQ(run(config, script).pulled, 0);
  EXPECT_THAT(script.heard, testing::ElementsAre("pull failed at 12.00"));
}

TEST(World, AReplyAfterTheTimeoutIsAFailureOfATaskThatIsAssigned) {
  Script script;
  int step = 0;
  script.play = [&](Script& self, double) -> std::vector<Action> {
    return step == 0 ? one_task(self, milliseconds(700), &step) : std::vector<Action>{};
  };
  EXPECT_EQ(run(small(), script).pulled, 1);
  EXPECT_THAT(script.heard, testing::ElementsAre("pull failed at 0.700"));
}

TEST(World, ASubmissionWhoseReplyIsLostCountsAndOneThatIsLostDoesNot) {
  for (const bool is_reply : {true, false}) {
    Config config = small();
    (is_reply ? config.fault_replies : config.fault_submits) = 1;
    Script script;
    int step = 0;
    script.play = [&](Script& self, double) { return one_task(self, seconds(60), &step); };
    const Outcome out = run(config, script);
    EXPECT_EQ(script.heard.back(), "submit failed 0 at 81.00");
    EXPECT_EQ(out.accepted, is_reply ? 1 : 0);
  }
}

TEST(World, AVerdictAfterTheTimeoutStillCounts) {
  Config config = small();
  config.submit_seconds = 30;
  Script script;
  int step = 0;
  script.play = [&](Script& self, double) { return one_task(self, seconds(10), &step); };
  const Outcome out = run(config, script);
  EXPECT_EQ(script.heard.back(), "submit failed 0 at 31.00");
  EXPECT_EQ(out.accepted, 1);
}

TEST(World, ASubmissionWithoutATaskIsForbidden) {
  Script script;
  int step = 0;
  script.play = [&](Script&, double) -> std::vector<Action> {
    return step++ == 0 ? std::vector<Action>{SubmitAction{1, 0, "0-1", std::nullopt, seconds(60)}}
                       : std::vector<Action>{};
  };
  const Outcome out = run(small(), script);
  EXPECT_THAT(script.heard, testing::ElementsAre("submit failed 403 at 1.000"));
  EXPECT_EQ(out.forbidden, 1);
}

TEST(World, ACancelledGenerationFreesItsWorkerAtTheSameInstant) {
  Script script;
  int step = 0;
  script.play = [&](Script& self, double) -> std::vector<Action> {
    switch (step++) {
      case 0:
        return {PullAction{1, 0, seconds(12)}};
      case 1:
        self.wake_at(5);
        return {GenerateAction{2, 0, self.pull_reply.task->id}};
      case 2:
        return {CancelAction{2}, GenerateAction{3, 0, self.pull_reply.task->id}};
      default:
        return {};
    }
  };
  const Outcome out = run(small(), script);
  EXPECT_THAT(script.heard, testing::ElementsAre("task 0-1 at 1.000", "cancelled at 5.000",
                                                 "candidate at 25.00"));
  EXPECT_EQ(out.cancelled, 1);
  EXPECT_EQ(out.generated, 1);
}

TEST(WorldDeathTest, NoWorkerRunsTwoGenerations) {
  Script script;
  script.play = [](Script&, double) -> std::vector<Action> {
    return {GenerateAction{1, 0, "a"}, GenerateAction{2, 0, "b"}};
  };
  EXPECT_DEATH(run(small(), script), "no worker runs two generations");
}

TEST(World, ValidatorsClocksAreOffAsFarAsTheConfigurationSays) {
  Config config = small();
  config.validators = 50;
  config.clock_offset = 100;
  Script script;
  bool is_first = true;
  script.play = [&](Script&, double) {
    std::vector<Action> actions;
    for (int i = 0; is_first && i < 50; ++i) {
      actions.push_back(PullAction{static_cast<std::uint64_t>(i + 1), i, seconds(12)});
    }
    is_first = false;
    return actions;
  };
  run(config, script);
  EXPECT_GT(script.largest_lead, seconds(50));
  EXPECT_LE(script.largest_lead, seconds(100));
}

Config rough(std::uint64_t seed) {
  Config config;
  config.hours = 12;
  config.validators = 9;
  config.workers = 2;
  config.seed = seed;
  config.generation = GenerationTime::lognormal(30, 0.5);
  config.generation_failures = 0.03;
  config.latency_spread = 0.8;
  config.fault_pulls = config.fault_submits = config.fault_replies = 0.05;
  config.quality.reject_rate = 0.1;
  config.clock_offset = 2;
  return config;
}

constexpr std::array kKinds{PolicyKind::base, PolicyKind::poll10, PolicyKind::lode};

TEST(World, KeepsItsAccountsUnderEveryPolicyAndFault) {
  for (const PolicyKind kind : kKinds) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      const Config config = rough(seed);
      const Outcome out = run(config, kind);
      SCOPED_TRACE(out.policy + " seed " + std::to_string(seed));
      EXPECT_GT(out.accepted, 0);
      // Tasks assigned during the warm-up may be answered after it: one a validator.
      EXPECT_LE(out.accepted + out.rejected + out.empty, out.pulled + config.validators);
      EXPECT_LE(out.most_in_a_window, 49);
      EXPECT_LE(out.accepted, out.generated + config.workers + config.validators);
      EXPECT_EQ(out.accepted, static_cast<std::int64_t>(out.accepted_at.size()));
      EXPECT_TRUE(std::is_sorted(out.accepted_at.begin(), out.accepted_at.end()));
      EXPECT_LT(out.ratio, 1);
      EXPECT_LE(out.busy_share, 1);
      EXPECT_EQ(out.windows, 3);
      EXPECT_TRUE(out.standard_error);
    }
  }
}

TEST(World, TheSameSeedGivesTheSameOutcomeAndAnotherSeedAnother) {
  for (const PolicyKind kind : kKinds) {
    const Outcome first = run(rough(7), kind);
    const Outcome second = run(rough(7), kind);
    EXPECT_EQ(first.accepted_at, second.accepted_at);
    EXPECT_EQ(first.quality, second.quality);
    EXPECT_EQ(first.violations, second.violations);
    EXPECT_NE(first.accepted_at, run(rough(8), kind).accepted_at);
  }
}

TEST(World, TheWarmUpIsNotCounted) {
  Config config = small();
  config.validators = 8;
  config.workers = 8;
  config.hours = 4;
  config.warm_up_hours = 0;
  const Outcome cold = run(config, PolicyKind::lode);
  config.warm_up_hours = 3;
  const Outcome warm = run(config, PolicyKind::lode);
  EXPECT_EQ(cold.accepted, 384);
  EXPECT_EQ(warm.accepted, 384);
  EXPECT_EQ(warm.hours, 4);
  EXPECT_GE(warm.accepted_at.front(), 0);
  EXPECT_LT(warm.accepted_at.back(), 4);
}

}  // namespace
}  // namespace lode::simulate
