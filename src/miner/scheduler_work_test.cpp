// How the scheduler plans candidates: extra ones, retries, order under pressure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "miner/scheduler_fixture_internal.h"

namespace lode::miner {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class WorkTest : public SchedulerTest {
 protected:
  static Config improving() {
    Config config = plain();
    config.improves_results = true;
    return config;
  }
  /// Outcomes of `count` earlier tasks at another validator: ten seconds a candidate, two to submit
  /// and be validated, scores around 0.8. So nothing rests on priors.
  static std::vector<Event> experience(int count = 60) {
    std::vector<Event> events;
    for (int i = 0; i < count; ++i) {
      Event event;
      event.at = from_unix_seconds(kStart - 100'000 + i * 300);
      event.hotkey = "OLD";
      event.task_id = "old" + std::to_string(i);
      event.kind = EventKind::assigned;
      event.task_type = "text";
      event.threshold = 0.6;
      event.throttle_period = 30;
      events.push_back(event);
      event.kind = EventKind::candidate_ready;
      event.judged = true;
      event.score = i % 2 == 0 ? 0.7 : 0.9;
      event.seconds = 10;
      events.push_back(event);
      event.kind = EventKind::submitting;
      events.push_back(event);
      event.kind = EventKind::accepted;
      event.seconds = 2;
      event.cooldown_until = unix_seconds(event.at) + 300;
      event.rating = 1500;
      events.push_back(event);
    }
    return events;
  }
  void pull_all(int count) {
    step();
    for (int uid = 1; uid <= count; ++uid) {
      const std::string n = std::to_string(uid);
      if (view("V" + n).state == State::pulling) {
        scheduler_->on_pull_reply("V" + n, task("t" + n), now_);
      }
    }
  }
  template <class T>
  static std::vector<T> all(const std::vector<Action>& actions) {
    std::vector<T> found;
    for (const auto& action : actions) {
      if (const auto* match = std::get_if<T>(&action)) {
        found.push_back(*match);
      }
    }
    return found;
  }
};

TEST_F(WorkTest, SpareWorkersMakeMoreCandidatesOfOneTaskAtOnce) {
  reset(experience(), improving());
  scheduler_->set_worker_slots(3);
  serve(1);
  pull_all(1);
  const auto generations = all<GenerateAction>(step());
  ASSERT_EQ(generations.size(), 3U);
  EXPECT_EQ(generations[2].attempt, 2);
  EXPECT_NE(generations[0].seed, generations[1].seed);
}

TEST_F(WorkTest, MakesOneCandidateUntilItIsKnownThatAScorerSpeaks) {
  reset({}, improving());
  scheduler_->set_worker_slots(3);
  serve(1);
  pull_all(1);
  EXPECT_EQ(all<GenerateAction>(step()).size(), 1U) << "unjudged candidates cannot be compared";
}

TEST_F(WorkTest, SendsTheBestOfSeveralCandidates) {
  Config config = improving();
  config.max_candidates = 3;
  reset(experience(), config);
  scheduler_->set_worker_slots(3);
  serve(1);
  pull_all(1);
  step();
  advance(seconds(10));
  finish("V1", candidate(0.75));
  EXPECT_TRUE(all<SubmitAction>(step()).empty()) << "two more are about to be ready";
  finish("V1", candidate(0.88));
  finish("V1", candidate(0.7));
  const auto sent = all<SubmitAction>(step());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent[0].candidate->score, 0.88);
}

TEST_F(WorkTest, ALuckyCandidateEndsTheTaskAndFreesTheWorkers) {
  reset(experience(), improving());
  scheduler_->set_worker_slots(2);
  serve(1);
  pull_all(1);
  ASSERT_EQ(all<GenerateAction>(step()).size(), 2U);
  advance(seconds(26));
  finish("V1", candidate(0.99));
  const auto actions = step();
  EXPECT_EQ(all<SubmitAction>(actions).size(), 1U);
  const auto cancelled = all<CancelAction>(actions);
  ASSERT_EQ(cancelled.size(), 1U);
  EXPECT_EQ(scheduler_->generating(), 1) << "its worker is busy until it answers";
  scheduler_->on_generation_cancelled(generation_of("V1"), now_);
  EXPECT_EQ(scheduler_->generating(), 0);
}

TEST_F(WorkTest, ACandidateThatComesAfterTheDecisionChangesNothing) {
  reset(experience(), improving());
  scheduler_->set_worker_slots(2);
  serve(1);
  pull_all(1);
  step();
  advance(seconds(26));
  finish("V1", candidate(0.99));
  step();
  finish("V1", candidate(0.995));  // it was faster than its cancellation
  EXPECT_TRUE(step().empty());
  EXPECT_EQ(view("V1").state, State::submitting);
}

TEST_F(WorkTest, DoesNotWaitForeverForACandidateThatHangs) {
  reset(experience(), improving());
  scheduler_->set_worker_slots(2);
  serve(1);
  pull_all(1);
  step();
  advance(seconds(10));
  finish("V1", candidate(0.8));
  EXPECT_TRUE(all<SubmitAction>(step()).empty());
  for (int i = 0; i < 30 && view("V1").state == State::generating; ++i) {
    ASSERT_TRUE(scheduler_->next_due()) << "nothing would wake it";
    now_ = std::max(now_, *scheduler_->next_due());
    step();
  }
  EXPECT_EQ(view("V1").state, State::submitting);
  EXPECT_LT(now_ - from_unix_seconds(kStart), seconds(45));
}

TEST_F(WorkTest, ATaskWhoseWorkerHangsIsMadeByAnIdleOne) {
  reset(experience());
  scheduler_->set_worker_slots(2);
  serve(1);
  pull_all(1);
  ASSERT_EQ(all<GenerateAction>(step()).size(), 1U);
  EXPECT_EQ(scheduler_->next_due(), now_ + seconds(20)) << "twice the usual ten seconds";
  advance(milliseconds(19'999));
  EXPECT_TRUE(step().empty());
  advance(milliseconds(1));
  const auto hedge = all<GenerateAction>(step());
  ASSERT_EQ(hedge.size(), 1U);
  EXPECT_EQ(hedge[0].attempt, 1);
  EXPECT_THAT(log_, testing::Contains(
                        testing::Field(&Event::detail,
                                       "another worker: the last candidate is not ready after "
                                       "20.0 s, 10.7 s are usual")));
  EXPECT_THAT(view("V1").reason, testing::StartsWith("instead of an overdue one"));
  EXPECT_FALSE(scheduler_->next_due()) << "no third worker is there";
  advance(seconds(10));
  scheduler_->on_candidate(hedge[0].generation, candidate(0.8), now_);
  const auto actions = step();
  EXPECT_EQ(all<SubmitAction>(actions).size(), 1U);
  EXPECT_EQ(all<CancelAction>(actions).size(), 1U) << "of the one that hangs";
}

TEST_F(WorkTest, AnotherWorkerTakesATaskOnlyWhenTheLastOneIsOverdueToo) {
  reset(experience());
  scheduler_->set_worker_slots(3);
  serve(1);
  pull_all(1);
  step();
  advance(seconds(20));
  ASSERT_EQ(all<GenerateAction>(step()).size(), 1U);
  advance(seconds(19));
  EXPECT_TRUE(step().empty());
  advance(seconds(1));
  EXPECT_EQ(all<GenerateAction>(step()).size(), 1U);
}

TEST_F(WorkTest, BeforeItIsKnownHowLongCandidatesTakeThreeTimesTheExpectedTimeIsOverdue) {
  reset({});
  scheduler_->set_worker_slots(2);
  serve(1);
  pull_all(1);
  step();
  EXPECT_EQ(scheduler_->next_due(), now_ + 3 * Priors{}.generation);
}

TEST_F(WorkTest, AnOverdueTaskWaitsWhileNoWorkerIsIdleOrTheMinerDrains) {
  reset(experience());
  serve(1);
  pull_all(1);
  step();
  EXPECT_FALSE(scheduler_->next_due()) << "it would wake for nothing";
  advance(seconds(30));
  EXPECT_TRUE(step().empty());
  scheduler_->set_worker_slots(2);
  scheduler_->drain();
  EXPECT_TRUE(step().empty());
}

TEST_F(WorkTest, AWaitingTaskDoesNotTakeTheWorkerThatStandsInForOneThatHangs) {
  reset(experience());
  scheduler_->set_worker_slots(2);
  serve(2);
  step();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  scheduler_->on_pull_reply("V2", cooldown(20), now_);
  step();
  advance(seconds(20) + Config{}.pull_margin);
  ASSERT_EQ(all<GenerateAction>(step()).size(), 1U);
  scheduler_->on_pull_reply("V2", task("t2", 13), now_);
  EXPECT_TRUE(step().empty()) << "V1's task has no other worker that can be counted on";
}

TEST_F(WorkTest, LeavesWorkersFreeForTasksThatAreAboutToCome) {
  reset(experience(), improving());
  scheduler_->set_worker_slots(2);
  serve(2);
  step();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  scheduler_->on_pull_reply("V2", cooldown(1), now_);
  EXPECT_EQ(all<GenerateAction>(step()).size(), 2U)
      << "V2's task can wait for a worker without being late";
  advance(seconds(1) + Config{}.pull_margin);
  step();
  auto hurried = task("t2", 13);  // 13 s: only a start within a second is in time
  scheduler_->on_pull_reply("V2", hurried, now_);
  EXPECT_EQ(all<CancelAction>(step()).size(), 1U) << "the spare candidate gives way";
  scheduler_->on_generation_cancelled(generations_["V1"].back(), now_);
  const auto next = all<GenerateAction>(step());
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].hotkey, "V2");
}

TEST_F(WorkTest, RetriesAFailedCandidateWhileTheChanceIsWorthTheOverrun) {
  reset(experience());
  serve(1);
  pull_all(1);
  step();
  advance(seconds(25));
  finish("V1", candidate(0.3));
  EXPECT_EQ(all<GenerateAction>(step()).size(), 1U) << "7 s of overrun for two chances in three";
  advance(seconds(10));
  finish("V1", candidate(0.3));
  EXPECT_THAT(view("V1").reason, testing::HasSubstr("scored 0.300"));
}

TEST_F(WorkTest, GivesUpAtATaskThatNoCandidateCanPassAndSaysWhy) {
  reset(experience());
  serve(1);
  pull_all(1);
  for (int made = 0; made < Config{}.max_candidates; ++made) {
    if (all<GenerateAction>(step()).empty()) {
      break;
    }
    advance(seconds(10));
    finish("V1", candidate(0.2));
  }
  step();
  EXPECT_EQ(view("V1").state, State::submitting);
  const auto decided = std::find_if(log_.rbegin(), log_.rend(), [](const Event& event) {
    return event.kind == EventKind::decided;
  });
  ASSERT_NE(decided, log_.rend());
  EXPECT_THAT(decided->detail,
              testing::AllOf(testing::HasSubstr("candidates: best score 0.200, 0.6"),
                             testing::HasSubstr("needed (0.600 + 0.0")));
}

TEST_F(WorkTest, ADiscardedCandidateIsJournalledAsSuchAndNeverSent) {
  Config config = plain();
  config.max_candidates = 2;
  reset(experience(), config);
  serve(1);
  pull_all(1);
  ASSERT_EQ(all<GenerateAction>(step()).size(), 1U);
  Candidate discarded = candidate(0.75);  // foretold to pass, but not to be the best
  discarded.is_discarded = true;
  finish("V1", discarded);
  EXPECT_THAT(view("V1").reason, testing::HasSubstr("was given up, foretold 0.750"));
  ASSERT_EQ(all<GenerateAction>(step()).size(), 1U) << "another one is made";
  const auto event = std::find_if(log_.begin(), log_.end(),
                                  [](const Event& e) { return e.kind == EventKind::discarded; });
  ASSERT_NE(event, log_.end());
  EXPECT_EQ(event->score, 0.75);
  EXPECT_EQ(event->attempt, 0);
  finish("V1", candidate(0.7));
  const auto sent = all<SubmitAction>(step());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.front().candidate->score, 0.7) << "the one that was judged to the end";
}

