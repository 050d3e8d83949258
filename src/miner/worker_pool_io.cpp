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

net::ChildSpec child_spec(const WorkerPoolConfig& config, int jobs) {
  std::vector<std::string> arguments{"serve",     "--listen",     "127.0.0.1:0",
                                     "--backend", config.backend, "--log.level",
                                     "warning",   "--jobs",       std::to_string(jobs)};
  arguments.insert(arguments.end(), config.worker_arguments.begin(), config.worker_arguments.end());
  return {config.binary, std::move(arguments), {}, config.start_timeout};
}

/// The tasks of the i-th local process at the same time.
int jobs_of(const WorkerPoolConfig& config, int i) {
  const int left_over = config.local_workers % config.local_processes;
  return config.local_workers / config.local_processes + (i < left_over ? 1 : 0);
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

  WorkerChoice::Id id = 0;
  std::string name;
  WorkerAddress address;
  int jobs = 1;  ///< of a local process
  std::optional<net::ChildProcess> process;
  std::string must_restart;  ///< why the local process is to be killed, or empty
  asio::steady_timer wake;   ///< cancelled to look at the worker's health at once
  net::TaskGroup::Id watcher = 0;
  bool is_removed = false;
};

// ---- leases ------------------------------------------------------------------------------------

WorkerPool::Lease::Lease(WorkerPool& pool, std::shared_ptr<Worker> worker)
    : pool_(&pool),
      worker_(std::move(worker)),
      address_(worker_->address),
      began_(pool.clock_.now()) {}

WorkerPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      worker_(std::move(other.worker_)),
      address_(std::move(other.address_)),
      began_(other.began_),
      outcome_(std::move(other.outcome_)) {}

WorkerPool::Lease::~Lease() {
  if (pool_ != nullptr) {
    outcome_.began = began_;
    pool_->give_back(*worker_, outcome_);
  }
}

const WorkerAddress& WorkerPool::Lease::address() const { return address_; }

// ---- pool --------------------------------------------------------------------------------------

WorkerPool::WorkerPool(asio::any_io_executor executor, WorkerPoolConfig config,
                       std::function<void()> on_change)
    : executor_(executor),
      config_(std::move(config)),
      on_change_(std::move(on_change)),
      choice_(config_.circuit),
      tasks_(executor, [](const std::string& name, const std::string& why) {
        spdlog::error("{}: {}", name, why);
      }) {
  for (const WorkerEndpoint& endpoint : config_.endpoints) {
    add_foreign(endpoint);
  }
  if (!is_foreign()) {
    LODE_ASSERT(config_.local_processes >= 1 && config_.local_processes <= config_.local_workers,
                "every local process has a task to do");
    for (int i = 0; i < config_.local_processes; ++i) {
      add({"local " + std::to_string(i + 1), 1, jobs_of(config_, i)}, {});
    }
  }
}

WorkerPool::~WorkerPool() = default;

void WorkerPool::add(WorkerTraits traits, WorkerAddress address) {
  auto worker = std::make_shared<Worker>(executor_);
  worker->name = traits.name;
  worker->address = std::move(address);
  worker->jobs = traits.concurrency;
  worker->id = choice_.add(std::move(traits));
  workers_.push_back(std::move(worker));
}

void WorkerPool::add_foreign(const WorkerEndpoint& endpoint) {
  add({endpoint.generation.endpoint.to_string(), endpoint.weight, endpoint.concurrency},
      {endpoint.generation, endpoint.validation ? endpoint.validation : config_.validation});
}

void WorkerPool::watch(const std::shared_ptr<Worker>& worker) {
  worker->watcher = tasks_.spawn("worker " + worker->name,
                                 is_foreign() ? watch_foreign(worker) : supervise_local(worker));
}

void WorkerPool::start() {
  is_started_ = true;
  for (const auto& worker : workers_) {
    watch(worker);
  }
}

std::optional<WorkerPool::Lease> WorkerPool::acquire() {
  const auto id = choice_.begin(clock_.now());
  if (!id) {
    return std::nullopt;
  }
  const auto found = std::find_if(workers_.begin(), workers_.end(),
                                  [&](const auto& worker) { return worker->id == *id; });
  return Lease(*this, *found);
}

void WorkerPool::give_back(Worker& worker, const WorkerOutcome& outcome) {
  const Time now = clock_.now();
  choice_.end(worker.id, outcome, now);
  using Kind = WorkerOutcome::Kind;
  if (outcome.kind == Kind::failed || outcome.kind == Kind::stuck) {
    if (outcome.kind == Kind::stuck && worker.process) {
      worker.must_restart = "stuck: " + outcome.reason;
    }
    worker.wake.cancel();
    if (!worker.is_removed && choice_.view(worker.id, now).state == "open") {
      spdlog::warn("worker {} is left alone for a while: {}", worker.name, outcome.reason);
    }
  }
  on_change_();
}

int WorkerPool::slots() const { return choice_.slots(clock_.now()); }

std::vector<WorkerView> WorkerPool::view() const {
  std::vector<WorkerView> views;
  for (const auto& worker : workers_) {
    views.push_back(choice_.view(worker->id, clock_.now()));
  }
  return views;
}

