#include "lode_worker/job_queue.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <exception>

namespace lode::commands {

namespace asio = boost::asio;

struct JobQueue::Job {
  Job(const asio::any_io_executor& io, Work work_in)
      : work(std::move(work_in)), done(io, asio::steady_timer::time_point::max()) {}

  Work work;
  std::stop_source stop;
  HttpResponse response;
  std::exception_ptr failure;
  bool has_ended = false;
  asio::steady_timer done;  // never expires; cancelled at the job's end
};

JobQueue::JobQueue(asio::any_io_executor io, int jobs)
    : io_(std::move(io)),
      jobs_(static_cast<std::size_t>(jobs)),
      threads_(static_cast<std::size_t>(jobs)) {}

JobQueue::~JobQueue() { stop(); }

asio::awaitable<HttpResponse> JobQueue::run(Work work) {
  const auto job = std::make_shared<Job>(io_, std::move(work));
  waiting_.push_back(job);
  start_next();
  boost::system::error_code ec;
  co_await asio::this_coro::throw_if_cancelled(false);
  co_await job->done.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  if (!job->has_ended) {
    job->stop.request_stop();
    std::erase(waiting_, job);
    throw boost::system::system_error(asio::error::operation_aborted);
  }
  if (job->failure) {
    std::rethrow_exception(job->failure);
  }
  co_return std::move(job->response);
}

void JobQueue::start_next() {
  if (running_.size() >= jobs_ || waiting_.empty()) {
    return;
  }
  const std::shared_ptr<Job> next = waiting_.front();
  running_.push_back(next);
  waiting_.pop_front();
  asio::post(threads_, [this, job = next, io = io_] {
    try {
      job->response = job->work(job->stop.get_token());
    } catch (...) {
      job->failure = std::current_exception();
    }
    asio::post(io, [this, job] {
      job->has_ended = true;
      job->done.cancel();
      std::erase(running_, job);
      start_next();
    });
  });
}

void JobQueue::stop() {
  waiting_.clear();
  for (const auto& job : running_) {
    job->stop.request_stop();
  }
  threads_.join();
}

}  // namespace lode::commands