TEST_F(WorkTest, CalibrationIgnoresDiscardedCandidates) {
  Experience with, without;
  for (const Event& event : experience()) {
    with.apply(event);
    without.apply(event);
    if (event.kind == EventKind::candidate_ready) {
      Event discarded = event;
      discarded.kind = EventKind::discarded;
      discarded.score = 0.1;
      with.apply(discarded);
    }
  }
  EXPECT_EQ(with.acceptance_probability("OLD", 0.65, 0.6),
            without.acceptance_probability("OLD", 0.65, 0.6));
  EXPECT_LT(with.scores("text").mean(), without.scores("text").mean())
      << "what is foretold says something of what the workers make";
}

TEST_F(WorkTest, TheFloorIsWhatIsNeededOrTheBestSoFar) {
  Config config = plain();
  config.improves_results = true;
  reset(experience(), config);
  scheduler_->set_worker_slots(3);
  serve(1);
  pull_all(1);
  const auto started = all<GenerateAction>(step());
  ASSERT_GE(started.size(), 2U);
  const double needed = view("V1").margin.needed();
  EXPECT_GE(needed, 0.6);
  EXPECT_LT(needed, 0.65);
  EXPECT_EQ(scheduler_->floor_of(started[1].generation), needed);
  finish("V1", candidate(0.3));
  EXPECT_EQ(scheduler_->floor_of(started[1].generation), needed) << "a bad one raises nothing";
  finish("V1", candidate(0.82));
  step();
  if (started.size() > 2 && scheduler_->floor_of(started[2].generation)) {
    EXPECT_EQ(*scheduler_->floor_of(started[2].generation), 0.82);
  }
  EXPECT_FALSE(scheduler_->floor_of(started[0].generation)) << "it was answered";
  EXPECT_FALSE(scheduler_->floor_of(12345)) << "nobody knows it";
}

