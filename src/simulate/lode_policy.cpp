// miner::Scheduler as a policy: the code that decides in the miner, fed by the simulation. The only
// file here that knows the scheduler.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/assert.h"
#include "miner/scheduler.h"
#include "simulate/config.h"
#include "simulate/policy.h"

namespace lode::simulate {
namespace {

/// A validator's number is its place in the metagraph.
std::string hotkey_of(int validator) { return fmt::format("V{:04}", validator); }
int validator_of(const std::string& hotkey) { return std::stoi(hotkey.substr(1)); }

chain::Metagraph metagraph_of(int validators) {
  chain::Metagraph metagraph{17, {}};
  for (int i = 0; i < validators; ++i) {
    const std::string ip = fmt::format("10.1.{}.{}", i / 250, 1 + i % 250);
    metagraph.neurons.push_back({i, hotkey_of(i), ip, 8091, 5000, true});
  }
  return metagraph;
}

/// The splat of a candidate that exists in name only: its number in decimal digits.
miner::Candidate as_splat(const Candidate& candidate, bool is_judged) {
  const std::string digits = std::to_string(candidate.id);
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(digits.data());
  return {std::make_shared<const Bytes>(bytes, bytes + digits.size()), candidate.local_score,
          is_judged, "simulated"};
}
std::uint64_t id_of(const miner::Candidate& splat) {
  return std::stoull(std::string(splat.spz->begin(), splat.spz->end()));
}

class LodePolicy final : public Policy {
 public:
  explicit LodePolicy(const Config& config)
      : validators_(config.validators),
        has_scorer_(config.has_scorer),
        pull_timeout_(from_seconds(config.pull_timeout)),
        submit_timeout_(from_seconds(config.submit_timeout)),
        scheduler_(scheduling_of(config), std::vector<miner::Event>{}) {
    scheduler_.set_worker_slots(config.workers);
  }

  std::string_view name() const override { return to_string(PolicyKind::lode); }

  std::vector<Action> due(Time now) override {
    if (!is_started_) {
      is_started_ = true;
      scheduler_.set_metagraph(metagraph_of(validators_), "ME", now);
    }
    std::vector<Action> actions;
    for (const miner::Action& action : scheduler_.due(now)) {
      actions.push_back(std::visit([&](const auto& what) { return translate(what); }, action));
    }
    scheduler_.take_events();  // nobody reads them here
    return actions;
  }

  std::optional<Time> next_due() const override {
    return is_started_ ? scheduler_.next_due() : Time::min();
  }

  void on_pull_reply(std::uint64_t call, const subnet::PullReply& reply, Time now) override {
    scheduler_.on_pull_reply(take(call), reply, now);
  }
  void on_pull_failure(std::uint64_t call, Time now) override {
    scheduler_.on_pull_failure(take(call), no_reply(), now);
  }
  void on_candidate(std::uint64_t generation, const Candidate& candidate, Time now) override {
    scheduler_.on_candidate(generation, as_splat(candidate, has_scorer_), now);
  }
  void on_generation_failure(std::uint64_t generation, Time now) override {
    scheduler_.on_generation_failure(generation, {Errc::internal, "simulated failure"}, false, now);
  }
  void on_generation_cancelled(std::uint64_t generation, Time now) override {
    scheduler_.on_generation_cancelled(generation, now);
  }
  void on_date(int validator, Time date, Time sent, Time received) override {
    scheduler_.on_date(hotkey_of(validator), date, sent, received, received - sent);
  }
  void on_submit_reply(std::uint64_t call, const subnet::SubmitReply& reply, Time now) override {
    scheduler_.on_submit_reply(take(call), reply, now);
  }
  void on_submit_failure(std::uint64_t call, int status, Time now) override {
    miner::CallFailure failure = no_reply();
    failure.status = status;
    scheduler_.on_submit_failure(take(call), failure, now);
  }

 private:
  static miner::Config scheduling_of(const Config& config) {
    miner::Config scheduling;
    scheduling.blacklist.clear();  // the simulation numbers its validators through
    scheduling.improves_results = config.has_extras;
    scheduling.priors.calibration_pairs = config.calibration_pairs;
    return scheduling;
  }
  /// A request that went out and was not answered: whether it arrived is not known.
  static miner::CallFailure no_reply() { return {{Errc::timed_out, "no reply in time"}, 0, true}; }

  Action translate(const miner::PullAction& action) {
    return PullAction{hand_out(action.hotkey), validator_of(action.hotkey), pull_timeout_};
  }
  Action translate(const miner::GenerateAction& action) {
    return GenerateAction{action.generation, validator_of(action.hotkey), action.task.id};
  }
  Action translate(const miner::CancelAction& action) { return CancelAction{action.generation}; }
  Action translate(const miner::SubmitAction& action) {
    std::optional<std::uint64_t> candidate;
    if (action.candidate) {
      candidate = id_of(*action.candidate);
    }
    return SubmitAction{hand_out(action.hotkey), validator_of(action.hotkey), action.task.id,
                        candidate, std::min(action.limit, submit_timeout_)};
  }

  std::uint64_t hand_out(const std::string& hotkey) {
    waiting_.emplace(++last_number_, hotkey);
    return last_number_;
  }
  std::string take(std::uint64_t number) {
    auto node = waiting_.extract(number);
    LODE_ASSERT(!node.empty(), "an answer belongs to a call of ours");
    return std::move(node.mapped());
  }

  int validators_;
  bool is_started_ = false;
  bool has_scorer_;
  Duration pull_timeout_;
  Duration submit_timeout_;  ///< the scheduler's own limit is obeyed when it is shorter
  miner::Scheduler scheduler_;
  std::map<std::uint64_t, std::string> waiting_;  ///< hotkey by number of call
  std::uint64_t last_number_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_lode_policy(const Config& config) {
  return std::make_unique<LodePolicy>(config);
}

}  // namespace lode::simulate
