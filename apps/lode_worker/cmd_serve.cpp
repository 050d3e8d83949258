// lode-worker serve: GenerationService behind a socket.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "lode_worker/commands.h"
#include "lode_worker/job_queue.h"
#include "lode_worker/stage_setup.h"
#include "net/http_server.h"
#include "service/generation_service.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;

struct ServeOptions {
  std::string listen = "127.0.0.1:8093";
  int max_queue = 16;
  WorkerSettings worker;
};

/// Sends quick routes to the service at once and jobs to the job threads. A client that hangs up
/// no longer wants its job.
class WorkerHandler final : public net::HttpHandler {
 public:
  WorkerHandler(asio::any_io_executor executor, service::GenerationService& service,
                const ServeOptions& options)
      : service_(service),
        max_queue_(options.max_queue),
        jobs_(std::move(executor), options.worker.jobs) {}

  bool stops_when_client_leaves() const override { return true; }

  std::optional<HttpResponse> on_head(const HttpRequest& request) override {
    if (service::GenerationService::route_kind(request) == service::RouteKind::job &&
        jobs_.queued() + jobs_.running() >= max_queue_) {
      HttpResponse busy =
          make_response(503, "application/json", R"({"detail":"the job queue is full"})");
      busy.headers.add("retry-after", "5");
      return busy;
    }
    return std::nullopt;
  }

  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    if (service::GenerationService::route_kind(request) != service::RouteKind::job) {
      co_return service_.answer_quick(request, jobs_.queued(), jobs_.running());
    }
    JobQueue::Work work = [this, request = std::move(request)](std::stop_token stop) {
      return service_.run_job(request, std::move(stop));
    };
    co_return co_await jobs_.run(std::move(work));
  }

  /// Asks the running jobs to end and waits for their threads.
  void stop() { jobs_.stop(); }

 private:
  service::GenerationService& service_;
  int max_queue_;
  JobQueue jobs_;
};

/// The backend and the critic, which share their stages.
Result<std::unique_ptr<service::GenerationService>> open_service(const WorkerSettings& settings) {
  const pipeline::StageRegistry registry = stage_registry(settings);
  const pipeline::StageChoice choice = stage_choice(settings);
  const auto keeper = make_keeper(settings);
  if (runs_networks(choice)) {
    set_up_linear_algebra(settings.judge.network);
  }
  std::unique_ptr<pipeline::Backend> backend;
  std::shared_ptr<pipeline::Critic> critic;
  if (settings.backend == "chain") {
    LODE_TRY(pipeline::ChainStages stages, pipeline::open_stages(registry, choice));
    critic = stages.critic;
    backend = std::make_unique<pipeline::ChainBackend>(std::move(stages), chain_options(settings),
                                                       keeper);
  } else {
    LODE_TRY(backend, pipeline::make_backend(settings.backend));
    LODE_TRY(critic, registry.critics.make(choice.critic));
  }
  return std::make_unique<service::GenerationService>(
      std::move(backend), pipeline::make_shared_critic(std::move(critic), keeper));
}

int serve(const ServeOptions& options) {
  const auto where = net::parse_endpoint(options.listen);
  if (!where) {
    return cli::report(where.error());
  }
  const auto service = open_service(options.worker);
  if (!service) {
    return cli::report(service.error());
  }
  asio::io_context context(1);
  WorkerHandler handler(context.get_executor(), **service, options);
  net::HttpServer server(
      context.get_executor(), handler, {.body_bytes = service::kMaxRequestBytes},
      [](const std::string& name, const std::string& why) { spdlog::error("{}: {}", name, why); });
  const auto bound = server.listen(*where);
  if (!bound) {
    return cli::report(bound.error());
  }
  cli::print_json({{"listen", bound->to_string()}, {"backend", options.worker.backend}});
  spdlog::info("serving {} on {}", (*service)->description(), bound->to_string());
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& ec, int) {
    if (!ec) {
      server.close();
    }
  });
  context.run();
  handler.stop();
  return cli::kDone;
}

}  // namespace

void add_serve(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand("serve", "Serve generation and validation over HTTP");
  command->add_option("--listen", options->listen, "HOST:PORT to listen on; port 0 picks one")
      ->capture_default_str()
      ->configurable(false);
  const SettingNames name{.are_keys = true};
  command->add_option(name("max_queue"), options->max_queue, "Jobs waiting before 503 is answered")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_service_settings(*command, options->worker, name);
  add_worker_settings(*command, options->worker, name);
  command->configurable();
  command->callback([options, &chosen] { chosen = [options] { return serve(*options); }; });
}

}  // namespace lode::commands
