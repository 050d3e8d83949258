#include "net/task_group.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <stdexcept>
#include <vector>

namespace lode::net {
namespace {

namespace asio = boost::asio;

asio::awaitable<void> sleep_for(std::chrono::milliseconds time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

asio::awaitable<void> fail_at_once() {
  throw std::runtime_error("boom");
  co_return;
}

class TaskGroupTest : public testing::Test {
 protected:
  void run_until_joined() {
    bool joined = false;
    asio::co_spawn(
        context_,
        [](TaskGroup& group, bool& done) -> asio::awaitable<void> {
          co_await group.join();
          done = true;
        }(group_, joined),
        asio::detached);
    context_.run_for(std::chrono::seconds(5));
    EXPECT_TRUE(joined);
  }

  asio::io_context context_;
  std::vector<std::string> failures_;
  TaskGroup group_{context_.get_executor(),
                   [this](const std::string& name, const std::string& why) {
                     failures_.push_back(name + ": " + why);
                   }};
};

TEST_F(TaskGroupTest, JoinWaitsForEveryTask) {
  group_.spawn("a", sleep_for(std::chrono::milliseconds(1)));
  group_.spawn("b", sleep_for(std::chrono::milliseconds(5)));
  run_until_joined();
  EXPECT_EQ(group_.size(), 0U);
  EXPECT_TRUE(failures_.empty());
}

TEST_F(TaskGroupTest, ReportsAFailureUnderTheTasksName) {
  group_.spawn("bad task", fail_at_once());
  run_until_joined();
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_EQ(failures_[0], "bad task: boom");
}

TEST_F(TaskGroupTest, CancelEndsSleepersWithoutReportingThem) {
  group_.spawn("sleeper", sleep_for(std::chrono::hours(1)));
  asio::post(context_, [this] { group_.cancel(); });
  run_until_joined();
  EXPECT_TRUE(failures_.empty());
}

TEST_F(TaskGroupTest, StartsNothingAfterCancel) {
  group_.cancel();
  group_.spawn("late", fail_at_once());
  run_until_joined();
  EXPECT_TRUE(failures_.empty());
}

}  // namespace
}  // namespace lode::net
