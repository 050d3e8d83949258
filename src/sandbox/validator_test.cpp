#include "sandbox/validator.h"

#include <gtest/gtest.h>

namespace lode::sandbox {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kStart = 1'757'400'000;
const std::string kMiner = "miner";

Result<bool> judge_by_text(const subnet::Submission& submission, std::string_view prompt,
                           std::string_view axon_hotkey, std::string_view dendrite_hotkey) {
  if (submission.signature == "malformed")
    return fail(Errc::invalid_input, "not base64");
  return submission.signature ==
         std::string(prompt) + "|" + std::string(axon_hotkey) + "|" + std::string(dendrite_hotkey);
}

// A validator with one registered miner (UID 7) and tasks "t1", "t2", ... of prompt "p1", ...
class ValidatorTest : public ::testing::Test {
 protected:
  Validator make(Rules rules = {}) {
    return Validator(
        rules, {{kMiner, 7}}, [this] { return next_assignment(); }, judge_by_text);
  }

  Assignment next_assignment() {
    const std::string number = std::to_string(++issued_);
    return {{subnet::Task::Type::text, "t" + number, "p" + number}, duel_};
  }

  static Time at(double seconds_after_start) {
    return from_unix_seconds(kStart) +
           milliseconds(static_cast<std::int64_t>(seconds_after_start * 1000 + 0.5));
  }

  // A correctly signed submission for task number `n`.
  static subnet::RequestBody submission(int n, std::string results = "AAAA") {
    const std::string number = std::to_string(n);
    subnet::RequestBody body;
    body.dendrite_hotkey = kMiner;
    body.axon_hotkey = "validator";
    body.submission.task = {subnet::Task::Type::text, "t" + number, "p" + number};
    body.submission.results = std::move(results);
    body.submission.signature = "p" + number + "|validator|" + kMiner;
    return body;
  }

  static subnet::SubmitReply reply_of(Validator& validator, const subnet::RequestBody& body,
                                      Time now) {
    auto step = validator.begin_submit(body, now);
    EXPECT_TRUE(step.has_value());
    EXPECT_TRUE(std::holds_alternative<subnet::SubmitReply>(*step)) << "scoring was started";
    return std::get<subnet::SubmitReply>(*step);
  }

  static ScoringJob job_of(Validator& validator, const subnet::RequestBody& body, Time now) {
    auto step = validator.begin_submit(body, now);
    EXPECT_TRUE(step.has_value());
    EXPECT_TRUE(std::holds_alternative<ScoringJob>(*step)) << "no scoring was started";
    return std::get<ScoringJob>(*step);
  }

  // Submits task `n` and has it scored at the same instant.
  static subnet::SubmitReply scored(Validator& validator, int n, std::optional<double> score,
                                    Time now) {
    return validator.finish_submit(job_of(validator, submission(n), now).token, score, now);
  }

  int issued_ = 0;
  std::optional<Opponent> duel_;
};

// ---- PullTask ----------------------------------------------------------------------------------

TEST_F(ValidatorTest, PullHandsOutATaskWithThresholdAndThrottle) {
  Validator validator = make();
  const subnet::PullReply reply = validator.pull(kMiner, at(0));
  ASSERT_TRUE(reply.task);
  EXPECT_EQ(reply.task->id, "t1");
  EXPECT_EQ(reply.validation_threshold, 0.6);
  EXPECT_EQ(reply.throttle_period, 30);
  EXPECT_EQ(reply.cooldown_until, 0);
  EXPECT_EQ(reply.cooldown_violations, 0);
  EXPECT_EQ(validator.counters().pulled, 1);
}

TEST_F(ValidatorTest, PullOfAnUnknownHotkeyIsAdvisedToWaitAnHour) {
  Validator validator = make();
  const subnet::PullReply reply = validator.pull("stranger", at(0.9));
  EXPECT_FALSE(reply.task);
  EXPECT_EQ(reply.cooldown_until, kStart + 3600);
  EXPECT_EQ(reply.cooldown_violations, 0);
  EXPECT_EQ(validator.counters().unregistered, 1);
  EXPECT_EQ(issued_, 0);
}

TEST_F(ValidatorTest, PullReissuesTheAssignedTaskWithoutRenewingItsTime) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const subnet::PullReply again = validator.pull(kMiner, at(100));
  ASSERT_TRUE(again.task);
  EXPECT_EQ(again.task->id, "t1");
  EXPECT_EQ(issued_, 1);
  EXPECT_EQ(validator.counters().reissued, 1);
  // 110 s after the assignment, whatever the second pull was: 80 s above the throttle period.
  EXPECT_EQ(scored(validator, 1, 0.9, at(110)).cooldown_until, kStart + 380);
}

