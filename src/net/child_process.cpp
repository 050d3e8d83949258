#include "net/child_process.h"

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
#include <cstdio>

namespace lode::net {

namespace asio = boost::asio;
namespace process = boost::process::v2;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxReadyLine = 1 << 20;

/// Runs in the child between fork and exec: it must not outlive us.
struct DieWithParent {
  template <class Launcher>
  boost::system::error_code on_exec_setup(Launcher&, const process::filesystem::path&,
                                          const char* const*&) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    return {};
  }
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

std::unique_ptr<process::process> launch(const asio::any_io_executor& executor,
                                         const ChildSpec& spec, asio::readable_pipe& output) {
  const std::unique_ptr<std::FILE, CloseFile> log(
      spec.log.empty() ? nullptr : std::fopen(spec.log.c_str(), "we"));
  std::FILE* const errors = log ? log.get() : stderr;
  return std::make_unique<process::process>(executor, spec.binary.string(), spec.arguments,
                                            process::process_stdio{nullptr, output, errors},
                                            DieWithParent{});
}

}  // namespace

struct ChildProcess::State {
  explicit State(const asio::any_io_executor& executor) : output(executor) {}

  asio::readable_pipe output;  // kept open, so that the child never writes into a closed pipe
  std::unique_ptr<process::process> handle;
  std::string name;
  std::string ready_line;
};

ChildProcess::ChildProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess& ChildProcess::operator=(ChildProcess&&) noexcept = default;

ChildProcess::~ChildProcess() {
  if (state_) {
    boost::system::error_code ignored;
    state_->handle->terminate(ignored);
    state_->handle->wait(ignored);
  }
}

asio::awaitable<Result<ChildProcess>> ChildProcess::start(ChildSpec spec) {
  using asio::experimental::awaitable_operators::operator||;
  const auto executor = co_await asio::this_coro::executor;
  if (!std::filesystem::exists(spec.binary)) {
    co_return fail(Errc::not_found, spec.binary.string() + ": no such program");
  }
  auto state = std::make_unique<State>(executor);
  state->name = spec.binary.filename().string();
  try {
    state->handle = launch(executor, spec, state->output);
  } catch (const boost::system::system_error& error) {
    co_return fail(Errc::io_failure, spec.binary.string() + ": " + error.what());
  }
  ChildProcess child(std::move(state));  // from here on it is killed if anything goes wrong
  std::string& line = child.state_->ready_line;
  asio::steady_timer timer(executor, spec.ready_timeout);
  const auto outcome =
      co_await (asio::async_read_until(child.state_->output,
                                       asio::dynamic_buffer(line, kMaxReadyLine), '\n', kToken) ||
                timer.async_wait(kToken));
  if (outcome.index() == 1) {
    co_return fail(Errc::timed_out, child.state_->name + ": not ready in time");
  }
  const auto [ec, size] = std::get<0>(outcome);
  if (ec) {
    co_return fail(Errc::peer_failure,
                   child.state_->name + ": ended before it was ready" +
                       (spec.log.empty() ? "" : "; its log is " + spec.log.string()));
  }
  line.resize(size - 1);
  co_return child;
}

const std::string& ChildProcess::ready_line() const { return state_->ready_line; }

bool ChildProcess::is_running() {
  boost::system::error_code ec;
  return state_->handle->running(ec) && !ec;
}

int ChildProcess::pid() const { return static_cast<int>(state_->handle->id()); }

asio::awaitable<Result<int>> ChildProcess::stop(Duration timeout) {
  constexpr auto kStep = std::chrono::milliseconds(10);
  boost::system::error_code ec;
  state_->handle->request_exit(ec);
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (Duration waited{}; waited < timeout; waited += kStep) {
    if (!is_running()) {
      co_return process::evaluate_exit_code(state_->handle->native_exit_code());
    }
    timer.expires_after(kStep);
    co_await timer.async_wait(kToken);
  }
  co_return fail(Errc::timed_out, state_->name + ": still running " +
                                      std::to_string(to_seconds(timeout)) + " s after SIGTERM");
}

}  // namespace lode::net
