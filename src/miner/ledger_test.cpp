#include "miner/ledger.h"

#include <gtest/gtest.h>

namespace lode::miner {
namespace {

Event event(EventKind kind, std::string task = "t1") {
  Event e;
  e.at = from_unix_seconds(1000);
  e.hotkey = "V";
  e.kind = kind;
  e.task_id = std::move(task);
  e.threshold = 0.6;
  e.throttle_period = 30;
  return e;
}

TEST(Ledger, CountsAReissuedTaskOnce) {
  Ledger ledger;
  ledger.apply(event(EventKind::assigned));
  ledger.apply(event(EventKind::assigned));
  EXPECT_EQ(ledger.row("V").pulled, 1);
  ledger.apply(event(EventKind::settled));
  ledger.apply(event(EventKind::assigned, "t2"));
  EXPECT_EQ(ledger.row("V").pulled, 2);
}

TEST(Ledger, HoldsTheTaskUntilAnOutcome) {
  for (const EventKind outcome : {EventKind::accepted, EventKind::emptied, EventKind::rejected,
                                  EventKind::validator_failed, EventKind::settled}) {
    Ledger ledger;
    ledger.apply(event(EventKind::assigned));
    ledger.apply(event(EventKind::candidate_ready));
    ledger.apply(event(EventKind::submitting));
    ledger.apply(event(EventKind::submit_failed));
    EXPECT_EQ(ledger.row("V").held_task_id, "t1");
    EXPECT_EQ(ledger.row("V").submit_attempts, 1);
    Event end = event(outcome);
    end.cooldown_until = 1300;
    ledger.apply(end);
    EXPECT_EQ(ledger.row("V").held_task_id, "") << to_string(outcome);
    EXPECT_EQ(ledger.row("V").submit_attempts, 0);
    EXPECT_EQ(ledger.row("V").cooldown_until, 1300);
  }
}

TEST(Ledger, AveragesTheScoresOfAcceptedResults) {
  Ledger ledger;
  Event a = event(EventKind::accepted), b = event(EventKind::accepted);
  a.score = 0.7;
  b.score = 0.9;
  EXPECT_EQ(ledger.row("V").mean_score(), 0);
  ledger.apply(a);
  ledger.apply(b);
  EXPECT_DOUBLE_EQ(ledger.row("V").mean_score(), 0.8);
}

TEST(Ledger, CountsAViolationOnlyWhenTheValidatorSaysSo) {
  Ledger ledger;
  Event polite = event(EventKind::cooldown), early = event(EventKind::cooldown);
  early.violations = 3;
  ledger.apply(polite);
  ledger.apply(early);
  EXPECT_EQ(ledger.row("V").violations, 1);
}

TEST(Ledger, RemembersTheLastErrorWithItsTime) {
  Ledger ledger;
  Event failed = event(EventKind::pull_failed);
  failed.detail = "10.0.0.1:8091: connect: refused";
  ledger.apply(failed);
  EXPECT_EQ(ledger.row("V").last_error, failed.detail);
  EXPECT_EQ(ledger.row("V").last_error_at, failed.at);
}

}  // namespace
}  // namespace lode::miner
