// The loop that obeys the scheduler: sockets, journal and workers around the decisions.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "chain/keypair.h"
#include "chain/weight_hints.h"
#include "miner/artifacts_io.h"
#include "miner/event_ring.h"
#include "miner/journal.h"
#include "miner/recorder.h"
#include "miner/scheduler.h"
#include "miner/status.h"
#include "miner/worker_pool_io.h"
#include "net/http_client.h"
#include "net/task_group.h"
#include "subnet/dendrite.h"

namespace lode::miner {

struct MinerConfig {
  Config scheduling;
  Retention retention;
  std::filesystem::path artifacts;      ///< accepted results are kept here; empty: nowhere
  std::string external_ip = "0.0.0.0";  ///< what requests claim as our address; informational
  Duration drain_timeout = std::chrono::seconds(60);
  /// The scheduler's own limit on a submission is obeyed when it is shorter.
  Duration submit_timeout = from_seconds(subnet::kSubmitTimeoutSeconds);
  Duration pull_timeout = from_seconds(subnet::kPullTimeoutSeconds);
  std::size_t largest_spz = kMaxArtifactBytes;  ///< of a candidate; a larger one is not sent
};

/// Runs until drain() is called and everything under way has ended. One thread; CPU-heavy steps
/// run on a pool of their own. While the disk is full finished results are sent and nothing new is
/// begun. Any other machine failure (a broken journal, no memory) leaves run() as an exception;
/// whoever starts the process again finds everything in the journal.
class Miner {
 public:
  /// Journal, signer and pool must outlive the miner. Errors of the journal's content are returned
  /// by load().
  Miner(boost::asio::any_io_executor executor, MinerConfig config, const chain::Signer& hotkey,
        Journal& journal, WorkerPool& workers);
  ~Miner();

  /// Takes the journal's history and the first metagraph; call once, before run().
  Result<void> load(const chain::Metagraph& metagraph);
  void set_metagraph(const chain::Metagraph& metagraph);
  /// What is shown beside the validators; nothing else follows from it.
  void set_hints(const std::vector<chain::WeightHint>& hints) { hints_ = hints; }
  void set_blacklist(std::vector<BlacklistEntry> blacklist);
  void set_min_stake(double min_stake);
  void set_drain_timeout(Duration timeout) { config_.drain_timeout = timeout; }

  boost::asio::awaitable<void> run();
  /// Look again at what is due: workers changed, say.
  void wake();
  /// No new work; run() ends when what is under way has ended, or after the drain timeout.
  void drain();

  Snapshot snapshot() const;
  /// As Scheduler::trail().
  std::vector<TrailEntry> trail(const std::string& hotkey) const;
  /// What went to the journal since the start.
  const EventRing& events() const { return events_; }

 private:
  struct Address {
    net::Endpoint endpoint;
    int uid = 0;
  };
  void start(Action action);
  void journal_events();
  void prune(Time now);
  boost::asio::awaitable<void> keep_picture(const subnet::Task& task);
  boost::asio::awaitable<bool> keep_bytes(const Candidate& candidate);
  boost::asio::awaitable<void> pull(PullAction action);
  boost::asio::awaitable<void> generate(GenerateAction action, WorkerPool::Lease lease);
  boost::asio::awaitable<void> submit(SubmitAction action);
  boost::asio::awaitable<void> keep_result(KeptResult result, std::shared_ptr<const Bytes> spz);
  subnet::Terminals terminals(const std::string& hotkey) const;
  void restore_candidates();
  void note_date(const std::string& hotkey, const net::Exchange& exchange, Time sent);
  void note_stage(const std::string& stage, double seconds);

  MinerConfig config_;
  const chain::Signer& hotkey_;
  Journal& journal_;
  Recorder recorder_;
  EventRing events_;
  Time next_prune_{};
  WorkerPool& workers_;
  SystemClock clock_;
  std::unique_ptr<Scheduler> scheduler_;
  std::map<std::string, Address> addresses_;
  std::map<std::string, Timing> stages_;
  std::set<std::string> restored_;  ///< validators whose kept candidates were looked for
  std::vector<chain::WeightHint> hints_;
  bool is_skew_reported_ = false;
  boost::asio::steady_timer wake_;
  boost::asio::thread_pool cpu_{1};
  net::TaskGroup calls_;
  std::map<std::uint64_t, net::TaskGroup::Id> generations_;  ///< running ones, to cancel them
  std::optional<Time> drain_deadline_;
  std::optional<std::string> fatal_;  ///< a call threw: its validator's row cannot be trusted
};

}  // namespace lode::miner