TEST_F(ValidatorTest, PullAtTheEndOfTheCooldownIsAllowedAndBeforeItIsAViolation) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  ASSERT_EQ(scored(validator, 1, 0.9, at(10)).cooldown_until, kStart + 300);
  const subnet::PullReply early = validator.pull(kMiner, at(299.999));
  EXPECT_FALSE(early.task);
  EXPECT_EQ(early.cooldown_until, kStart + 300);
  EXPECT_EQ(early.cooldown_violations, 1);
  EXPECT_EQ(validator.counters().violations, 1);
  EXPECT_TRUE(validator.pull(kMiner, at(300)).task);
}

TEST_F(ValidatorTest, ViolationsAboveTheThresholdAddTenSecondsEach) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(10));
  for (int i = 1; i <= 100; ++i) {
    const subnet::PullReply reply = validator.pull(kMiner, at(20));
    EXPECT_EQ(reply.cooldown_violations, i);
    EXPECT_EQ(reply.cooldown_until, kStart + 300);
  }
  EXPECT_EQ(validator.pull(kMiner, at(20)).cooldown_until, kStart + 310);
  EXPECT_EQ(validator.pull(kMiner, at(20)).cooldown_until, kStart + 320);
  EXPECT_FALSE(validator.pull(kMiner, at(319.9)).task);
}

TEST_F(ValidatorTest, EverySignedSubmissionPaysBackOneViolation) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(10));
  validator.pull(kMiner, at(20));
  validator.pull(kMiner, at(21));
  ASSERT_TRUE(validator.pull(kMiner, at(300)).task);
  reply_of(validator, submission(2, ""), at(301));
  EXPECT_EQ(validator.pull(kMiner, at(302)).cooldown_violations, 2) << "2 - 1 + 1";
  EXPECT_EQ(validator.counters().violations, 3);
}

TEST_F(ValidatorTest, FreshTaskIsNeededOnlyByRegisteredIdleMinersOffCooldown) {
  Validator validator = make();
  EXPECT_TRUE(validator.would_assign(kMiner, at(0)));
  EXPECT_FALSE(validator.would_assign("stranger", at(0)));
  validator.pull(kMiner, at(0));
  EXPECT_FALSE(validator.would_assign(kMiner, at(1))) << "a task is assigned";
  scored(validator, 1, 0.9, at(10));
  EXPECT_FALSE(validator.would_assign(kMiner, at(299.999)));
  EXPECT_TRUE(validator.would_assign(kMiner, at(300)));
}

// ---- the cooldown formula ----------------------------------------------------------------------

struct CooldownCase {
  double assigned, finished;
  std::optional<double> score;  // none: an empty submission
  std::int64_t until;           // after kStart
};

class Cooldown : public ValidatorTest, public ::testing::WithParamInterface<CooldownCase> {};

TEST_P(Cooldown, FollowsAssignmentAndCompletion) {
  const CooldownCase& c = GetParam();
  Validator validator = make();
  validator.pull(kMiner, at(c.assigned));
  const subnet::SubmitReply reply = c.score
                                        ? scored(validator, 1, *c.score, at(c.finished))
                                        : reply_of(validator, submission(1, ""), at(c.finished));
  EXPECT_EQ(reply.cooldown_until, kStart + c.until);
}

