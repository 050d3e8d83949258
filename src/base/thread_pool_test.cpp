#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <chrono>

namespace lode {
namespace {

TEST(ThreadPool, CallsEveryItemOnceForAnyNumberOfThreads) {
  for (const int threads : {0, 1, 2, 3, 8}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), std::max(threads, 1));
    for (const std::size_t count : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> calls(count);
      pool.for_each(count, [&](std::size_t i) { ++calls[i]; });
      for (const auto& n : calls) {
        EXPECT_EQ(n, 1) << threads << " threads, " << count << " items";
      }
    }
  }
}

TEST(ThreadPool, SeesTheResultsOfTheRoundBefore) {
  ThreadPool pool(3);
  std::vector<long> values(64, 0);
  for (int round = 0; round < 2000; ++round) {
    pool.for_each(values.size(), [&](std::size_t i) { values[i] += values[i] + 1 == round + 1; });
  }
  for (const long value : values) {
    EXPECT_EQ(value, 2000);
  }
}

/// Each item waits until all have begun, which takes a thread for every one of them.
void expect_all_at_once(ThreadPool& pool) {
  std::atomic<int> begun = 0, met = 0;
  pool.for_each(static_cast<std::size_t>(pool.threads()), [&](std::size_t) {
    ++begun;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (begun < pool.threads() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::yield();
    }
    met += begun == pool.threads() ? 1 : 0;
  });
  EXPECT_EQ(met, pool.threads());
}

TEST(ThreadPool, WorksOnAllThreadsAtOnceAlsoAfterTheyHaveSlept) {
  ThreadPool pool(4);
  for (int round = 0; round < 3; ++round) {
    expect_all_at_once(pool);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // twenty times their patience
  }
}

TEST(ThreadPool, SurvivesManyShortRoundsThatHelpersMiss) {
  ThreadPool pool(8);  // more threads than a small machine has cores
  long total = 0;
  for (long round = 0; round < 20'000; ++round) {
    std::atomic<long> sum = 0;  // gone when the round is over: a late helper would write into it
    pool.for_each(3, [&](std::size_t i) { sum += round + static_cast<long>(i); });
    total += sum - 3 * round;
  }
  EXPECT_EQ(total, 3 * 20'000);
}

}  // namespace
}  // namespace lode
