#include "simulate/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulate/world.h"

namespace lode::simulate {
namespace {

using std::chrono::seconds;

/// Drives one policy by hand: 8 validators, one worker.
class PolicyTest : public testing::Test {
 protected:
  void use(PolicyKind kind, int validators = 8, int workers = 1) {
    config_.validators = validators;
    config_.workers = workers;
    policy_ = make_policy(kind, config_);
  }
  template <class T>
  std::vector<T> due() {
    std::vector<T> found;
    for (const Action& action : policy_->due(now_)) {
      if (const T* one = std::get_if<T>(&action)) {
        found.push_back(*one);
      }
    }
    return found;
  }
  /// Lets time pass to each wake-up until there is something to do, `limit` at most.
  template <class T>
  std::vector<T> wait(Duration limit) {
    const Time end = now_ + limit;
    for (;;) {
      if (auto found = due<T>(); !found.empty()) {
        return found;
      }
      const auto next = policy_->next_due();
      if (!next || *next > end) {
        now_ = end;
        return {};
      }
      now_ = *next;
    }
  }
  static subnet::PullReply task(std::string id) {
    subnet::PullReply reply;
    reply.task = subnet::Task{subnet::Task::Type::text, std::move(id), "x"};
    reply.throttle_period = 30;
    return reply;
  }
  subnet::PullReply cooldown(std::int64_t for_seconds) const {
    subnet::PullReply reply;
    reply.cooldown_until = unix_seconds(now_) + for_seconds;
    reply.cooldown_violations = 1;
    return reply;
  }
  double elapsed() const { return to_seconds(now_ - from_unix_seconds(kStart)); }

