// The miner's state for people and programs: the ledger as JSON and as a table.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http_message.h"
#include "miner/scheduler.h"

namespace lode::miner {

/// Running totals of how long something took.
struct Timing {
  std::int64_t count = 0;
  double total_seconds = 0;
  double max_seconds = 0;

  void add(double seconds);
};

/// One worker as people see it.
struct WorkerView {
  std::string name;           ///< "local 1 (127.0.0.1:40001)" or an endpoint
  std::string state;          ///< starting, idle, busy, unhealthy
  std::string reason;         ///< the last failure, or empty
  std::int64_t finished = 0;  ///< tasks
  std::int64_t restarts = 0;  ///< of the local process
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
  std::map<std::string, Timing> stages;  ///< wall time by stage name
};

/// The snapshot as the object that `GET /api/ledger` and `lode validators --json` give.
nlohmann::json to_json(const Snapshot& snapshot);

/// The validators of such an object as a table for a terminal. Missing fields show as "-".
std::string format_table(const nlohmann::json& ledger);

/// The miner's HTTP routes: `GET /api/ledger` and `GET /health`; 404 and 405 otherwise.
HttpResponse answer(const Snapshot& snapshot, const HttpRequest& request);

/// A view made from the journal's ledger alone, for a miner that is not running. `uids` by hotkey.
std::vector<ValidatorView> view_from_ledger(const Ledger& ledger,
                                            const std::map<std::string, int>& uids);

}  // namespace lode::miner
