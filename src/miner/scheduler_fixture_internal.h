// What the scheduler's tests share: a driver in virtual time that plays validators and workers.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "miner/scheduler.h"

namespace lode::miner {

inline constexpr std::int64_t kStart = 1'757'400'000;
inline constexpr const char* kMe = "ME";

/// Drives one scheduler in virtual time and plays the validators and workers.
class SchedulerTest : public testing::Test {
 protected:
  SchedulerTest() { reset({}); }

  /// One worker, every pull at once and one good candidate a task, unless a test says otherwise.
  static Config plain() {
    Config config;
    config.stagger = Duration::zero();
    config.improves_results = false;
    return config;
  }
  void reset(const std::vector<Event>& history, Config config = plain()) {
    scheduler_ = std::make_unique<Scheduler>(std::move(config), history);
    scheduler_->set_worker_slots(1);
  }

  static chain::Neuron validator(int uid) {
    return {uid, "V" + std::to_string(uid), "10.0.0." + std::to_string(uid), 8091, 5000, true};
  }
  void serve(int count) {
    chain::Metagraph metagraph{17, {}};
    for (int uid = 1; uid <= count; ++uid) {
      metagraph.neurons.push_back(validator(uid));
    }
    scheduler_->set_metagraph(metagraph, kMe, now_);
  }

  /// The due actions; events are collected on the side.
  std::vector<Action> step() {
    auto actions = scheduler_->due(now_);
    for (const auto& action : actions) {
      if (const auto* generate = std::get_if<GenerateAction>(&action)) {
        generations_[generate->hotkey].push_back(generate->generation);
      }
    }
    for (auto& event : scheduler_->take_events()) {
      log_.push_back(std::move(event));
    }
    return actions;
  }
  template <class T>
  T only() {
    const auto actions = step();
    EXPECT_EQ(actions.size(), 1U);
    if (actions.size() != 1 || !std::holds_alternative<T>(actions[0])) {
      ADD_FAILURE() << "another action was expected; state: " << view("V1").reason;
      return T{};
    }
    return std::get<T>(actions[0]);
  }
  /// The oldest unanswered generation of a validator's task.
  std::uint64_t generation_of(const std::string& hotkey) {
    auto& ids = generations_[hotkey];
    EXPECT_FALSE(ids.empty()) << "nothing is being generated for " << hotkey;
    const std::uint64_t id = ids.empty() ? 0 : ids.front();
    ids.erase(ids.begin());
    return id;
  }
  void finish(const std::string& hotkey, Candidate candidate) {
    scheduler_->on_candidate(generation_of(hotkey), std::move(candidate), now_);
  }
  void advance(Duration by) { now_ += by; }
  std::int64_t unix_now() const { return unix_seconds(now_); }

  static subnet::PullReply task(std::string id, std::int64_t throttle = 30) {
    subnet::PullReply reply;
    reply.task = subnet::Task{subnet::Task::Type::text, std::move(id), "a red mug"};
    reply.throttle_period = throttle;
    return reply;
  }
  subnet::PullReply cooldown(std::int64_t for_seconds, std::int64_t violations = 1) const {
    subnet::PullReply reply;
    reply.cooldown_until = unix_now() + for_seconds;
    reply.cooldown_violations = violations;
    return reply;
  }
  subnet::SubmitReply feedback(double score, std::int64_t cooldown_for) const {
    subnet::SubmitReply reply;
    reply.feedback.emplace();
    reply.feedback->task_fidelity_score = score;
    reply.cooldown_until = unix_now() + cooldown_for;
    return reply;
  }
  static Candidate candidate(double score) {
    return {std::make_shared<const Bytes>(Bytes{1, 2, 3}), score, true, "test"};
  }
  ValidatorView view(const std::string& hotkey) const {
    for (auto& view : scheduler_->view()) {
      if (view.neuron.hotkey == hotkey) {
        return view;
      }
    }
    ADD_FAILURE() << "no row " << hotkey;
    return {};
  }
  /// V1 holds task t1 and a worker is on it.
  void hold_and_generate() {
    serve(1);
    only<PullAction>();
    scheduler_->on_pull_reply("V1", task("t1"), now_);
    only<GenerateAction>();
  }
  /// A passing candidate for t1 is being submitted.
  void submit_good() {
    hold_and_generate();
    advance(std::chrono::seconds(10));
    finish("V1", candidate(0.8));
    const auto action = only<SubmitAction>();
    EXPECT_TRUE(action.candidate);
  }
  static CallFailure lost(int status = 0) {
    return {{Errc::peer_failure, "10.0.0.1:8091: reply: closed"}, status, true};
  }
  static CallFailure refused() {
    return {{Errc::peer_failure, "10.0.0.1:8091: connect: refused"}, 0, false};
  }

  std::unique_ptr<Scheduler> scheduler_;
  Time now_ = from_unix_seconds(kStart);
  std::vector<Event> log_;
  std::map<std::string, std::vector<std::uint64_t>> generations_;
};

}  // namespace lode::miner
