#include "miner/local_worker_io.h"

#include <signal.h>
#include <sys/prctl.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/process/v2/stdio.hpp>
#include <nlohmann/json.hpp>

namespace lode::miner {

namespace asio = boost::asio;
namespace process = boost::process::v2;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
/// Neural backends load gigabytes of weights before they are ready.
constexpr auto kStartTimeout = std::chrono::seconds(180);
constexpr std::size_t kMaxReadyLine = 4096;

/// Runs in the child between fork and exec: the worker must not outlive the miner.
struct DieWithParent {
  template <class Launcher>
  boost::system::error_code on_exec_setup(Launcher&, const process::filesystem::path&,
                                          const char* const*&) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return {};
  }
};

Result<net::Endpoint> parse_ready_line(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("listen") || !json["listen"].is_string()) {
    return fail(Errc::peer_failure, "worker: its first line is no ready message");
  }
  return net::parse_endpoint(json["listen"].get_ref<const std::string&>());
}

}  // namespace

struct LocalWorker::Process {
  asio::readable_pipe output;
  process::process handle;
};

LocalWorker::LocalWorker(std::unique_ptr<Process> process, net::Endpoint endpoint)
    : process_(std::move(process)), endpoint_(std::move(endpoint)) {}
LocalWorker::LocalWorker(LocalWorker&&) noexcept = default;
LocalWorker& LocalWorker::operator=(LocalWorker&&) noexcept = default;

LocalWorker::~LocalWorker() {
  if (process_) {
    boost::system::error_code ignored;
    process_->handle.terminate(ignored);
    process_->handle.wait(ignored);
  }
}

bool LocalWorker::is_running() {
  boost::system::error_code ec;
  return process_->handle.running(ec) && !ec;
}

int LocalWorker::pid() const { return static_cast<int>(process_->handle.id()); }

asio::awaitable<Result<LocalWorker>> LocalWorker::start(std::filesystem::path binary,
                                                        std::string backend) {
  using asio::experimental::awaitable_operators::operator||;
  const auto executor = co_await asio::this_coro::executor;
  if (!std::filesystem::exists(binary)) {
    co_return fail(Errc::not_found, binary.string() + ": no such program");
  }
  asio::readable_pipe output(executor);
  std::unique_ptr<Process> process;
  try {
    const std::vector<std::string> arguments{"serve", "--listen",    "127.0.0.1:0", "--backend",
                                             backend, "--log.level", "warning"};
    process::process handle(executor, binary.string(), arguments,
                            process::process_stdio{nullptr, output, {}}, DieWithParent{});
    process = std::make_unique<Process>(Process{std::move(output), std::move(handle)});
  } catch (const boost::system::system_error& error) {
    co_return fail(Errc::io_failure, binary.string() + ": " + error.what());
  }
  std::string line;
  asio::steady_timer timer(executor, kStartTimeout);
  const auto outcome =
      co_await (asio::async_read_until(process->output, asio::dynamic_buffer(line, kMaxReadyLine),
                                       '\n', kToken) ||
                timer.async_wait(kToken));
  if (outcome.index() == 1) {
    co_return fail(Errc::timed_out, "worker: not ready in time");
  }
  if (std::get<0>(std::get<0>(outcome))) {
    co_return fail(Errc::peer_failure, "worker: ended before it was ready");
  }
  auto endpoint = parse_ready_line(line);
  if (!endpoint) {
    co_return endpoint.error();
  }
  co_return LocalWorker(std::move(process), *std::move(endpoint));
}

}  // namespace lode::miner