INSTANTIATE_TEST_SUITE_P(
    Table, Cooldown,
    ::testing::Values(CooldownCase{0, 5, 0.9, 300},           // the throttle period is free
                      CooldownCase{0, 30, 0.9, 300},          // its last moment too
                      CooldownCase{0, 30.999, 0.9, 300},      // int() rounds the first second away
                      CooldownCase{0, 31, 0.9, 301},          // then second for second
                      CooldownCase{0.999, 30.999, 0.9, 300},  // 30.000 s after a fractional start
                      CooldownCase{0.999, 31.000, 0.9, 301},  // 30.001 s
                      CooldownCase{0, 200, 0.9, 470},
                      CooldownCase{0, 5, std::nullopt, 300},  // empty costs no more than success
                      CooldownCase{0, 40, std::nullopt, 310},
                      CooldownCase{0, 5, 0.1, 900},  // a low score costs 600 s more
                      CooldownCase{0, 40, 0.1, 910}, CooldownCase{0, 5, 0.5999, 900},
                      CooldownCase{0, 5, 0.6, 300}));

// ---- SubmitResults -----------------------------------------------------------------------------

TEST_F(ValidatorTest, SubmissionWithoutATaskIsForbiddenWithTheKnownReason) {
  Validator validator = make();
  EXPECT_EQ(validator.refuse_submission(kMiner, "127.0.0.1"),
            "[7] submitted results while having no task assigned. It could happen if validator "
            "restarts or miner faults");
  EXPECT_EQ(validator.refuse_submission("stranger", "127.0.0.1"),
            "Unrecognized hotkey stranger (127.0.0.1)");
  validator.pull(kMiner, at(0));
  EXPECT_EQ(validator.refuse_submission(kMiner, "127.0.0.1"), std::nullopt);
  EXPECT_EQ(validator.counters().forbidden, 1);
  EXPECT_EQ(validator.counters().unregistered, 1);
}

TEST_F(ValidatorTest, SubmissionOfAnUnknownBodyHotkeyGetsNoFeedback) {
  Validator validator = make();
  subnet::RequestBody body = submission(1);
  body.dendrite_hotkey = "stranger";
  const subnet::SubmitReply reply = reply_of(validator, body, at(0));
  EXPECT_FALSE(reply.feedback);
  EXPECT_EQ(reply.cooldown_until, kStart + 3600);
}

TEST_F(ValidatorTest, SubmissionForAnotherTaskChangesNothing) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const subnet::SubmitReply reply = reply_of(validator, submission(9), at(5));
  ASSERT_TRUE(reply.feedback);
  EXPECT_EQ(reply.feedback->task_fidelity_score, 0);
  EXPECT_FALSE(reply.feedback->validation_failed);
  EXPECT_EQ(reply.cooldown_until, 0);
  EXPECT_EQ(validator.counters().wrong_task, 1);
  EXPECT_EQ(validator.pull(kMiner, at(6)).task->id, "t1");
}

TEST_F(ValidatorTest, WrongSignatureLosesTheTaskForNineHundredSeconds) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  subnet::RequestBody forged = submission(1);
  forged.submission.signature = "forged";
  EXPECT_EQ(reply_of(validator, forged, at(5)).cooldown_until, kStart + 900);
  EXPECT_EQ(validator.counters().wrong_signatures, 1);
  EXPECT_EQ(validator.counters().rejected, 1);
  EXPECT_TRUE(validator.refuse_submission(kMiner, "").has_value()) << "the task is gone";
}

TEST_F(ValidatorTest, WrongSignatureDoesNotPayBackAViolation) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(10));
  validator.pull(kMiner, at(20));
  validator.pull(kMiner, at(300));
  subnet::RequestBody forged = submission(2);
  forged.submission.signature = "forged";
  reply_of(validator, forged, at(301));
  EXPECT_EQ(validator.pull(kMiner, at(302)).cooldown_violations, 2);
}

