// A group of coroutines that are spawned, watched, cancelled and awaited together.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <exception>
#include <functional>
#include <list>
#include <string>

namespace lode::net {

/// Instead of `detached`: an exception that leaves a task is handed to `on_failure` with the
/// task's name. Cancellation errors after cancel() are not failures. One thread only; the group
/// must outlive its executor's work or be joined before it is destroyed.
class TaskGroup {
 public:
  using OnFailure = std::function<void(const std::string& name, const std::string& what)>;
  using Id = std::uint64_t;

  TaskGroup(boost::asio::any_io_executor executor, OnFailure on_failure);

  /// Starts a task. Pass it its arguments by value. After cancel() nothing is started any more.
  /// The result names the task to cancel(Id).
  Id spawn(std::string name, boost::asio::awaitable<void> task);

  /// Asks one task to end; nothing happens when it has ended already.
  void cancel(Id id);

  /// Asks every task to end: its pending operation completes with operation_aborted. Call it from
  /// within the executor: Asio 1.81 defers it otherwise, past the end of tasks that just finish.
  void cancel();

  /// Ends when no task is left.
  boost::asio::awaitable<void> join();

  std::size_t size() const { return tasks_.size(); }
  bool is_cancelled() const { return cancelled_; }

 private:
  struct Task {
    Id id = 0;
    std::string name;
    bool is_cancelled = false;
    boost::asio::cancellation_signal stop;
  };
  void finished(std::list<Task>::iterator task, std::exception_ptr failure);

  boost::asio::any_io_executor executor_;
  OnFailure on_failure_;
  std::list<Task> tasks_;
  boost::asio::steady_timer empty_;  // never expires; cancelled when the last task ends
  Id last_id_ = 0;
  bool cancelled_ = false;
};

}  // namespace lode::net
