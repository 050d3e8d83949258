#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "miner/scheduler_fixture_internal.h"

namespace lode::miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(SchedulerTest, PullsEveryEligibleValidatorAtOnceEvenWithoutAWorker) {
  scheduler_->set_worker_slots(0);
  serve(8);
  const auto actions = step();
  EXPECT_EQ(actions.size(), 8U);
  for (const auto& action : actions) {
    EXPECT_TRUE(std::holds_alternative<PullAction>(action));
  }
  EXPECT_TRUE(step().empty()) << "each action is handed out once";
}

TEST_F(SchedulerTest, SkipsItselfAndIneligibleValidatorsWithAReason) {
  chain::Metagraph metagraph{17, {validator(1), validator(2), validator(180)}};
  metagraph.neurons[0].hotkey = kMe;
  metagraph.neurons[1].stake = 10;
  scheduler_->set_metagraph(metagraph, kMe, now_);
  EXPECT_TRUE(step().empty());
  ASSERT_EQ(scheduler_->view().size(), 2U);
  EXPECT_EQ(view("V2").state, State::skipped);
  EXPECT_EQ(view("V2").reason, "stake 10 is below the minimum of 1000");
  EXPECT_EQ(view("V180").state, State::skipped);
  EXPECT_THAT(view("V180").reason, testing::HasSubstr("blacklisted"));
}

TEST_F(SchedulerTest, TakesABlacklistEditLive) {
  serve(1);
  scheduler_->set_blacklist({{1, "", "rude"}}, now_);
  EXPECT_TRUE(step().empty());
  EXPECT_EQ(view("V1").reason, "blacklisted by uid 1: rude");
  scheduler_->set_blacklist({}, now_);
  only<PullAction>();
}

TEST_F(SchedulerTest, AcceptedResultCoolsDownAndIsPulledAgainToTheSecond) {
  submit_good();
  scheduler_->on_submit_reply("V1", feedback(0.9, 270), now_);
  EXPECT_EQ(view("V1").state, State::cooling);
  EXPECT_EQ(view("V1").ledger.accepted, 1);
  EXPECT_EQ(view("V1").ledger.mean_score(), 0.9);
  const Time end = from_unix_seconds(unix_now() + 270);
  EXPECT_EQ(scheduler_->next_due(), end + Config{}.pull_margin);
  now_ = end - milliseconds(1);
  EXPECT_TRUE(step().empty()) << "a pull before the cooldown ends is a violation";
  now_ = end + Config{}.pull_margin;
  only<PullAction>();
}

TEST_F(SchedulerTest, NeverSendsACandidateBelowTheThreshold) {
  Config config = plain();
  config.max_candidates = 1;
  reset({}, config);
  hold_and_generate();
  advance(seconds(20));
  finish("V1", candidate(0.59));
  const auto action = only<SubmitAction>();
  EXPECT_FALSE(action.candidate);
  scheduler_->on_submit_reply("V1", feedback(0, 300), now_);
  EXPECT_EQ(view("V1").ledger.empty, 1);
  EXPECT_EQ(view("V1").ledger.rejected, 0);
}

TEST_F(SchedulerTest, UsesTheThresholdThatTheValidatorNamed) {
  Config config = plain();
  config.max_candidates = 1;
  reset({}, config);
  serve(1);
  only<PullAction>();
  auto strict = task("t1");
  strict.validation_threshold = 0.85;
  scheduler_->on_pull_reply("V1", strict, now_);
  only<GenerateAction>();
  advance(seconds(20));
  finish("V1", candidate(0.8));
  EXPECT_FALSE(only<SubmitAction>().candidate);
}

TEST_F(SchedulerTest, TriesAnotherSeedWhileItFitsTheThrottleWindow) {
  serve(1);
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  const auto first = only<GenerateAction>();
  advance(seconds(10));
  finish("V1", candidate(0.3));
  const auto second = only<GenerateAction>();
  EXPECT_NE(first.seed, second.seed);
  advance(seconds(10));
  finish("V1", candidate(0.7));
  const auto action = only<SubmitAction>();
  ASSERT_TRUE(action.candidate);
  EXPECT_EQ(action.candidate->score, 0.7);
}

TEST_F(SchedulerTest, SendsAnUnjudgedCandidateWhenThereIsNoScorer) {
  hold_and_generate();
  Candidate unjudged = candidate(0);
  unjudged.judged = false;
  finish("V1", unjudged);
  EXPECT_TRUE(only<SubmitAction>().candidate);
}