  static constexpr std::int64_t kStart = 1'757'400'000;
  Config config_;
  std::unique_ptr<Policy> policy_;
  Time now_ = from_unix_seconds(kStart);
};

TEST_F(PolicyTest, NamesArePoliciesAndOthersAreRefused) {
  for (const auto kind : {PolicyKind::base, PolicyKind::poll10, PolicyKind::lode}) {
    EXPECT_EQ(*policy_kind_from(to_string(kind)), kind);
  }
  EXPECT_EQ(policy_kind_from("greedy").error().code, Errc::invalid_input);
}

// ---- base --------------------------------------------------------------------------------------

TEST_F(PolicyTest, BaseLosesThreeHundredSecondsAfterALostPull) {
  use(PolicyKind::base, 1);
  const auto pulls = due<PullAction>();
  ASSERT_EQ(pulls.size(), 1U);
  EXPECT_EQ(pulls[0].timeout, seconds(12));
  now_ += seconds(12);
  policy_->on_pull_failure(pulls[0].call, now_);
  ASSERT_EQ(wait<PullAction>(seconds(600)).size(), 1U);
  // 312 s and `<` between whole seconds, seen by a worker that sleeps 10 s at a time. The owner's
  // turn, every fifth, takes `<=`.
  EXPECT_GE(elapsed(), 312);
  EXPECT_LE(elapsed(), 322);
}

TEST_F(PolicyTest, BaseThrowsItsResultAwayWhenTheReplyIsLost) {
  use(PolicyKind::base, 1);
  policy_->on_pull_reply(due<PullAction>().at(0).call, task("t"), now_);
  policy_->on_candidate(due<GenerateAction>().at(0).generation, {9, 0.9}, now_);
  const auto submits = due<SubmitAction>();
  ASSERT_EQ(submits.size(), 1U);
  EXPECT_EQ(submits[0].candidate, 9U);
  policy_->on_submit_failure(submits[0].call, 0, now_ + submits[0].timeout);
  now_ += submits[0].timeout;
  policy_->on_pull_reply(wait<PullAction>(seconds(600)).at(0).call, task("t"), now_);
  EXPECT_EQ(due<GenerateAction>().size(), 1U) << "the same task is made again";
}

TEST_F(PolicyTest, BaseAsksTheOwnerEveryFifthTurnOrLosesThatTurn) {
  config_.has_owner = false;
  use(PolicyKind::base, 8, 5);
  EXPECT_EQ(due<PullAction>().size(), 4U);
  EXPECT_EQ(*policy_->next_due(), now_ + seconds(10));
  config_.has_owner = true;
  use(PolicyKind::base, 8, 5);
  EXPECT_EQ(due<PullAction>().size(), 5U);
}

TEST_F(PolicyTest, BaseIsLockedToItsTenSecondSleeps) {
  Config config;
  config.hours = 40;
  config.generation = GenerationTime::lognormal(30, 0);
  // Four tasks of 33 s a worker and sleeps until the 300 s are over: 132 + 18 * 10 s.
  EXPECT_NEAR(run(config, PolicyKind::base).accepted_per_4h, 8 * 14'400.0 / 312, 0.5);
}

// ---- poll10 ------------------------------------------------------------------------------------

TEST_F(PolicyTest, Poll10DropsWhatItsQueueOfTwoCannotHold) {
  use(PolicyKind::poll10);
  const auto pulls = due<PullAction>();
  ASSERT_EQ(pulls.size(), 8U);
  now_ += seconds(1);
  for (const auto& pull : pulls) {
    EXPECT_TRUE(due<GenerateAction>().empty()) << "the slowest pull of a round is waited for";
    policy_->on_pull_reply(pull.call, task("t" + std::to_string(pull.validator)), now_);
  }
  EXPECT_EQ(policy_->dropped(), 6);
  EXPECT_EQ(due<GenerateAction>().size(), 1U);
  // The six are not asked again before the guard of 28 s has passed, though they hold their tasks.
  ASSERT_EQ(wait<PullAction>(seconds(100)).size(), 8U);
  EXPECT_GE(elapsed(), 29);
  EXPECT_LT(elapsed(), 29 + 5 + 1);
}

TEST_F(PolicyTest, Poll10BlocksAValidatorForThreeHundredSecondsAfterAFailedSubmission) {
  use(PolicyKind::poll10, 1);
  policy_->on_pull_reply(due<PullAction>().at(0).call, task("t"), now_);
  now_ += seconds(20);
  policy_->on_candidate(due<GenerateAction>().at(0).generation, {2, 0.9}, now_);
  const double finished = elapsed();
  const auto submits = due<SubmitAction>();
  ASSERT_EQ(submits.size(), 1U);
  EXPECT_EQ(submits[0].timeout, seconds(60));
  policy_->on_submit_failure(submits[0].call, 0, now_ + seconds(60));
  int refused = 0;
  for (;;) {  // the validator hands the same task out again and again
    const auto pulls = wait<PullAction>(seconds(60));
    ASSERT_EQ(pulls.size(), 1U);
    policy_->on_pull_reply(pulls[0].call, task("t"), now_);
    if (!due<GenerateAction>().empty()) {
      break;
    }
    ++refused;
  }
  EXPECT_GE(refused, 9);  // every 28 to 33 s
  EXPECT_GE(elapsed(), finished + 300);
  EXPECT_LE(elapsed(), finished + 300 + 34);
}

TEST_F(PolicyTest, Poll10LearnsACooldownOnlyFromAPullThatViolatesIt) {
  Config config;
  config.hours = 40;
  const Outcome out = run(config, PolicyKind::poll10);
  EXPECT_NEAR(static_cast<double>(out.violations), static_cast<double>(out.accepted), 10);
  use(PolicyKind::poll10, 1);
  policy_->on_pull_reply(due<PullAction>().at(0).call, cooldown(100), now_);
  const double asked = elapsed();
  ASSERT_EQ(wait<PullAction>(seconds(300)).size(), 1U);
  EXPECT_GE(elapsed(), asked + 100);
  EXPECT_LE(elapsed(), asked + 105);
}

TEST_F(PolicyTest, Poll10LosesGenerationsOfMoreThanAMinute) {
  use(PolicyKind::poll10, 1);
  policy_->on_pull_reply(due<PullAction>().at(0).call, task("t"), now_);
  const auto generation = due<GenerateAction>().at(0).generation;
  now_ += seconds(61);
  policy_->on_candidate(generation, {2, 0.9}, now_);
  EXPECT_TRUE(due<SubmitAction>().empty());
  EXPECT_EQ(policy_->dropped(), 1);
}

// ---- lode --------------------------------------------------------------------------------------

TEST(LodePolicy, AcceptsAtLeastAsMuchAsTheOthersWhateverTheConditions) {
  Config config;
  config.hours = 40;
  for (const int workers : {1, 2, 4}) {
    for (const double fault : {0.0, 0.02}) {
      for (const double rejects : {0.0, 0.1}) {
        config.workers = workers;
        config.generation = GenerationTime::uniform(15, 45);
        config.fault_pulls = config.fault_submits = config.fault_replies = fault;
        config.quality.reject_rate = rejects;
        const Outcome lode = run(config, PolicyKind::lode);
        SCOPED_TRACE(testing::Message()
                     << workers << " workers, faults " << fault << ", bad " << rejects);
        EXPECT_GE(lode.accepted, run(config, PolicyKind::base).accepted);
        EXPECT_GE(lode.accepted, run(config, PolicyKind::poll10).accepted);
      }
    }
  }
}

TEST(LodePolicy, ReachesTheBoundWhereNothingGoesWrong) {
  Config config;
  config.hours = 40;
  EXPECT_GE(run(config, PolicyKind::lode).ratio, 0.999);
  EXPECT_EQ(run(config, PolicyKind::lode).violations, 0);
}

TEST(LodePolicy, RejectsFewWithAScorerAndAllWithoutOne) {
  Config config;
  config.hours = 40;
  config.quality.reject_rate = 0.2;
  const Outcome with = run(config, PolicyKind::lode);
  config.has_scorer = false;
  const Outcome without = run(config, PolicyKind::lode);
  EXPECT_LT(with.rejected * 5, without.rejected);
  EXPECT_GT(with.accepted, without.accepted);
}

TEST(LodePolicy, NeverMakesATaskAgainAfterALostReply) {
  Config config;
  config.hours = 40;
  config.fault_replies = 0.1;
  config.has_extras = false;
  const Outcome out = run(config, PolicyKind::lode);
  EXPECT_EQ(out.wasted, 0);
  EXPECT_NEAR(out.candidates_per_task, 1, 0.01);
}

TEST(LodePolicy, SpareWorkersMakeResultsBetterAtHardlyAnyCostInCount) {
  Config config;
  config.hours = 100;
  config.workers = 4;
  const Outcome with = run(config, PolicyKind::lode);
  config.has_extras = false;
  const Outcome without = run(config, PolicyKind::lode);
  EXPECT_GT(with.candidates_per_task, 1.5);
  EXPECT_GT(with.quality, without.quality + 0.01);
  EXPECT_GT(static_cast<double>(with.accepted), 0.99 * static_cast<double>(without.accepted));
}

}  // namespace
}  // namespace lode::simulate