void WorkerPool::set_endpoints(std::vector<WorkerEndpoint> endpoints,
                               std::optional<net::HttpUrl> validation) {
  LODE_ASSERT(is_foreign() && !endpoints.empty(), "foreign workers stay foreign");
  config_.endpoints = std::move(endpoints);
  config_.validation = std::move(validation);
  std::vector<std::shared_ptr<Worker>> old = std::exchange(workers_, {});
  for (const WorkerEndpoint& endpoint : config_.endpoints) {
    const auto known = std::find_if(old.begin(), old.end(), [&](const auto& worker) {
      return worker->address.generation == endpoint.generation;
    });
    if (known == old.end()) {
      add_foreign(endpoint);
      if (is_started_) {
        watch(workers_.back());
      }
      continue;
    }
    (*known)->address.validation = endpoint.validation ? endpoint.validation : config_.validation;
    choice_.change((*known)->id, {(*known)->name, endpoint.weight, endpoint.concurrency});
    workers_.push_back(*known);
    old.erase(known);
  }
  for (const auto& worker : old) {
    worker->is_removed = true;
    choice_.remove(worker->id);
    tasks_.cancel(worker->watcher);
  }
  on_change_();
}

asio::awaitable<void> WorkerPool::stop() {
  tasks_.cancel();
  co_await tasks_.join();
  for (auto& worker : workers_) {
    worker->process.reset();
  }
}

void WorkerPool::set_health(Worker& worker, bool is_healthy, std::string reason) {
  if (choice_.is_healthy(worker.id) != is_healthy) {
    if (is_healthy) {
      spdlog::info("worker {} is up at {}", worker.name,
                   worker.address.generation.endpoint.to_string());
    } else {
      spdlog::warn("worker {} is down: {}", worker.name, reason);
    }
  }
  choice_.set_health(worker.id, is_healthy, std::move(reason));
  on_change_();
}

asio::awaitable<void> WorkerPool::pause(Worker& worker, Duration wait) {
  worker.wake.expires_after(wait);
  boost::system::error_code ec;
  co_await worker.wake.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  // The timer is also cancelled to wake us; only the pool's end or the worker's ends the task.
  if (tasks_.is_cancelled() || worker.is_removed) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
}

asio::awaitable<bool> WorkerPool::answers_health(Worker& worker) {
  HttpRequest request{"GET", "/health", {}, {}, {}, 0};
  net::Endpoint peer = worker.address.generation.endpoint;
  const net::FetchLimits limits{.connect_timeout = config_.health_timeout,
                                .total_timeout = config_.health_timeout};
  const net::Exchange exchange = co_await net::fetch(std::move(peer), std::move(request), limits);
  if (worker.is_removed) {
    throw boost::system::system_error(asio::error::operation_aborted);
  }
  co_return exchange.response.has_value();
}

asio::awaitable<void> WorkerPool::watch_until_unhealthy(Worker& worker) {
  int failures = 0;
  while (failures < config_.failures_until_unhealthy) {
    co_await pause(worker, config_.health_interval);
    if (worker.process && !worker.process->is_running()) {
      set_health(worker, false, "the process ended");
      co_return;
    }
    if (!worker.must_restart.empty()) {
      set_health(worker, false, std::exchange(worker.must_restart, {}));
      co_return;
    }
    const bool is_alive = co_await answers_health(worker);
    failures = is_alive ? 0 : failures + 1;
  }
  set_health(worker, false, "no answer to /health");
}

asio::awaitable<void> WorkerPool::supervise_local(std::shared_ptr<Worker> worker) {
  constexpr Duration kFirstPause = std::chrono::milliseconds(500);
  constexpr Duration kLongestPause = std::chrono::seconds(30);
  constexpr auto kLongEnough = std::chrono::minutes(5);
  Duration wait = kFirstPause;
  for (;; choice_.count_restart(worker->id)) {
    const auto started = co_await start_local(*worker);
    if (started) {
      set_health(*worker, true, "");
      const auto since = std::chrono::steady_clock::now();
      co_await watch_until_unhealthy(*worker);
      if (std::chrono::steady_clock::now() - since > kLongEnough) {
        wait = kFirstPause;
      }
    } else {
      spdlog::warn("worker {} does not start: {}", worker->name, started.error().message());
      set_health(*worker, false, started.error().message());
    }
    worker->process.reset();
    co_await pause(*worker, wait);
    wait = std::min(wait * 2, kLongestPause);
  }
}

asio::awaitable<Result<void>> WorkerPool::start_local(Worker& worker) {
  net::ChildSpec spec = child_spec(config_, worker.jobs);
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
  worker.must_restart.clear();
  worker.process.emplace(*std::move(process));
  co_return Result<void>();
}

asio::awaitable<void> WorkerPool::watch_foreign(std::shared_ptr<Worker> worker) {
  for (;;) {
    const bool is_alive = co_await answers_health(*worker);
    if (is_alive) {
      set_health(*worker, true, "");
      co_await watch_until_unhealthy(*worker);
    } else {
      set_health(*worker, false, "no answer to /health");
    }
    co_await pause(*worker, config_.health_interval);
  }
}

}  // namespace lode::miner
