// A miner's strategy as the simulation drives it: events in, actions out, time passed in.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "subnet/synapse.h"

namespace lode::simulate {

struct Config;

/// A finished candidate: what a miner knows of it.
struct Candidate {
  std::uint64_t id = 0;
  double local_score = 0;
};

/// Ask a validator for its task. Answered by on_pull_reply or, at the latest after `timeout`,
/// on_pull_failure. Policies number their calls; a number is used once.
struct PullAction {
  std::uint64_t call = 0;
  int validator = 0;
  Duration timeout{};
};
/// Occupy a worker, of which one must be free. Answered by on_candidate or on_generation_failure.
/// Policies number their generations likewise.
struct GenerateAction {
  std::uint64_t generation = 0;
  int validator = 0;
  std::string task_id;
};
/// End a generation that is no longer wanted: its worker is free at once. Answered by
/// on_generation_cancelled, or not at all when the generation has ended already.
struct CancelAction {
  std::uint64_t generation = 0;
};
/// Send a candidate, or an empty result. Answered by on_submit_reply or on_submit_failure.
struct SubmitAction {
  std::uint64_t call = 0;
  int validator = 0;
  std::string task_id;
  std::optional<std::uint64_t> candidate;
  Duration timeout{};
};
using Action = std::variant<PullAction, GenerateAction, CancelAction, SubmitAction>;

class Policy {
 public:
  virtual ~Policy() = default;

  virtual std::string_view name() const = 0;
  /// The actions due at `now`, each handed out once.
  virtual std::vector<Action> due(Time now) = 0;
  /// When due() next has something to say if nothing else happens; never a time that due() has
  /// already answered.
  virtual std::optional<Time> next_due() const = 0;

  virtual void on_pull_reply(std::uint64_t call, const subnet::PullReply& reply, Time now) = 0;
  virtual void on_pull_failure(std::uint64_t call, Time now) = 0;
  virtual void on_candidate(std::uint64_t generation, const Candidate& candidate, Time now) = 0;
  virtual void on_generation_failure(std::uint64_t generation, Time now) = 0;
  virtual void on_generation_cancelled(std::uint64_t /*generation*/, Time /*now*/) {}
  virtual void on_submit_reply(std::uint64_t call, const subnet::SubmitReply& reply, Time now) = 0;
  /// `status` is the HTTP status when there was a reply (403: no task assigned), else 0.
  virtual void on_submit_failure(std::uint64_t call, int status, Time now) = 0;
  /// The Date header of a pull's reply, in whole seconds of the validator's clock; comes before the
  /// reply itself.
  virtual void on_date(int /*validator*/, Time /*date*/, Time /*sent*/, Time /*received*/) {}

  /// Tasks that were pulled and thrown away unanswered so far.
  virtual std::int64_t dropped() const { return 0; }
};

enum class PolicyKind {
  base,    ///< the base miner of three-gen-subnet
  poll10,  ///< the Python competitive miner
  lode     ///< miner::Scheduler
};

std::string_view to_string(PolicyKind kind);
/// Errc::invalid_input for another name.
Result<PolicyKind> policy_kind_from(std::string_view name);

std::unique_ptr<Policy> make_policy(PolicyKind kind, const Config& config);

// One factory a policy; see the files of the same names.
std::unique_ptr<Policy> make_base_policy(const Config& config);
std::unique_ptr<Policy> make_poll10_policy(const Config& config);
std::unique_ptr<Policy> make_lode_policy(const Config& config);

}  // namespace lode::simulate