TEST_F(ValidatorTest, MalformedSignatureIsAnErrorThatKeepsTheTask) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  subnet::RequestBody broken = submission(1);
  broken.submission.signature = "malformed";
  const auto step = validator.begin_submit(broken, at(5));
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code, Errc::invalid_input);
  EXPECT_EQ(scored(validator, 1, 0.9, at(6)).feedback->task_fidelity_score, 0.9);
}

TEST_F(ValidatorTest, WrongTaskIsSeenBeforeTheSignature) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  subnet::RequestBody body = submission(9);
  body.submission.signature = "malformed";
  reply_of(validator, body, at(5));
  EXPECT_EQ(validator.counters().wrong_task, 1);
}

TEST_F(ValidatorTest, EmptyResultsEndTheTaskWithTheNormalCooldown) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const subnet::SubmitReply reply = reply_of(validator, submission(1, ""), at(5));
  EXPECT_EQ(reply.feedback->task_fidelity_score, 0);
  EXPECT_EQ(reply.feedback->generations_within_the_window, 0);
  EXPECT_EQ(reply.feedback->average_fidelity_score, 1.0) << "skips do not touch the average";
  EXPECT_EQ(validator.counters().empty, 1);
  EXPECT_EQ(validator.pull(kMiner, at(300)).task->id, "t2");
}

TEST_F(ValidatorTest, LockSwallowsSubmissionsForThirtySecondsEvenAfterTheScoringEnded) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const ScoringJob first = job_of(validator, submission(1), at(5.5));
  EXPECT_EQ(first.task_id, "t1");
  EXPECT_EQ(first.results, "AAAA");
  const subnet::SubmitReply locked = reply_of(validator, submission(1), at(6));
  EXPECT_EQ(locked.cooldown_until, 0);
  EXPECT_EQ(locked.feedback->task_fidelity_score, 0);
  EXPECT_EQ(validator.counters().locked, 1);
  validator.finish_submit(first.token, std::nullopt, at(7));
  ASSERT_FALSE(validator.pull(kMiner, at(8)).task) << "a failed scorer costs the cooldown";
  reply_of(validator, submission(1), at(34.999));
  EXPECT_EQ(validator.counters().wrong_task, 1) << "the task is gone, whatever the lock says";
}

TEST_F(ValidatorTest, LockEndsOnTheWholeSecond) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  job_of(validator, submission(1), at(5.5));
  reply_of(validator, submission(1), at(34.999));
  EXPECT_EQ(validator.counters().locked, 1);
  job_of(validator, submission(1), at(35));  // int(5.5) + 30
}

TEST_F(ValidatorTest, LockedSubmissionStillPaysBackAViolation) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(10));
  validator.pull(kMiner, at(20));
  validator.pull(kMiner, at(21));
  validator.pull(kMiner, at(300));
  job_of(validator, submission(2), at(301));
  reply_of(validator, submission(2), at(302));
  ASSERT_EQ(validator.counters().locked, 1);
  reply_of(validator, submission(2, ""), at(303));
  EXPECT_EQ(validator.pull(kMiner, at(304)).cooldown_violations, 1) << "2 - 3, not below 0, + 1";
}

TEST_F(ValidatorTest, ScorerFailureIsReportedAndCostsTheNormalCooldown) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const subnet::SubmitReply reply = scored(validator, 1, std::nullopt, at(5));
  EXPECT_TRUE(reply.feedback->validation_failed);
  EXPECT_EQ(reply.cooldown_until, kStart + 300);
  EXPECT_EQ(validator.counters().scorer_failures, 1);
}

TEST_F(ValidatorTest, LowScoreIsNotTold) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const subnet::SubmitReply reply = scored(validator, 1, 0.59, at(5));
  EXPECT_EQ(reply.feedback->task_fidelity_score, 0);
  EXPECT_FALSE(reply.feedback->validation_failed);
  EXPECT_EQ(reply.feedback->average_fidelity_score, 1.0);
  EXPECT_EQ(validator.counters().rejected, 1);
}

