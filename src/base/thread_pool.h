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

/// Threads that wait for `for_each`. Waiting helpers spin for a moment before they sleep,
/// because a frame is many short phases, and nobody waits for a helper that has not come yet: on a
/// machine that is busy with other things the caller does the work itself. Nothing is allocated
/// after construction. Why not a library's pool: docs/decisions/0005-own-thread-pool.md.
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
  std::atomic<unsigned> round_ = 0;  // counts calls of run(), to wake helpers by
  std::atomic<bool> stop_ = false;
  // A helper announces itself in `inside_`, then looks whether the round is still open; run()
  // closes the round, then waits until nobody is inside. So either the helper stays out or run()
  // sees it, and the job below is never read while it changes.
  std::atomic<bool> is_open_ = false;
  std::atomic<int> inside_ = 0;
  std::atomic<std::size_t> next_ = 0;
  std::size_t count_ = 0;
  Call call_ = nullptr;
  const void* work_ = nullptr;
  std::vector<std::thread> helpers_;
};

}  // namespace lode
