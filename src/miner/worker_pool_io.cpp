#include "miner/worker_pool_io.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "net/child_process.h"
#include "net/http_client.h"

namespace lode::miner {

namespace asio = boost::asio;

namespace {

net::ChildSpec child_spec(const WorkerPoolConfig& config) {
  return {
      config.binary,
      {"serve", "--listen", "127.0.0.1:0", "--backend", config.backend, "--log.level", "warning"},
      {},
      config.start_timeout};
}

/// Where a local worker says it listens.
Result<net::Endpoint> endpoint_of(const net::ChildProcess& process) {
  const auto json = nlohmann::json::parse(process.ready_line(), nullptr, false);
  if (!json.is_object() || !json.contains("listen") || !json["listen"].is_string()) {
    return fail(Errc::peer_failure, "its first line is no ready message");
  }
  return net::parse_endpoint(json["listen"].get_ref<const std::string&>());
}

}  // namespace

struct WorkerPool::Worker {
  explicit Worker(const asio::any_io_executor& executor) : wake(executor) {}

  std::string name;
  WorkerAddress address;
  bool healthy = false;
  bool busy = false;
  std::string reason = "starting";
  std::int64_t finished = 0;
  std::int64_t restarts = 0;
  std::optional<net::ChildProcess> process;
  asio::steady_timer wake;  ///< cancelled to look at the worker's health at once
};

// ---- leases ------------------------------------------------------------------------------------

WorkerPool::Lease::Lease(WorkerPool& pool, std::size_t index) : pool_(&pool), index_(index) {
  pool.workers_[index]->busy = true;
}

WorkerPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      index_(other.index_),
      succeeded_(other.succeeded_) {}

WorkerPool::Lease::~Lease() {
  if (pool_ == nullptr) {
    return;
  }
  Worker& worker = *pool_->workers_[index_];
  worker.busy = false;
  worker.finished += succeeded_ ? 1 : 0;
  pool_->on_change_();
}

const WorkerAddress& WorkerPool::Lease::address() const { return pool_->workers_[index_]->address; }

void WorkerPool::Lease::report_failure(const std::string& reason) {
  succeeded_ = false;
  Worker& worker = *pool_->workers_[index_];
  worker.reason = reason;
  worker.wake.cancel();
}

// ---- pool --------------------------------------------------------------------------------------

WorkerPool::WorkerPool(asio::any_io_executor executor, WorkerPoolConfig config,
                       std::function<void()> on_change)
    : executor_(executor),
      config_(std::move(config)),
      on_change_(std::move(on_change)),
      tasks_(executor, [](const std::string& name, const std::string& why) {
        spdlog::error("{}: {}", name, why);
      }) {
  const bool local = config_.endpoints.empty();
  const std::size_t count =
      local ? static_cast<std::size_t>(config_.local_workers) : config_.endpoints.size();
  for (std::size_t i = 0; i < count; ++i) {
    auto worker = std::make_unique<Worker>(executor_);
    if (local) {
      worker->name = "local " + std::to_string(i + 1);
    } else {
      worker->address = {config_.endpoints[i], config_.validation, {}};
      worker->name = config_.endpoints[i].endpoint.to_string();
    }
    workers_.push_back(std::move(worker));
  }
}

WorkerPool::~WorkerPool() = default;

void WorkerPool::start() {
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    tasks_.spawn("worker " + workers_[i]->name,
                 config_.endpoints.empty() ? supervise_local(i) : watch_foreign(i));
  }
}

std::optional<WorkerPool::Lease> WorkerPool::acquire() {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    const Worker& worker = *workers_[i];
    if (worker.healthy && !worker.busy && (!best || worker.finished < workers_[*best]->finished)) {
      best = i;
    }
  }
  if (!best) {
    return std::nullopt;
  }
  return Lease(*this, *best);
}

int WorkerPool::slots() const {
  return static_cast<int>(std::count_if(workers_.begin(), workers_.end(),
                                        [](const auto& worker) { return worker->healthy; }));
}

std::vector<WorkerView> WorkerPool::view() const {
  std::vector<WorkerView> views;
  for (const auto& worker : workers_) {
    const char* state = !worker->healthy ? "unhealthy" : worker->busy ? "busy" : "idle";
    views.push_back({worker->name, state, worker->reason, worker->finished, worker->restarts});
  }
  return views;
}