TEST_F(ValidatorTest, AcceptedResultIsCountedAveragedAndRewarded) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const subnet::SubmitReply reply = scored(validator, 1, 0.8, at(5));
  EXPECT_EQ(reply.feedback->task_fidelity_score, 0.8);
  EXPECT_DOUBLE_EQ(reply.feedback->average_fidelity_score, 0.95 + 0.05 * 0.8);
  EXPECT_EQ(reply.feedback->generations_within_the_window, 1);
  EXPECT_EQ(reply.feedback->current_duel_rating, 1500);
  EXPECT_EQ(reply.feedback->current_miner_reward, 1500);
  EXPECT_EQ(validator.counters().accepted, 1);
  EXPECT_EQ(validator.counters().mean_score(), 0.8);
}

TEST_F(ValidatorTest, ScoresAboveOneAreCutToOne) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  EXPECT_EQ(scored(validator, 1, 1.2, at(5)).feedback->task_fidelity_score, 1.0);
}

TEST_F(ValidatorTest, SecondScoringOfAnAcceptedTaskIsADuplicateWithTheFirstOnesCooldown) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const ScoringJob first = job_of(validator, submission(1), at(5));
  const ScoringJob second = job_of(validator, submission(1), at(36));
  EXPECT_EQ(validator.finish_submit(first.token, 0.9, at(40)).cooldown_until, kStart + 310);
  const subnet::SubmitReply duplicate = validator.finish_submit(second.token, 0.9, at(41));
  EXPECT_EQ(duplicate.feedback->task_fidelity_score, 0);
  EXPECT_EQ(duplicate.cooldown_until, kStart + 310);
  EXPECT_EQ(duplicate.feedback->generations_within_the_window, 1);
  EXPECT_EQ(validator.counters().duplicates, 1);
  EXPECT_EQ(validator.counters().accepted, 1);
}

TEST_F(ValidatorTest, TooQuickEndsTwoHundredSeventySecondsAfterTheLastAcceptedResult) {
  for (const auto& [finished, duplicates] :
       {std::pair{309.999, 1}, std::pair{310.0, 0}}) {  // int(40) + 300 - 30
    issued_ = 0;
    Validator validator = make();
    validator.pull(kMiner, at(0));
    const ScoringJob first = job_of(validator, submission(1), at(5));
    const ScoringJob second = job_of(validator, submission(1), at(36));
    validator.finish_submit(first.token, 0.9, at(40.7));
    validator.finish_submit(second.token, 0.9, at(finished));
    EXPECT_EQ(validator.counters().duplicates, duplicates) << finished;
  }
}

TEST_F(ValidatorTest, ScoringInFlightCanStillBeAcceptedAfterAnotherOneFailed) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const ScoringJob first = job_of(validator, submission(1), at(5));
  const ScoringJob second = job_of(validator, submission(1), at(36));
  EXPECT_EQ(validator.finish_submit(first.token, 0.1, at(40)).cooldown_until, kStart + 910);
  const subnet::SubmitReply late = validator.finish_submit(second.token, 0.9, at(50.5));
  EXPECT_EQ(late.feedback->task_fidelity_score, 0.9);
  EXPECT_EQ(late.cooldown_until, kStart + 350) << "int(now) + 300: the assignment is forgotten";
}

TEST_F(ValidatorTest, ObservationsExpireAfterFourHours) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(10));
  validator.pull(kMiner, at(14409));
  subnet::SubmitReply reply = reply_of(validator, submission(9), at(14409.9));
  EXPECT_EQ(reply.feedback->generations_within_the_window, 1);
  reply = reply_of(validator, submission(9), at(14410));
  EXPECT_EQ(reply.feedback->generations_within_the_window, 0);
  EXPECT_EQ(reply.feedback->current_miner_reward, 0);
}

TEST_F(ValidatorTest, MinersAreIndependent) {
  Validator validator(
      Rules{}, {{kMiner, 7}, {"other", 8}}, [this] { return next_assignment(); }, judge_by_text);
  EXPECT_EQ(validator.pull(kMiner, at(0)).task->id, "t1");
  EXPECT_EQ(validator.pull("other", at(1)).task->id, "t2");
  scored(validator, 1, 0.9, at(5));
  EXPECT_EQ(validator.pull("other", at(6)).task->id, "t2");
}

