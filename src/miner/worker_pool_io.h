// The workers that make and judge splats: local processes or foreign endpoints.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "miner/status.h"
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
  std::vector<net::HttpUrl> endpoints;     ///< foreign generation services; empty: local workers
  std::optional<net::HttpUrl> validation;  ///< judges for foreign endpoints, or instead of ours
  int local_workers = 4;
  std::filesystem::path binary;  ///< lode-worker
  std::string backend = "sketch";
  /// Neural backends load gigabytes of weights before they are ready.
  Duration start_timeout = std::chrono::seconds(180);
  Duration health_interval = std::chrono::seconds(2);
  Duration health_timeout = std::chrono::seconds(10);
  int failures_until_unhealthy = 3;
};

/// Watches the workers and lends them out one task at a time. Local ones are started, restarted
/// with growing pauses (0.5 s to 30 s) when they die or stop answering /health, and killed with
/// us. Any HTTP answer to /health counts as life for a foreign endpoint, since the base miner's
/// service has no such route. One thread.
class WorkerPool {
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
    /// The task failed at this worker: have its health looked at now.
    void report_failure(const std::string& reason);

   private:
    friend class WorkerPool;
    Lease(WorkerPool& pool, std::size_t index);
    WorkerPool* pool_;
    std::size_t index_;
    bool succeeded_ = true;
  };

  void start();
  /// An idle healthy worker, the one with the fewest finished tasks.
  std::optional<Lease> acquire();
  /// Healthy workers, idle or busy.
  int slots() const;
  std::vector<WorkerView> view() const;
  /// Ends the watching and the local processes.
  boost::asio::awaitable<void> stop();

 private:
  struct Worker;
  boost::asio::awaitable<void> supervise_local(std::size_t index);
  boost::asio::awaitable<Result<void>> start_local(std::size_t index);
  boost::asio::awaitable<void> watch_until_unhealthy(std::size_t index);
  boost::asio::awaitable<void> watch_foreign(std::size_t index);
  boost::asio::awaitable<bool> answers_health(std::size_t index);
  boost::asio::awaitable<void> pause(std::size_t index, Duration wait);
  void set_health(std::size_t index, bool healthy, std::string reason);

  boost::asio::any_io_executor executor_;
  WorkerPoolConfig config_;
  std::function<void()> on_change_;
  std::vector<std::unique_ptr<Worker>> workers_;
  net::TaskGroup tasks_;
};

}  // namespace lode::miner
