// lode-worker serve: GenerationService behind a socket.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <nlohmann/json.hpp>

#include "lode_worker/commands.h"
#include "net/http_server.h"
#include "service/generation_service.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;

struct ServeOptions {
  std::string listen = "127.0.0.1:8093";
  std::string backend = "sketch";
  int max_queue = 16;
};

/// Sends quick routes to the service at once and jobs to the one job thread.
class WorkerHandler final : public net::HttpHandler {
 public:
  WorkerHandler(service::GenerationService& service, int max_queue)
      : service_(service), max_queue_(max_queue) {}

  std::optional<HttpResponse> on_head(const HttpRequest& request) override {
    if (service::GenerationService::route_kind(request) == service::RouteKind::job &&
        pending_ >= max_queue_) {
      HttpResponse busy =
          make_response(503, "application/json", R"({"detail":"the job queue is full"})");
      busy.headers.add("retry-after", "5");
      return busy;
    }
    return std::nullopt;
  }

  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    if (service::GenerationService::route_kind(request) != service::RouteKind::job) {
      co_return service_.answer_quick(request, pending_ > 0 ? pending_ - 1 : 0, pending_ > 0);
    }
    const PendingJob pending(pending_);
    auto job = run_job(service_, std::move(request), stop_.get_token());
    co_return co_await asio::co_spawn(jobs_, std::move(job), asio::use_awaitable);
  }

  /// Asks the running job to end and waits for its thread.
  void stop() {
    stop_.request_stop();
    jobs_.join();
  }

 private:
  /// Counts a job for as long as it waits or runs, however it ends.
  class PendingJob {
   public:
    explicit PendingJob(int& count) : count_(++count) {}
    ~PendingJob() { --count_; }
    PendingJob(const PendingJob&) = delete;
    PendingJob& operator=(const PendingJob&) = delete;

   private:
    int& count_;
  };

  static asio::awaitable<HttpResponse> run_job(service::GenerationService& service,
                                               HttpRequest request, std::stop_token stop) {
    co_return service.run_job(request, stop);
  }

  service::GenerationService& service_;
  int max_queue_;
  int pending_ = 0;
  std::stop_source stop_;
  asio::thread_pool jobs_{1};
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
  service::GenerationService service(*std::move(backend));
  WorkerHandler handler(service, options.max_queue);
  asio::io_context context(1);
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
  command->callback([options, &chosen] { chosen = [options] { return serve(*options); }; });
}

}  // namespace lode::commands