TEST_F(WorkTest, DoesNotSendAResultThatIsTooCloseToTheThresholdForAScorerThatErrs) {
  auto history = experience();
  for (Event& event : history) {  // their scores scatter by 0.1 around ours
    if (event.kind == EventKind::accepted) {
      event.score += event.score > 0.8 ? 0.1 : -0.1;
    }
  }
  Config config = plain();
  config.max_candidates = 1;
  reset(history, config);
  serve(1);
  pull_all(1);
  step();
  finish("V1", candidate(0.62));
  const auto sent = all<SubmitAction>(step());
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_FALSE(sent[0].candidate) << "it would be rejected in two of five cases, for 600 s each";
}

TEST_F(WorkTest, AmongLateTasksTheShortestGoesFirst) {
  auto history = experience();
  for (const Event& text : experience()) {
    Event image = text;
    image.hotkey = "OTHER";
    image.task_type = image.task_type.empty() ? "" : "image";
    if (image.kind == EventKind::candidate_ready) {
      image.seconds = 3;
    }
    history.push_back(image);
  }
  reset(history);
  scheduler_->set_worker_slots(0);
  serve(2);
  step();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  subnet::PullReply picture = task("t2");
  picture.task->type = subnet::Task::Type::image;
  advance(seconds(1));
  scheduler_->on_pull_reply("V2", picture, now_);
  advance(seconds(60));
  scheduler_->set_worker_slots(1);
  const auto next = all<GenerateAction>(step());
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].hotkey, "V2");
}

