// The miner's state for people and programs: the ledger as JSON and as a table.
#pragma once

#include <array>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http_message.h"
#include "miner/scheduler.h"
#include "miner/worker_choice.h"

namespace lode::miner {

/// Running totals of how long something took, and how often it took how long.
struct Timing {
  /// Upper bounds of the buckets, seconds: from a timer's resolution to a stuck worker.
  static constexpr std::array<double, 18> kBounds{
      0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200};
  std::int64_t count = 0;
  double total_seconds = 0;
  double max_seconds = 0;
  /// How many were at most as long as each bound and longer than the one before; the last: longer
  /// than all.
  std::array<std::int64_t, kBounds.size() + 1> buckets{};

  void add(double seconds);
};

/// Where the metagraph comes from and how fresh it is.
struct ChainView {
  std::string source;  ///< a network and its node, or a file
  bool is_connected = false;
  std::string runtime;               ///< of the node
  std::uint64_t head = 0;            ///< newest block heard of
  std::uint64_t block = 0;           ///< of the metagraph in use
  std::optional<Time> read_at;       ///< of the metagraph in use
  bool is_from_earlier_run = false;  ///< no node has answered since the start
  double read_seconds = 0;           ///< how long reading it took
  std::uint64_t read_bytes = 0;
  std::optional<int> uid;  ///< our own
  std::string advice;      ///< when we are not registered
  std::string error;       ///< why the last reading failed
};

/// Everything the status page needs, at one moment.
struct Snapshot {
  Time at{};
  std::string hotkey;
  std::vector<ValidatorView> validators;
  std::vector<WorkerView> workers;
  int queued = 0;
  int generating = 0;
  std::optional<ChainView> chain;
  std::optional<Duration> clock_skew;  ///< validators' clocks minus ours
  std::string clock_warning;
  std::map<std::string, Timing> stages;        ///< wall time by stage name
  std::optional<std::uint64_t> journal_bytes;  ///< size of the journal's file
};

/// The snapshot as the object that `GET /api/ledger` and `lode validators --json` give.
nlohmann::json to_json(const Snapshot& snapshot);

/// The validators of such an object as a table for a terminal. Missing fields show as "-".
std::string format_table(const nlohmann::json& ledger);

/// The miner's HTTP routes that need no more than this: `GET /api/ledger`, `GET /metrics` and
/// `GET /health`; 404 and 405 otherwise.
HttpResponse answer(const Snapshot& snapshot, const HttpRequest& request);

/// A view made from the journal's ledger alone, for a miner that is not running. `uids` by hotkey.
std::vector<ValidatorView> view_from_ledger(const Ledger& ledger,
                                            const std::map<std::string, int>& uids);

/// `{uid, hotkey, trail: [{at, state, reason}]}`; `uid` is null where it is not known.
nlohmann::json trail_json(std::optional<int> uid, const std::string& hotkey,
                          const std::vector<TrailEntry>& trail);
/// Such an object for a terminal: one line a decision, times as UTC.
std::string format_trail(const nlohmann::json& trail);
/// What the journalled events of `hotkey` say of the decisions about it, oldest first.
std::vector<TrailEntry> trail_from_events(const std::vector<Event>& events,
                                          const std::string& hotkey);

/// An event as one JSON object; fields that it does not use are left out.
nlohmann::json event_json(const Event& event);

}  // namespace lode::miner
