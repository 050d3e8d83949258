// The workers that make and judge splats: local processes or foreign endpoints.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "miner/worker_choice.h"
#include "miner/worker_endpoint_io.h"
#include "net/endpoint.h"
#include "net/task_group.h"

namespace lode::miner {

/// Where one task is generated and judged.
struct WorkerAddress {
  net::HttpUrl generation;
  std::optional<net::HttpUrl> validation;  ///< none: only the data checks judge
  std::string backend;                     ///< of a local worker; empty for a foreign one
};

struct WorkerPoolConfig {
  std::vector<WorkerEndpoint> endpoints;   ///< foreign generation services; empty: local workers
  std::optional<net::HttpUrl> validation;  ///< judges for foreign endpoints, or instead of ours
  int local_workers = 4;                   ///< tasks at the same time, over all local processes
  /// That share them, each with its part (`--jobs`): of workers whose models fill a machine one
  /// process has one copy. 1..local_workers.
  int local_processes = 4;
  std::filesystem::path binary;  ///< lode-worker
  std::string backend = "sketch";
  std::vector<std::string> worker_arguments;  ///< of `lode-worker serve`, besides
  /// Neural backends load gigabytes of weights before they are ready.
  Duration start_timeout = std::chrono::seconds(180);
  Duration health_interval = std::chrono::seconds(2);
  Duration health_timeout = std::chrono::seconds(10);
  int failures_until_unhealthy = 3;
  CircuitRules circuit;
};

/// Watches the workers and lends them out, as WorkerChoice says. Local ones are started, restarted
/// with growing pauses (0.5 s to 30 s) when they die, stop answering /health or exceed a task's
/// limit, and killed with us. Any HTTP answer to /health counts as life for a foreign endpoint,
/// since the base miner's service has no such route. One thread.
class WorkerPool {
  struct Worker;

 public:
  /// `on_change` is called whenever slots() or the chance of a lease may have changed.
  WorkerPool(boost::asio::any_io_executor executor, WorkerPoolConfig config,
             std::function<void()> on_change);
  ~WorkerPool();

  /// A worker for one task; gives it back when it goes.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    const WorkerAddress& address() const;
    /// How the task ended; neutral when never said. After a failure the worker's health is looked
    /// at at once, and a stuck local process is killed and started again.
    void report(WorkerOutcome outcome) { outcome_ = std::move(outcome); }

   private:
    friend class WorkerPool;
    Lease(WorkerPool& pool, std::shared_ptr<Worker> worker);
    WorkerPool* pool_;
    std::shared_ptr<Worker> worker_;
    WorkerAddress address_;
    Time began_;
    WorkerOutcome outcome_;
  };

  void start();
  std::optional<Lease> acquire();
  /// Tasks under way, and tasks that could be begun now.
  int slots() const;
  std::vector<WorkerView> view() const;
  /// Whether the workers are foreign endpoints; this cannot be changed while the miner runs.
  bool is_foreign() const { return !config_.endpoints.empty(); }
  /// Uses these foreign endpoints from now on; neither they nor the old ones may be none. What
  /// runs at one that is gone still ends.
  void set_endpoints(std::vector<WorkerEndpoint> endpoints, std::optional<net::HttpUrl> validation);
  /// Ends the watching and the local processes.
  boost::asio::awaitable<void> stop();

 private:
  void add(WorkerTraits traits, WorkerAddress address);
  void add_foreign(const WorkerEndpoint& endpoint);
  void watch(const std::shared_ptr<Worker>& worker);
  void give_back(Worker& worker, const WorkerOutcome& outcome);
  boost::asio::awaitable<void> supervise_local(std::shared_ptr<Worker> worker);
  boost::asio::awaitable<Result<void>> start_local(Worker& worker);
  boost::asio::awaitable<void> watch_until_unhealthy(Worker& worker);
  boost::asio::awaitable<void> watch_foreign(std::shared_ptr<Worker> worker);
  boost::asio::awaitable<bool> answers_health(Worker& worker);
  boost::asio::awaitable<void> pause(Worker& worker, Duration wait);
  void set_health(Worker& worker, bool is_healthy, std::string reason);

  boost::asio::any_io_executor executor_;
  WorkerPoolConfig config_;
  std::function<void()> on_change_;
  WorkerChoice choice_;
  SystemClock clock_;
  std::vector<std::shared_ptr<Worker>> workers_;
  bool is_started_ = false;
  net::TaskGroup tasks_;
};

}  // namespace lode::miner