TEST_F(WorkTest, LargerValidatorsComeFirstWhenWorkersAreScarce) {
  auto history = experience();
  for (Event& event : history) {
    event.seconds = event.kind == EventKind::candidate_ready ? 200 : event.seconds;
  }
  reset(history);
  chain::Metagraph metagraph{17, {}};
  for (int uid = 1; uid <= 6; ++uid) {
    metagraph.neurons.push_back(validator(uid));
    metagraph.neurons.back().stake = uid == 6 ? 90'000 : 5000;
  }
  scheduler_->set_metagraph(metagraph, kMe, now_);
  scheduler_->set_worker_slots(0);
  pull_all(5);
  advance(seconds(2));
  scheduler_->on_pull_reply("V6", task("t6"), now_);
  scheduler_->set_worker_slots(1);
  const auto next = all<GenerateAction>(step());
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].hotkey, "V6") << "though its task came last";
}

TEST_F(WorkTest, EqualValidatorsAreServedInTurnHoweverScarceWorkersAre) {
  auto history = experience();
  for (Event& event : history) {
    event.seconds = event.kind == EventKind::candidate_ready ? 200 : event.seconds;
  }
  reset(history);
  serve(6);
  scheduler_->set_worker_slots(0);
  step();
  for (int uid = 6; uid >= 1; --uid) {
    const std::string n = std::to_string(uid);
    scheduler_->on_pull_reply("V" + n, task("t" + n), now_);
    advance(seconds(1));
  }
  scheduler_->set_worker_slots(1);
  const auto next = all<GenerateAction>(step());
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].hotkey, "V6") << "its deadline is the earliest";
}

