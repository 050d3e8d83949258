// lode-worker serve: GenerationService behind a socket.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <nlohmann/json.hpp>

#include "lode_worker/commands.h"
#include "lode_worker/job_queue.h"
#include "lode_worker/judge_flags.h"
#include "net/http_server.h"
#include "service/generation_service.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;

struct ServeOptions {
  std::string listen = "127.0.0.1:8093";
  std::string backend = "sketch";
  int max_queue = 16;
  JudgeFlags judge;
};

/// Sends quick routes to the service at once and jobs to the one job thread. A client that hangs up
/// no longer wants its job.
class WorkerHandler final : public net::HttpHandler {
 public:
  WorkerHandler(asio::any_io_executor executor, service::GenerationService& service, int max_queue)
      : service_(service), max_queue_(max_queue), jobs_(std::move(executor)) {}

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

  /// Asks the running job to end and waits for its thread.
  void stop() { jobs_.stop(); }

 private:
  service::GenerationService& service_;
  int max_queue_;
  JobQueue jobs_;
};

int serve(const ServeOptions& options) {
  const auto where = net::parse_endpoint(options.listen);
  if (!where) {
    return cli::report(where.error());
  }
  auto backend = pipeline::make_backend(options.backend);
  if (!backend) {
    return cli::report(backend.error());
  }
  auto judge = open_judge(options.judge);
  if (!judge) {
    return cli::report(judge.error());
  }
  service::GenerationService service(*std::move(backend), *std::move(judge));
  asio::io_context context(1);
  WorkerHandler handler(context.get_executor(), service, options.max_queue);
  net::HttpServer server(
      context.get_executor(), handler, {.body_bytes = service::kMaxRequestBytes},
      [](const std::string& name, const std::string& why) { spdlog::error("{}: {}", name, why); });
  const auto bound = server.listen(*where);
  if (!bound) {
    return cli::report(bound.error());
  }
  cli::print_json({{"listen", bound->to_string()}, {"backend", options.backend}});
  spdlog::info("serving backend '{}' on {}", options.backend, bound->to_string());
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
      ->capture_default_str();
  command->add_option("--backend", options->backend, "What makes the splats: sketch")
      ->capture_default_str();
  command->add_option("--max-queue", options->max_queue, "Jobs waiting before 503 is answered")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  add_judge_flags(*command, options->judge);
  command->callback([options, &chosen] { chosen = [options] { return serve(*options); }; });
}

}  // namespace lode::commands