TEST_F(SchedulerTest, ServesTheEarliestThrottleEndFirst) {
  serve(3);
  step();
  scheduler_->on_pull_reply("V1", task("t1", 60), now_);
  scheduler_->on_pull_reply("V2", task("t2", 10), now_);
  scheduler_->on_pull_reply("V3", task("t3", 30), now_);
  EXPECT_EQ(only<GenerateAction>().hotkey, "V2");
  finish("V2", candidate(0.9));
  const auto actions = step();  // the submission of V2 does not occupy the worker
  ASSERT_EQ(actions.size(), 2U);
  EXPECT_EQ(std::get<GenerateAction>(actions[0]).hotkey, "V3");
  EXPECT_EQ(std::get<SubmitAction>(actions[1]).hotkey, "V2");
}

TEST_F(SchedulerTest, NeverHasMoreGenerationsThanWorkers) {
  scheduler_->set_worker_slots(2);
  serve(5);
  step();
  for (int uid = 1; uid <= 5; ++uid) {
    scheduler_->on_pull_reply("V" + std::to_string(uid), task("t" + std::to_string(uid)), now_);
  }
  EXPECT_EQ(step().size(), 2U);
  EXPECT_EQ(scheduler_->queued(), 3);
  EXPECT_EQ(scheduler_->generating(), 2);
}

TEST_F(SchedulerTest, RetriesALostPullAfterOneTwoFourThenEveryFifteenSeconds) {
  serve(1);
  for (const int pause : {1, 2, 4, 15, 15}) {
    only<PullAction>();
    scheduler_->on_pull_failure("V1", refused(), now_);
    EXPECT_EQ(scheduler_->next_due(), now_ + seconds(pause));
    EXPECT_EQ(view("V1").state, State::backing_off);
    advance(seconds(pause));
  }
  EXPECT_EQ(view("V1").ledger.pull_failures, 5);
  EXPECT_THAT(view("V1").ledger.last_error, testing::HasSubstr("connect: refused"));
}

TEST_F(SchedulerTest, LeavesAValidatorOfAnotherProtocolAloneForLonger) {
  serve(1);
  only<PullAction>();
  scheduler_->on_pull_failure("V1", lost(404), now_);
  EXPECT_EQ(scheduler_->next_due(), now_ + Config{}.foreign_backoff);
}

TEST_F(SchedulerTest, ProbesAValidatorThatDoesNotKnowUsInsteadOfWaitingAnHour) {
  serve(1);
  only<PullAction>();
  scheduler_->on_pull_reply("V1", cooldown(3600, 0), now_);
  EXPECT_EQ(scheduler_->next_due(), now_ + Config{}.unregistered_probe);
  EXPECT_EQ(view("V1").ledger.violations, 0);
}

TEST_F(SchedulerTest, ObeysACooldownItDidNotKnow) {
  serve(1);
  only<PullAction>();
  scheduler_->on_pull_reply("V1", cooldown(123), now_);
  EXPECT_EQ(view("V1").state, State::cooling);
  EXPECT_EQ(view("V1").ledger.violations, 1);
  EXPECT_EQ(scheduler_->next_due(), now_ + seconds(123) + Config{}.pull_margin);
}