asio::awaitable<void> WorkerPool::stop() {
  tasks_.cancel();
  co_await tasks_.join();
  for (auto& worker : workers_) {
    worker->process.reset();
  }
}

void WorkerPool::set_health(std::size_t index, bool healthy, std::string reason) {
  Worker& worker = *workers_[index];
  if (worker.healthy != healthy) {
    if (healthy) {
      spdlog::info("worker {} is up at {}", worker.name,
                   worker.address.generation.endpoint.to_string());
    } else {
      spdlog::warn("worker {} is down: {}", worker.name, reason);
    }
  }
  worker.healthy = healthy;
  worker.reason = std::move(reason);
  on_change_();
}

asio::awaitable<void> WorkerPool::pause(std::size_t index, Duration wait) {
  auto& timer = workers_[index]->wake;
  timer.expires_after(wait);
  boost::system::error_code ec;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  // The timer is also cancelled to wake us; only the group's cancellation ends the task.
  if (tasks_.is_cancelled()) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

asio::awaitable<bool> WorkerPool::answers_health(std::size_t index) {
  HttpRequest request{"GET", "/health", {}, {}, {}, 0};
  net::Endpoint peer = workers_[index]->address.generation.endpoint;
  const net::FetchLimits limits{.connect_timeout = config_.health_timeout,
                                .total_timeout = config_.health_timeout};
  const net::Exchange exchange = co_await net::fetch(std::move(peer), std::move(request), limits);
  co_return exchange.response.has_value();
}

asio::awaitable<void> WorkerPool::watch_until_unhealthy(std::size_t index) {
  Worker& worker = *workers_[index];
  int failures = 0;
  while (failures < config_.failures_until_unhealthy) {
    co_await pause(index, config_.health_interval);
    if (worker.process && !worker.process->is_running()) {
      set_health(index, false, "the process ended");
      co_return;
    }
    const bool is_alive = co_await answers_health(index);
    failures = is_alive ? 0 : failures + 1;
  }
  set_health(index, false, "no answer to /health");
}

asio::awaitable<void> WorkerPool::supervise_local(std::size_t index) {
  constexpr Duration kFirstPause = std::chrono::milliseconds(500);
  constexpr Duration kLongestPause = std::chrono::seconds(30);
  constexpr auto kLongEnough = std::chrono::minutes(5);
  Worker& worker = *workers_[index];
  Duration wait = kFirstPause;
  for (;; ++worker.restarts) {
    const auto started = co_await start_local(index);
    if (started) {
      set_health(index, true, "");
      const auto since = std::chrono::steady_clock::now();
      co_await watch_until_unhealthy(index);
      if (std::chrono::steady_clock::now() - since > kLongEnough) {
        wait = kFirstPause;
      }
    } else {
      spdlog::warn("worker {} does not start: {}", worker.name, started.error().message());
      set_health(index, false, started.error().message());
    }
    worker.process.reset();
    co_await pause(index, wait);
    wait = std::min(wait * 2, kLongestPause);
  }
}

asio::awaitable<Result<void>> WorkerPool::start_local(std::size_t index) {
  Worker& worker = *workers_[index];
  net::ChildSpec spec = child_spec(config_);
  auto process = co_await net::ChildProcess::start(std::move(spec));
  if (!process) {
    co_return process.error();
  }
  const auto endpoint = endpoint_of(*process);
  if (!endpoint) {
    co_return endpoint.error();
  }
  const net::HttpUrl url{*endpoint, "/"};
  worker.address = {url, config_.validation ? config_.validation : url, config_.backend};
  worker.process.emplace(*std::move(process));
  co_return Result<void>();
}

asio::awaitable<void> WorkerPool::watch_foreign(std::size_t index) {
  for (;;) {
    const bool is_alive = co_await answers_health(index);
    if (is_alive) {
      set_health(index, true, "");
      co_await watch_until_unhealthy(index);
    } else {
      set_health(index, false, "no answer to /health");
    }
    co_await pause(index, config_.health_interval);
  }
}

}  // namespace lode::miner
