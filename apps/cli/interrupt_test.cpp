#include "cli/interrupt.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace lode::cli {
namespace {

TEST(InterruptStop, TurnsASignalIntoAStopAndRestoresTheMask) {
  sigset_t before{};
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  {
    const InterruptStop interrupt;
    EXPECT_FALSE(interrupt.token().stop_requested());
    std::mutex mutex;
    std::condition_variable_any stopped;
    std::unique_lock lock(mutex);
    ASSERT_EQ(kill(getpid(), SIGTERM), 0);
    stopped.wait(lock, interrupt.token(), [] { return false; });  // returns once stopped
    EXPECT_TRUE(interrupt.token().stop_requested());
  }
  sigset_t after{};
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
  EXPECT_EQ(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

TEST(InterruptStopDeathTest, EndsTheProgramWhenAskedTwice) {
  const auto ask_twice = [] {
    const InterruptStop interrupt;
    kill(getpid(), SIGINT);
    while (!interrupt.token().stop_requested()) {
      std::this_thread::yield();
    }
    kill(getpid(), SIGINT);
    std::this_thread::sleep_for(std::chrono::seconds(30));
  };
  EXPECT_EXIT(ask_twice(), testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace lode::cli
