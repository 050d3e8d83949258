// Made-up miner histories for tests.
#pragma once

#include <string>
#include <vector>

#include "base/rng.h"
#include "miner/event.h"

namespace lode::testing_support {

inline miner::Event make_event(miner::EventKind kind, std::int64_t at_seconds,
                               std::string hotkey = "5Grw", std::string task = "t1") {
  miner::Event event;
  event.at = from_unix_seconds(at_seconds);
  event.hotkey = std::move(hotkey);
  event.kind = kind;
  event.task_id = std::move(task);
  return event;
}

/// A task from its pull to its outcome, as the miner records it.
inline std::vector<miner::Event> make_task(std::int64_t at, const std::string& hotkey,
                                           const std::string& task, miner::EventKind outcome,
                                           double score = 0.8) {
  using Kind = miner::EventKind;
  std::vector<miner::Event> events = {make_event(Kind::pulling, at, hotkey, ""),
                                      make_event(Kind::assigned, at + 1, hotkey, task),
                                      make_event(Kind::generating, at + 2, hotkey, task),
                                      make_event(Kind::candidate_ready, at + 12, hotkey, task),
                                      make_event(Kind::submitting, at + 13, hotkey, task),
                                      make_event(outcome, at + 16, hotkey, task)};
  events[1].threshold = 0.6;
  events[1].throttle_period = 30;
  events[1].detail = "a red mug of " + task;
  events[3].score = score;
  events[5].score = score - 0.1;
  events[5].cooldown_until = at + 301;
  events[5].rating = 1500 + static_cast<double>(at % 100) / 7;
  events[5].reward = 3 * events[5].rating;
  events[5].window_count = 3;
  return events;
}

/// Tasks of several validators with every outcome, failures and cooldowns, about `n_tasks` of them.
inline std::vector<miner::Event> make_history(std::uint64_t seed, int n_tasks,
                                              std::int64_t begin = 1'700'000'000) {
  using Kind = miner::EventKind;
  constexpr Kind kOutcomes[] = {Kind::accepted, Kind::accepted,         Kind::emptied,
                                Kind::rejected, Kind::validator_failed, Kind::settled};
  Rng rng(seed);
  std::vector<miner::Event> events;
  std::int64_t at = begin;
  for (int i = 0; i < n_tasks; ++i) {
    const std::string hotkey = "5V" + std::to_string(rng.below(5));
    at += static_cast<std::int64_t>(rng.below(200));
    auto more = make_task(at, hotkey, "task-" + std::to_string(i), kOutcomes[rng.below(6)],
                          0.5 + 0.5 * rng.uniform());
    if (rng.below(10) == 0) {
      more.resize(4);  // left held
    }
    if (rng.below(7) == 0) {
      auto cooldown = make_event(Kind::cooldown, at + 20, hotkey, "");
      cooldown.violations = 1;
      cooldown.cooldown_until = at + 100;
      more.push_back(cooldown);
      more.push_back(make_event(Kind::pull_failed, at + 21, hotkey, ""));
      more.back().detail = "connection refused, \"quoted\"\n";
    }
    events.insert(events.end(), more.begin(), more.end());
  }
  return events;
}

}  // namespace lode::testing_support
