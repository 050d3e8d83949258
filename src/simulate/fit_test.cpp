#include "simulate/fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

namespace lode::simulate {
namespace {

using miner::Event;
using miner::EventKind;

/// A journal of one validator, written as the miner writes it.
class FitTest : public testing::Test {
 protected:
  void add(EventKind kind, double after_seconds, double score = 0) {
    now_ += from_seconds(after_seconds);
    Event event;
    event.at = now_;
    event.hotkey = "V";
    event.kind = kind;
    event.task_id = "t" + std::to_string(task_);
    event.score = score;
    event.threshold = 0.6;
    events_.push_back(std::move(event));
  }
  /// A task as it goes well: 0.5 s to pull, `generation` to make, 3 s to submit.
  void good_task(double generation, double local_score, double true_score) {
    ++task_;
    add(EventKind::pulling, 200);
    add(EventKind::assigned, 0.5);
    add(EventKind::generating, 7);  // a wait for a worker is no part of the generation
    add(EventKind::candidate_ready, generation, local_score);
    add(EventKind::submitting, 0);
    add(EventKind::accepted, 3, true_score);
  }
  std::map<std::string, FittedValue> fit() const {
    std::map<std::string, FittedValue> by_name;
    for (const FittedValue& value : fit_events(events_)) {
      by_name[value.name] = value;
    }
    return by_name;
  }

  std::vector<Event> events_;
  Time now_ = from_unix_seconds(1'757'400'000);
  int task_ = 0;
};

TEST_F(FitTest, AnEmptyOrShortJournalTellsNothing) {
  EXPECT_TRUE(fit().empty());
  for (int i = 0; i < kMinSamples - 1; ++i) {
    good_task(20, 0.8, 0.8);
  }
  EXPECT_TRUE(fit().empty());
}

TEST_F(FitTest, TimesAreFromIntentToReply) {
  for (int i = 0; i < 20; ++i) {
    good_task(i % 2 == 0 ? 10 : 40, 0.8, 0.7);
  }
  const auto fitted = fit();
  EXPECT_NEAR(fitted.at("pull-seconds").value, 0.5, 1e-6);
  EXPECT_NEAR(fitted.at("submit-seconds").value, 3, 1e-6);
  EXPECT_NEAR(fitted.at("latency-spread").value, 0, 1e-6);
  // The logarithms' mean is ln 20, their deviation 0.7112 (ln 2 with n - 1).
  EXPECT_NEAR(fitted.at("generation-seconds").value, 20 * std::exp(0.7112 * 0.7112 / 2), 0.05);
  EXPECT_NEAR(fitted.at("spread").value, std::sqrt(std::expm1(0.7112 * 0.7112)), 0.01);
  EXPECT_EQ(fitted.at("generation-seconds").samples, 20);
  EXPECT_EQ(fitted.at("fault-pulls").value, 0);
  EXPECT_EQ(fitted.at("reject-rate").value, 0);
}

TEST_F(FitTest, RecordedSecondsGoBeforeIntents) {
  for (int i = 0; i < 10; ++i) {
    good_task(20, 0.8, 0.8);
    events_[events_.size() - 3].seconds = 12;  // candidate_ready
  }
  EXPECT_NEAR(fit().at("generation-seconds").value, 12, 1e-6);
}

TEST_F(FitTest, FailuresAreSharesOfTheirCalls) {
  for (int i = 0; i < 18; ++i) {
    good_task(20, 0.8, 0.8);
  }
  for (int i = 0; i < 2; ++i) {
    add(EventKind::pulling, 200);
    add(EventKind::pull_failed, 12);
    add(EventKind::generating, 1);
    add(EventKind::generation_failed, 5);
  }
  add(EventKind::submitting, 1);
  add(EventKind::submit_failed, 60);  // found to be done: its reply was lost
  add(EventKind::settled, 40);
  add(EventKind::submitting, 1);
  add(EventKind::submit_failed, 60);
  const auto fitted = fit();
  EXPECT_NEAR(fitted.at("fault-pulls").value, 0.1, 1e-9);
  EXPECT_NEAR(fitted.at("generation-failures").value, 0.1, 1e-9);
  EXPECT_NEAR(fitted.at("fault-submits").value, 0.05, 1e-9);
  EXPECT_NEAR(fitted.at("fault-replies").value, 0.05, 1e-9);
}

TEST_F(FitTest, BadCandidatesAreThoseThatWeOrAValidatorFound) {
  for (int i = 0; i < 10; ++i) {
    good_task(20, 0.7 + 0.02 * i, 0.65 + 0.02 * i);
  }
  for (int i = 0; i < 9; ++i) {  // seen, and tried again
    add(EventKind::generating, 1);
    add(EventKind::candidate_ready, 20, 0.4);
  }
  ++task_;
  add(EventKind::generating, 1);
  add(EventKind::candidate_ready, 20, 0.7);
  add(EventKind::submitting, 0);
  add(EventKind::rejected, 3);
  const auto fitted = fit();
  EXPECT_NEAR(fitted.at("reject-rate").value, 0.5, 1e-9);
  EXPECT_NEAR(fitted.at("scorer-recall").value, 0.9, 1e-9);
  EXPECT_NEAR(fitted.at("score-mean").value, 0.74, 1e-9);
  EXPECT_NEAR(fitted.at("score-spread").value, 0.0606, 1e-3);
  EXPECT_NEAR(fitted.at("scorer-error").value, 0, 1e-9) << "always 0.05 above is no error of it";
}

}  // namespace
}  // namespace lode::simulate
