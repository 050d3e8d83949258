// The base miner of 404-Repo/three-gen-subnet at 5fc61f1 (neurons/miner/workers.py and
// validator_selector.py): independent workers that share one round-robin selector.
#include <map>

#include "base/assert.h"
#include "simulate/config.h"
#include "simulate/policy.h"

namespace lode::simulate {
namespace {

using std::chrono::seconds;

constexpr Duration kPullTimeout = seconds(12);
constexpr Duration kSubmitTimeout = seconds(300);
constexpr Duration kIdleSleep = seconds(10);
constexpr std::int64_t kFailedValidatorDelay = 300;  ///< also set before each pull
constexpr int kTurnsPerOwnerTurn = 5;

/// ValidatorSelector: local cooldowns in whole seconds, compared with `<` against the whole second
/// of now.
class Selector {
 public:
  Selector(int validators, bool has_owner)
      : cooldowns_(static_cast<std::size_t>(validators), 0), has_owner_(has_owner) {}

  /// The next validator to ask, or nothing; with no owner in the metagraph every fifth turn is
  /// nothing, as written.
  std::optional<int> next(Time now) {
    const std::int64_t second = unix_seconds(now);
    if (is_owners_turn(second)) {
      return has_owner_ ? std::optional<int>(kOwner) : std::nullopt;
    }
    for (std::size_t tried = 0; tried < cooldowns_.size(); ++tried) {
      if (cooldowns_[next_] < second) {
        return static_cast<int>(next_);
      }
      next_ = (next_ + 1) % cooldowns_.size();
    }
    return std::nullopt;
  }
  void set_cooldown(int validator, std::int64_t until) {
    cooldowns_[static_cast<std::size_t>(validator)] = until;
  }

 private:
  static constexpr int kOwner = 0;

  bool is_owners_turn(std::int64_t second) {
    if (has_owner_ && cooldowns_[kOwner] > second) {
      return false;
    }
    if (owner_turn_in_ > 1) {
      --owner_turn_in_;
      return false;
    }
    owner_turn_in_ = kTurnsPerOwnerTurn;
    return true;
  }

  std::vector<std::int64_t> cooldowns_;
  bool has_owner_;
  std::size_t next_ = 0;
  int owner_turn_in_ = kTurnsPerOwnerTurn;
};

/// One worker routine: it does one thing at a time, so calls and generations carry its number.
struct Worker {
  enum class Step { choosing, sleeping, waiting, generate, submit };
  Step step = Step::choosing;
  Time wake_at{};
  int validator = 0;
  std::string task_id;
  std::optional<std::uint64_t> candidate;
};

class BasePolicy final : public Policy {
 public:
  explicit BasePolicy(const Config& config)
      : selector_(config.validators, config.has_owner),
        workers_(static_cast<std::size_t>(config.workers)) {}

  std::string_view name() const override { return to_string(PolicyKind::base); }

  std::vector<Action> due(Time now) override {
    std::vector<Action> actions;
    for (std::size_t i = 0; i < workers_.size(); ++i) {
      if (auto action = step(i, now)) {
        actions.push_back(*std::move(action));
      }
    }
    return actions;
  }

  std::optional<Time> next_due() const override {
    std::optional<Time> next;
    for (const Worker& worker : workers_) {
      if (worker.step == Worker::Step::sleeping && (!next || worker.wake_at < *next)) {
        next = worker.wake_at;
      }
    }
    return next;
  }

  void on_pull_reply(std::uint64_t call, const subnet::PullReply& reply, Time now) override {
    Worker& worker = take(call);
    if (reply.task) {
      worker.task_id = reply.task->id;
      worker.step = Worker::Step::generate;
      return;
    }
    selector_.set_cooldown(worker.validator, reply.cooldown_until == 0
                                                 ? unix_seconds(now) + kFailedValidatorDelay
                                                 : reply.cooldown_until);
    worker.step = Worker::Step::choosing;
  }

  void on_pull_failure(std::uint64_t call, Time now) override { give_up(take(call), now); }

  void on_candidate(std::uint64_t generation, const Candidate& candidate, Time) override {
    Worker& worker = take(generation);
    worker.candidate = candidate.id;
    worker.step = Worker::Step::submit;
  }

  void on_generation_failure(std::uint64_t generation, Time) override {
    Worker& worker = take(generation);
    worker.candidate.reset();  // sent as an empty result
    worker.step = Worker::Step::submit;
  }

  void on_submit_reply(std::uint64_t call, const subnet::SubmitReply& reply, Time) override {
    Worker& worker = take(call);
    selector_.set_cooldown(worker.validator, reply.cooldown_until);
    worker.step = Worker::Step::choosing;
  }

  /// The finished result is thrown away.
  void on_submit_failure(std::uint64_t call, int, Time now) override { give_up(take(call), now); }

 private:
  std::optional<Action> step(std::size_t index, Time now) {
    Worker& worker = workers_[index];
    if (worker.step == Worker::Step::generate) {
      worker.step = Worker::Step::waiting;
      return GenerateAction{hand_out(index), worker.validator, worker.task_id};
    }
    if (worker.step == Worker::Step::submit) {
      worker.step = Worker::Step::waiting;
      return SubmitAction{hand_out(index), worker.validator, worker.task_id, worker.candidate,
                          kSubmitTimeout};
    }
    const bool is_choosing = worker.step == Worker::Step::choosing ||
                             (worker.step == Worker::Step::sleeping && now >= worker.wake_at);
    if (!is_choosing) {
      return std::nullopt;
    }
    const auto validator = selector_.next(now);
    if (!validator) {
      worker.step = Worker::Step::sleeping;
      worker.wake_at = now + kIdleSleep;
      return std::nullopt;
    }
    worker.validator = *validator;
    worker.step = Worker::Step::waiting;
    selector_.set_cooldown(*validator, unix_seconds(now) + kFailedValidatorDelay);
    return PullAction{hand_out(index), *validator, kPullTimeout};
  }

  void give_up(Worker& worker, Time now) {
    selector_.set_cooldown(worker.validator, unix_seconds(now) + kFailedValidatorDelay);
    worker.step = Worker::Step::choosing;
  }

  std::uint64_t hand_out(std::size_t index) {
    const std::uint64_t number = ++last_number_;
    waiting_.emplace(number, index);
    return number;
  }
  Worker& take(std::uint64_t number) {
    const auto node = waiting_.extract(number);
    LODE_ASSERT(!node.empty(), "an answer belongs to a call of ours");
    return workers_[node.mapped()];
  }

  Selector selector_;
  std::vector<Worker> workers_;
  std::map<std::uint64_t, std::size_t> waiting_;  ///< by number of call or generation
  std::uint64_t last_number_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_base_policy(const Config& config) {
  return std::make_unique<BasePolicy>(config);
}

}  // namespace lode::simulate
