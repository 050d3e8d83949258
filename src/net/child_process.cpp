#include "net/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/readable_pipe.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <optional>

namespace lode::net {

namespace asio = boost::asio;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxReadyLine = 1 << 20;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

/// The child's side of fork(): async-signal-safe calls only, and no way back into our code. (A
/// library that runs handlers here can throw, and then there are two of us.)
[[noreturn]] void become(char* const* arguments, int output, int errors, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(127);  // the parent died before the line above
  }
  const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(errors, STDERR_FILENO);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::close_range(3, ~0U, 0);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

struct Launched {
  pid_t pid = -1;
  int output = -1;  ///< our end of its stdout
};

Result<Launched> launch(const ChildSpec& spec) {
  std::string binary = spec.binary.string();
  std::vector<std::string> texts = spec.arguments;
  std::vector<char*> arguments{binary.data()};
  for (std::string& text : texts) {
    arguments.push_back(text.data());
  }
  arguments.push_back(nullptr);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return fail(Errc::io_failure, binary + ": pipe: " + std::strerror(errno));
  }
  const Descriptor write_end(ends[1]);
  const Descriptor log(
      spec.log.empty() ? -1
                       : ::open(spec.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    become(arguments.data(), write_end.get(), log.get() >= 0 ? log.get() : STDERR_FILENO, parent);
  }
  if (pid < 0) {
    const Error error = fail(Errc::io_failure, binary + ": fork: " + std::strerror(errno));
    ::close(ends[0]);
    return error;
  }
  return Launched{pid, ends[0]};
}

}  // namespace

struct ChildProcess::State {
  State(const asio::any_io_executor& executor, const Launched& launched)
      : output(executor, launched.output), pid(launched.pid) {}

  /// Looks, without waiting, whether it has ended.
  bool has_ended() {
    int status = 0;
    if (!exit_status && ::waitpid(pid, &status, WNOHANG) == pid) {
      exit_status = status;
    }
    return exit_status.has_value();
  }

  asio::readable_pipe output;  // kept open, so that the child never writes into a closed pipe
  pid_t pid;
  std::optional<int> exit_status;  // as waitpid() gives it, once reaped
  std::string name;
  std::string ready_line;
};

ChildProcess::ChildProcess(std::unique_ptr<State> state) : state_(std::move(state)) {}
ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess& ChildProcess::operator=(ChildProcess&&) noexcept = default;

ChildProcess::~ChildProcess() {
  if (state_ && !state_->has_ended()) {
    ::kill(state_->pid, SIGKILL);
    ::waitpid(state_->pid, nullptr, 0);
  }
}

asio::awaitable<Result<ChildProcess>> ChildProcess::start(ChildSpec spec) {
  using asio::experimental::awaitable_operators::operator||;
  const auto executor = co_await asio::this_coro::executor;
  if (!std::filesystem::exists(spec.binary)) {
    co_return fail(Errc::not_found, spec.binary.string() + ": no such program");
  }
  const auto launched = launch(spec);
  if (!launched) {
    co_return launched.error();
  }
  // From here on it is killed if anything goes wrong.
  ChildProcess child(std::make_unique<State>(executor, *launched));
  child.state_->name = spec.binary.filename().string();
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

bool ChildProcess::is_running() { return !state_->has_ended(); }

int ChildProcess::pid() const { return state_->pid; }

asio::awaitable<Result<int>> ChildProcess::stop(Duration timeout) {
  constexpr auto kStep = std::chrono::milliseconds(10);
  if (!state_->has_ended()) {
    ::kill(state_->pid, SIGTERM);
  }
  asio::steady_timer timer(co_await asio::this_coro::executor);
  for (Duration waited{}; waited < timeout; waited += kStep) {
    if (!is_running()) {
      const int status = *state_->exit_status;
      co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    timer.expires_after(kStep);
    co_await timer.async_wait(kToken);
  }
  co_return fail(Errc::timed_out, state_->name + ": still running " +
                                      std::to_string(to_seconds(timeout)) + " s after SIGTERM");
}

}  // namespace lode::net