TEST_F(ValidatorTest, FortyEightResultsFillTheWindowOfAPerfectMiner) {
  Validator validator = make();
  std::int64_t now = 0;
  subnet::SubmitReply reply;
  for (int n = 1; n <= 60; ++n) {
    ASSERT_TRUE(validator.pull(kMiner, at(static_cast<double>(now))).task);
    reply = scored(validator, n, 0.9, at(static_cast<double>(now + 20)));
    now = reply.cooldown_until - kStart;
  }
  EXPECT_EQ(reply.feedback->generations_within_the_window, 48);
}

// ---- version 44 --------------------------------------------------------------------------------

class OldValidatorTest : public ValidatorTest {
 protected:
  Validator make_old() {
    Rules rules;
    rules.version = 44;
    return make(rules);
  }
};

TEST_F(OldValidatorTest, AcceptsASubmissionThatEchoesTheTask) {
  Validator validator = make_old();
  validator.pull(kMiner, at(0));
  EXPECT_EQ(scored(validator, 1, 0.9, at(5)).feedback->task_fidelity_score, 0.9);
}

TEST_F(OldValidatorTest, RequiresTheTaskObject) {
  Validator validator = make_old();
  validator.pull(kMiner, at(0));
  subnet::RequestBody body = submission(1);
  body.submission.task.prompt.clear();
  EXPECT_FALSE(validator.begin_submit(body, at(5)).has_value());
}

TEST_F(OldValidatorTest, MatchesTheWholeTask) {
  Validator validator = make_old();
  validator.pull(kMiner, at(0));
  subnet::RequestBody body = submission(1);
  body.submission.task.prompt = "p9";
  body.submission.signature = "p9|validator|" + kMiner;
  reply_of(validator, body, at(5));
  EXPECT_EQ(validator.counters().wrong_task, 1);
}

TEST_F(OldValidatorTest, ChecksTheSignatureBeforeTheTask) {
  Validator validator = make_old();
  validator.pull(kMiner, at(0));
  subnet::RequestBody body = submission(9);
  body.submission.signature = "forged";
  EXPECT_EQ(reply_of(validator, body, at(5)).cooldown_until, kStart + 900);
  EXPECT_EQ(validator.counters().wrong_signatures, 1);
}

TEST_F(OldValidatorTest, SubmissionForAnotherTaskPaysBackAViolation) {
  Validator validator = make_old();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(10));
  validator.pull(kMiner, at(20));
  validator.pull(kMiner, at(300));
  reply_of(validator, submission(9), at(301));
  reply_of(validator, submission(2, ""), at(302));
  EXPECT_EQ(validator.pull(kMiner, at(303)).cooldown_violations, 1);
}

// ---- duels -------------------------------------------------------------------------------------

TEST_F(ValidatorTest, BetterScoreWinsADuelAndMovesTheRating) {
  duel_ = Opponent{subnet::Rating{}, 0.7};
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const subnet::SubmitReply reply = scored(validator, 1, 0.9, at(5));
  EXPECT_NEAR(reply.feedback->current_duel_rating, 1668.947, 0.001);
  EXPECT_NEAR(reply.feedback->current_miner_reward, 1668.947, 0.001);
  EXPECT_EQ(validator.rating_of(kMiner), reply.feedback->current_duel_rating);
  EXPECT_EQ(validator.counters().duels_won, 1);
}

TEST_F(ValidatorTest, EmptyAndFailedTasksLoseTheirDuel) {
  duel_ = Opponent{subnet::Rating{}, 0.7};
  Validator validator = make();
  validator.pull(kMiner, at(0));
  EXPECT_LT(reply_of(validator, submission(1, ""), at(5)).feedback->current_duel_rating, 1400);
  validator.pull(kMiner, at(300));
  scored(validator, 2, 0.3, at(305));
  EXPECT_EQ(validator.counters().duels_lost, 2);
}