TEST_F(WorkTest, SpreadsTheFirstPullsLargestStakeFirst) {
  Config config = plain();
  config.stagger = seconds(60);
  reset({}, config);
  chain::Metagraph metagraph{17, {}};
  for (int uid = 1; uid <= 4; ++uid) {
    metagraph.neurons.push_back(validator(uid));
    metagraph.neurons.back().stake = 2000 * uid;
  }
  scheduler_->set_metagraph(metagraph, kMe, now_);
  EXPECT_EQ(only<PullAction>().hotkey, "V4");
  EXPECT_EQ(view("V3").state, State::starting);
  EXPECT_EQ(scheduler_->next_due(), now_ + seconds(15));
  advance(seconds(15));
  EXPECT_EQ(only<PullAction>().hotkey, "V3");
}

TEST_F(WorkTest, SpreadsTheStartOverTwoThrottleWindowsAtMost) {
  Config config = plain();
  config.stagger = seconds(60);
  reset({}, config);
  serve(4);
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t1", 2), now_);
  only<GenerateAction>();
  EXPECT_EQ(view("V2").until, now_ + seconds(1));
}

TEST_F(WorkTest, KnownCooldownsKeepTheirPlaceAtAStart) {
  Event past;
  past.at = now_ - seconds(100);
  past.hotkey = "V2";
  past.kind = EventKind::accepted;
  past.cooldown_until = kStart + 7;
  Config config = plain();
  config.stagger = seconds(60);
  reset({past}, config);
  serve(3);
  step();
  EXPECT_EQ(view("V2").state, State::cooling);
  EXPECT_EQ(view("V2").until, from_unix_seconds(kStart + 7) + config.pull_margin);
}

TEST_F(WorkTest, PullsByTheValidatorsClock) {
  serve(1);
  only<PullAction>();
  // Its clock is 5 s behind ours, told to within its second.
  scheduler_->on_date("V1", now_ - seconds(5), now_, now_, Duration::zero());
  subnet::PullReply reply = cooldown(100);
  scheduler_->on_pull_reply("V1", reply, now_);
  const Time end = from_unix_seconds(reply.cooldown_until);
  EXPECT_EQ(view("V1").until, end + seconds(5) + Config{}.pull_margin);
}

TEST_F(WorkTest, ResumesWithEveryKeptCandidateAndMakesTheNextOne) {
  reset(experience(), improving());
  serve(1);
  pull_all(1);
  step();
  auto history = experience();
  history.insert(history.end(), log_.begin(), log_.end());
  reset(history, plain());
  serve(1);
  scheduler_->restore_candidates("V1", "t1", {{0, candidate(0.2)}, {1, candidate(0.3)}});
  only<PullAction>();
  scheduler_->on_pull_reply("V1", task("t1"), now_);
  EXPECT_EQ(only<GenerateAction>().attempt, 2) << "what failed before is not made again";
}

TEST_F(WorkTest, KeepsATrailOfWhatWasDecided) {
  submit_good();
  scheduler_->on_submit_reply("V1", feedback(0.9, 270), now_);
  std::vector<std::string> reasons;
  for (const auto& entry : scheduler_->trail("V1")) {
    reasons.push_back(std::string(to_string(entry.state)) + ": " + entry.reason);
  }
  EXPECT_THAT(reasons, testing::Contains("pulling: asking for a task"));
  EXPECT_THAT(reasons, testing::Contains("ready: result ready, score 0.800"));
  EXPECT_THAT(reasons, testing::Contains("cooling: accepted with 0.900"));
  EXPECT_TRUE(scheduler_->trail("nobody").empty());
}

TEST_F(WorkTest, HeldBackByTheJournalItSendsResultsButPullsNothing) {
  hold_and_generate();
  scheduler_->hold("the disk is full");
  finish("V1", candidate(0.8));
  EXPECT_TRUE(only<SubmitAction>().candidate);
  scheduler_->on_submit_reply("V1", feedback(0.9, 270), now_);
  advance(seconds(300));
  EXPECT_TRUE(step().empty());
  EXPECT_THAT(view("V1").reason, testing::HasSubstr("the disk is full"));
  scheduler_->hold("");
  only<PullAction>();
}

}  // namespace
}  // namespace lode::miner
