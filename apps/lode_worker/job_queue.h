// Jobs in the order of their coming on threads of their own, each of which can be given up.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/http_message.h"

namespace lode::commands {

/// Lives on the I/O thread; only the work itself runs on the job threads.
class JobQueue {
 public:
  using Work = std::function<HttpResponse(std::stop_token stop)>;

  /// `jobs` run at the same time.
  JobQueue(boost::asio::any_io_executor io, int jobs);
  ~JobQueue();

  /// What `work` answers, once there was a thread for it. Cancelling the awaiting coroutine
  /// gives the job up and ends at once, with operation_aborted: a waiting job is dropped, a running
  /// one is asked to stop and counts as running until it has: the service looks at its stop token
  /// between views of a splat, sweeps of a lift and blocks of a drawing. What `work` throws is
  /// thrown here.
  boost::asio::awaitable<HttpResponse> run(Work work);

  int queued() const { return static_cast<int>(waiting_.size()); }
  int running() const { return static_cast<int>(running_.size()); }

  /// Asks the running jobs to stop and waits for their end.
  void stop();

 private:
  struct Job;
  void start_next();

  boost::asio::any_io_executor io_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::vector<std::shared_ptr<Job>> running_;
  const std::size_t jobs_;
  boost::asio::thread_pool threads_;
};

}  // namespace lode::commands