TEST_F(ValidatorTest, DuelIsSettledOnce) {
  duel_ = Opponent{subnet::Rating{}, 0.7};
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const ScoringJob first = job_of(validator, submission(1), at(5));
  const ScoringJob second = job_of(validator, submission(1), at(36));
  validator.finish_submit(first.token, 0.1, at(40));
  validator.finish_submit(second.token, 0.9, at(50));
  EXPECT_EQ(validator.counters().duels_lost, 1);
  EXPECT_EQ(validator.counters().duels_won, 0);
}

// ---- registrations -----------------------------------------------------------------------------

TEST_F(ValidatorTest, ADeregisteredMinerIsAStrangerUntilItIsBack) {
  Validator validator = make();
  ASSERT_TRUE(validator.pull(kMiner, at(0)).task);
  validator.set_miners({{"newcomer", 7}});
  const subnet::PullReply gone = validator.pull(kMiner, at(1));
  EXPECT_FALSE(gone.task);
  EXPECT_EQ(gone.cooldown_until, kStart + 1 + 3600);
  EXPECT_EQ(gone.cooldown_violations, 0);
  EXPECT_TRUE(validator.refuse_submission(kMiner, "127.0.0.1"));
  EXPECT_EQ(reply_of(validator, submission(1), at(2)).cooldown_until, kStart + 2 + 3600);
  EXPECT_EQ(validator.counters().unregistered, 3);
  validator.set_miners({{"newcomer", 7}, {kMiner, 9}});
  EXPECT_EQ(validator.pull(kMiner, at(3)).task->id, "t2") << "another UID has a task of its own";
}

TEST_F(ValidatorTest, ANewOwnerInheritsTheTaskAndNothingElse) {
  duel_ = Opponent{subnet::Rating{}, 0.7};
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(5));
  validator.pull(kMiner, at(10));  // a violation
  duel_.reset();
  ASSERT_EQ(validator.pull(kMiner, at(300)).task->id, "t2");
  ASSERT_GT(validator.rating_of(kMiner), 1600);
  validator.set_miners({{"newcomer", 7}});
  EXPECT_EQ(validator.rating_of("newcomer"), subnet::Rating{}.rating);
  EXPECT_EQ(validator.pull("newcomer", at(310)).task->id, "t2");
  subnet::RequestBody body = submission(2, "");
  body.dendrite_hotkey = "newcomer";
  body.submission.signature = "p2|validator|newcomer";
  const subnet::SubmitReply reply = reply_of(validator, body, at(320));
  EXPECT_EQ(reply.cooldown_until, kStart + 600) << "counted from the assignment, not from the join";
  EXPECT_EQ(reply.feedback->generations_within_the_window, 0);
  EXPECT_EQ(reply.feedback->average_fidelity_score, 1.0);
}

TEST_F(ValidatorTest, ANewOwnerIsNotBoundByTheCooldown) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(5));
  validator.set_miners({{"newcomer", 7}});
  EXPECT_EQ(validator.pull("newcomer", at(6)).task->id, "t2");
}

TEST_F(ValidatorTest, TheSameOwnersKeepWhatTheyHave) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  scored(validator, 1, 0.9, at(5));
  validator.set_miners({{kMiner, 7}, {"newcomer", 8}});
  EXPECT_EQ(validator.pull(kMiner, at(6)).cooldown_until, kStart + 300);
}

TEST_F(ValidatorTest, AScoringEndsThoughItsMinerIsGone) {
  Validator validator = make();
  validator.pull(kMiner, at(0));
  const ScoringJob job = job_of(validator, submission(1), at(5));
  validator.set_miners({});
  EXPECT_EQ(validator.finish_submit(job.token, 0.9, at(8)).cooldown_until, kStart + 300);
  EXPECT_EQ(validator.counters().accepted, 1);
}

}  // namespace
}  // namespace lode::sandbox