TEST_F(SchedulerTest, DoesNotHammerAValidatorWhoseCooldownIsAlwaysOver) {
  serve(1);
  only<PullAction>();
  for (const auto pause : {milliseconds(200), milliseconds(1000), milliseconds(2000),
                           milliseconds(4000), milliseconds(15'000)}) {
    scheduler_->on_pull_reply("V1", cooldown(-5), now_);
    EXPECT_EQ(scheduler_->next_due(), now_ + pause);
    advance(pause);
    only<PullAction>();
  }
  EXPECT_THAT(view("V1").ledger.violations, 5);
}

TEST_F(SchedulerTest, SurvivesAbsurdTimesFromAPeer) {
  serve(1);
  only<PullAction>();
  subnet::PullReply absurd = task("t1", INT64_MAX);
  scheduler_->on_pull_reply("V1", absurd, now_);
  only<GenerateAction>();
  finish("V1", candidate(0.8));
  only<SubmitAction>();
  auto reply = feedback(0.9, 0);
  reply.cooldown_until = INT64_MAX;
  scheduler_->on_submit_reply("V1", reply, now_);
  EXPECT_GT(scheduler_->next_due().value(), now_);
}

TEST_F(SchedulerTest, SendsAgainAtOnceWhatNeverArrived) {
  submit_good();
  scheduler_->on_submit_failure("V1", refused(), now_);
  advance(seconds(1));
  EXPECT_TRUE(only<SubmitAction>().candidate) << "no pull is needed: it has seen nothing";
}

TEST_F(SchedulerTest, AfterALostReplyAsksFirstAndResendsTheSameBytes) {
  submit_good();
  scheduler_->on_submit_failure("V1", lost(), now_);
  EXPECT_EQ(scheduler_->next_due(), now_ + seconds(31)) << "the validator's lock has to end first";
  advance(seconds(31));
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  const auto again = only<SubmitAction>();
  ASSERT_TRUE(again.candidate) << "never generated again";
  EXPECT_EQ(*again.candidate->spz, (Bytes{1, 2, 3}));
  EXPECT_EQ(view("V1").ledger.pulled, 1) << "a re-issued task counts once";
}

TEST_F(SchedulerTest, AfterALostReplyACooldownMeansItIsDone) {
  submit_good();
  scheduler_->on_submit_failure("V1", lost(), now_);
  advance(seconds(31));
  only<PullAction>();
  scheduler_->on_pull_reply("V1", cooldown(240), now_);
  EXPECT_EQ(view("V1").ledger.settled, 1);
  EXPECT_EQ(view("V1").ledger.held_task_id, "");
  EXPECT_EQ(view("V1").state, State::cooling);
}

TEST_F(SchedulerTest, AfterALostReplyAnotherTaskMeansItIsDone) {
  submit_good();
  scheduler_->on_submit_failure("V1", lost(), now_);
  advance(seconds(400));
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t2"), now_);
  EXPECT_EQ(view("V1").ledger.settled, 1);
  EXPECT_EQ(only<GenerateAction>().task.id, "t2");
}

TEST_F(SchedulerTest, A403ToASubmissionIsFollowedByAPull) {
  submit_good();
  scheduler_->on_submit_failure("V1", lost(403), now_);
  EXPECT_EQ(scheduler_->next_due(), now_ + seconds(1));
  advance(seconds(1));
  only<PullAction>();
}

TEST_F(SchedulerTest, WaitsOutTheValidationLockWhenNothingWasConsumed) {
  submit_good();
  scheduler_->on_submit_reply("V1", feedback(0, -5), now_);
  EXPECT_EQ(view("V1").ledger.rejected, 0);
  EXPECT_EQ(scheduler_->next_due(), now_ + seconds(31));
}

TEST_F(SchedulerTest, CallsALowScoreRejectedOnlyOnTheFirstSubmission) {
  submit_good();
  scheduler_->on_submit_reply("V1", feedback(0, 900), now_);
  EXPECT_EQ(view("V1").ledger.rejected, 1);
}

TEST_F(SchedulerTest, CallsAZeroOnAResubmissionSettled) {
  submit_good();
  scheduler_->on_submit_failure("V1", lost(), now_);
  advance(seconds(31));
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  only<SubmitAction>();
  scheduler_->on_submit_reply("V1", feedback(0, 200), now_);
  EXPECT_EQ(view("V1").ledger.rejected, 0);
  EXPECT_EQ(view("V1").ledger.settled, 1);
}

TEST_F(SchedulerTest, BlamesTheValidatorForItsBrokenScorer) {
  submit_good();
  auto reply = feedback(0, 300);
  reply.feedback->validation_failed = true;
  scheduler_->on_submit_reply("V1", reply, now_);
  EXPECT_EQ(view("V1").ledger.validator_faults, 1);
  EXPECT_EQ(view("V1").ledger.rejected, 0);
}

TEST_F(SchedulerTest, AnswersEmptyAfterTooManyLostSubmissions) {
  Config config = plain();
  config.max_submit_attempts = 2;
  reset({}, config);
  submit_good();
  for (int attempt = 0; attempt < 2; ++attempt) {
    scheduler_->on_submit_failure("V1", lost(500), now_);
    advance(seconds(31));
    only<PullAction>();
    scheduler_->on_pull_reply("V1", task("t1"), now_);
    const auto action = only<SubmitAction>();
    EXPECT_EQ(action.candidate.has_value(), attempt == 0);
  }
}

TEST_F(SchedulerTest, GivesATaskToAnotherWorkerWhenOneFails) {
  hold_and_generate();
  scheduler_->on_generation_failure(generation_of("V1"), {Errc::peer_failure, "worker 2: closed"},
                                    false, now_);
  EXPECT_EQ(scheduler_->generating(), 0) << "the next one starts at the next step";
  only<GenerateAction>();
  EXPECT_EQ(view("V1").ledger.generation_failures, 1);
}

TEST_F(SchedulerTest, AnswersEmptyAtOnceToATaskThatCannotBeServed) {
  hold_and_generate();
  scheduler_->on_generation_failure(generation_of("V1"), {Errc::invalid_input, "PNG: cut short"},
                                    true, now_);
  EXPECT_THAT(view("V1").reason, testing::HasSubstr("PNG: cut short"));
  EXPECT_FALSE(only<SubmitAction>().candidate);
}

TEST_F(SchedulerTest, AnswersEmptyAfterWorkersFailedTooOften) {
  hold_and_generate();
  const Error crash{Errc::peer_failure, "worker: closed"};
  scheduler_->on_generation_failure(generation_of("V1"), crash, false, now_);
  only<GenerateAction>();
  scheduler_->on_generation_failure(generation_of("V1"), crash, false, now_);
  only<GenerateAction>();
  scheduler_->on_generation_failure(generation_of("V1"), crash, false, now_);
  EXPECT_FALSE(only<SubmitAction>().candidate);
}

TEST_F(SchedulerTest, CarriesOnFromTheJournalAfterARestart) {
  submit_good();
  for (auto& event : scheduler_->take_events()) {
    log_.push_back(event);
  }
  const auto before = view("V1").ledger;
  reset(log_);
  serve(1);
  EXPECT_EQ(view("V1").ledger.pulled, before.pulled);
  scheduler_->restore_candidates("V1", "t1", {{0, candidate(0.8)}});
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  EXPECT_TRUE(only<SubmitAction>().candidate) << "the kept bytes are sent, nothing is made again";
}

TEST_F(SchedulerTest, DoesNotSendAKeptCandidateThatFailed) {
  hold_and_generate();
  step();
  reset(log_);
  serve(1);
  scheduler_->restore_candidates("V1", "t1", {{0, candidate(0.2)}});
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  only<GenerateAction>();
}

TEST_F(SchedulerTest, ForgetsAKeptCandidateWhenTheTaskIsAnother) {
  hold_and_generate();
  step();
  reset(log_);
  serve(1);
  scheduler_->restore_candidates("V1", "t1", {{0, candidate(0.8)}});
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t2"), now_);
  EXPECT_EQ(only<GenerateAction>().task.id, "t2");
}

TEST_F(SchedulerTest, LearnsCooldownsAndRestartsByItsOwnClockWhateverTheValidatorsSays) {
  hold_and_generate();
  const auto lead = std::chrono::minutes(10);  // its clock is ahead
  scheduler_->on_date("V1", now_ + lead, now_, now_, Duration::zero());
  advance(seconds(10));
  finish("V1", candidate(0.8));
  only<SubmitAction>();
  scheduler_->on_submit_reply("V1", feedback(0.9, 600 + 290), now_);
  EXPECT_NEAR(static_cast<double>(view("V1").ledger.cooldown_seconds), 300, 2);
  const Time until = *view("V1").until;
  step();
  reset(log_);
  serve(1);
  EXPECT_GE(*view("V1").until, until) << "not too early";
  EXPECT_LT(*view("V1").until, until + seconds(2));
}

TEST_F(SchedulerTest, PrefersAResultThatCanBeSentToAHigherScoreThatCannot) {
  Config config = plain();
  config.max_candidates = 2;
  reset({}, config);
  hold_and_generate();
  Candidate spoiled = candidate(0.9);
  spoiled.spz = std::make_shared<const Bytes>();  // failed the data checks
  finish("V1", spoiled);
  only<GenerateAction>();
  finish("V1", candidate(0.7));
  const auto action = only<SubmitAction>();
  ASSERT_TRUE(action.candidate);
  EXPECT_EQ(action.candidate->score, 0.7);
}

TEST_F(SchedulerTest, DoesNotPullDuringACooldownKnownFromTheJournal) {
  submit_good();
  scheduler_->on_submit_reply("V1", feedback(0.9, 270), now_);
  step();
  reset(log_);
  serve(1);
  EXPECT_TRUE(step().empty());
  EXPECT_EQ(view("V1").state, State::cooling);
}

TEST_F(SchedulerTest, WhileDrainingSendsWhatIsReadyAndStartsNothingNew) {
  scheduler_->set_worker_slots(1);
  serve(3);
  step();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  scheduler_->on_pull_reply("V2", task("t2"), now_);
  only<GenerateAction>();
  scheduler_->drain();
  EXPECT_FALSE(scheduler_->is_drained()) << "a pull and a generation are under way";
  scheduler_->on_pull_reply("V3", cooldown(0), now_);
  finish("V1", candidate(0.9));
  EXPECT_FALSE(scheduler_->is_drained());
  EXPECT_TRUE(only<SubmitAction>().candidate);
  scheduler_->on_submit_reply("V1", feedback(0.9, 270), now_);
  advance(seconds(400));
  EXPECT_TRUE(step().empty());
  EXPECT_TRUE(scheduler_->is_drained());
}

TEST_F(SchedulerTest, KeepsARowThatLeftTheMetagraphAndSaysSo) {
  serve(2);
  step();
  scheduler_->on_pull_failure("V1", refused(), now_);
  scheduler_->on_pull_failure("V2", refused(), now_);
  serve(1);
  advance(seconds(60));
  EXPECT_EQ(only<PullAction>().hotkey, "V1");
  EXPECT_EQ(view("V2").reason, "left the metagraph");
}

}  // namespace
}  // namespace lode::miner
