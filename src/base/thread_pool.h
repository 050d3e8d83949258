// Fork-join over a fixed number of threads, for work that is split into independent items.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace lode {

/// Threads that wait for `for_each`. Waiting helpers spin for some microseconds before they sleep,
/// because a frame is many short phases. Nothing is allocated after construction. Why not a
/// library's pool: docs/decisions/0005-own-thread-pool.md.
class ThreadPool {
 public:
  /// `threads` work at once, the calling one among them: 1 (or less) starts none.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(helpers_.size()) + 1; }

  /// Calls `work(i)` once for every i in 0..count-1 and returns when all calls have returned. Which
  /// thread takes which item is not fixed, so results must not depend on it. One call at a time,
  /// from one thread; `work` must neither throw nor call `for_each` of this pool.
  template <class Work>
  void for_each(std::size_t count, const Work& work) {
    run(
        count,
        [](const void* callable, std::size_t i) { (*static_cast<const Work*>(callable))(i); },
        &work);
  }

 private:
  using Call = void (*)(const void* work, std::size_t index);
  void run(std::size_t count, Call call, const void* work);
  void help();
  void take_items();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<unsigned> round_ = 0;  // counts calls of run(); helpers join each once
  std::atomic<bool> stop_ = false;
  std::atomic<int> busy_ = 0;  // helpers that have not finished this round
  std::atomic<std::size_t> next_ = 0;
  std::size_t count_ = 0;
  Call call_ = nullptr;
  const void* work_ = nullptr;
  std::vector<std::thread> helpers_;
};

}  // namespace lode
