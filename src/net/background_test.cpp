#include "net/background.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <latch>

#include "net/task_group.h"

namespace lode::net {
namespace {

namespace asio = boost::asio;

TEST(InBackground, WorkOnAPoolHearsNothingOfACancellationOfItsAwaiter) {
  asio::io_context context;
  asio::thread_pool pool(1);
  std::latch cancelled(1);
  const auto work = [&]() -> asio::awaitable<int> {
    cancelled.wait();
    auto again = asio::post(pool, asio::use_awaitable);  // behind all that was posted before
    co_await std::move(again);
    co_return 7;
  };
  int result = 0;
  TaskGroup tasks(context.get_executor(),
                  [](const std::string&, const std::string& what) { ADD_FAILURE() << what; });
  const auto wait = [&]() -> asio::awaitable<void> {
    auto strand = asio::make_strand(pool);
    auto working = in_background(std::move(strand), work());
    result = co_await std::move(working);
  };
  tasks.spawn("wait", wait());
  asio::post(context, [&] {
    tasks.cancel();
    cancelled.count_down();
  });
  context.run();
  EXPECT_EQ(result, 7);
  pool.join();
}

}  // namespace
}  // namespace lode::net
