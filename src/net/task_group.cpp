#include "net/task_group.h"

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace lode::net {

namespace asio = boost::asio;

TaskGroup::TaskGroup(asio::any_io_executor executor, OnFailure on_failure)
    : executor_(executor),
      on_failure_(std::move(on_failure)),
      empty_(executor, asio::steady_timer::time_point::max()) {}

TaskGroup::Id TaskGroup::spawn(std::string name, asio::awaitable<void> task) {
  const Id id = ++last_id_;
  if (cancelled_) {
    return id;
  }
  tasks_.emplace_back();
  const auto entry = std::prev(tasks_.end());
  entry->id = id;
  entry->name = std::move(name);
  asio::co_spawn(
      executor_, std::move(task),
      asio::bind_cancellation_slot(entry->stop.slot(), [this, entry](std::exception_ptr failure) {
        finished(entry, failure);
      }));
  return id;
}

void TaskGroup::finished(std::list<Task>::iterator task, std::exception_ptr failure) {
  const std::string name = std::move(task->name);
  const bool was_cancelled = cancelled_ || task->is_cancelled;
  tasks_.erase(task);
  if (tasks_.empty()) {
    empty_.cancel();
  }
  if (!failure) {
    return;
  }
  try {
    std::rethrow_exception(failure);
  } catch (const boost::system::system_error& error) {
    if (!was_cancelled || error.code() != asio::error::operation_aborted) {
      on_failure_(name, error.what());
    }
  } catch (const std::exception& error) {
    on_failure_(name, error.what());
  }
}

void TaskGroup::cancel(Id id) {
  const auto task =
      std::find_if(tasks_.begin(), tasks_.end(), [id](const Task& t) { return t.id == id; });
  if (task != tasks_.end()) {
    task->is_cancelled = true;
    task->stop.emit(asio::cancellation_type::terminal);
  }
}

void TaskGroup::cancel() {
  cancelled_ = true;
  // A handler may finish at once and erase its entry, so step ahead before emitting.
  for (auto task = tasks_.begin(); task != tasks_.end();) {
    auto& stop = (task++)->stop;
    stop.emit(asio::cancellation_type::terminal);
  }
}

asio::awaitable<void> TaskGroup::join() {
  while (!tasks_.empty()) {
    boost::system::error_code ignored;
    co_await empty_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

}  // namespace lode::net
