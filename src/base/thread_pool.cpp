#include "base/thread_pool.h"

namespace lode {
namespace {

/// Tests of a flag before a helper goes to sleep: some hundred microseconds.
constexpr int kSpins = 4000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) {
  for (int i = 1; i < threads; ++i) {
    helpers_.emplace_back([this] { help(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& helper : helpers_) {
    helper.join();
  }
}

void ThreadPool::take_items() {
  for (std::size_t i = next_++; i < count_; i = next_++) {
    call_(work_, i);
  }
}

void ThreadPool::run(std::size_t count, Call call, const void* work) {
  count_ = count;
  call_ = call;
  work_ = work;
  next_ = 0;
  if (helpers_.empty() || count < 2) {
    take_items();
    return;
  }
  is_open_ = true;
  {
    const std::lock_guard lock(mutex_);
    ++round_;
  }
  wake_.notify_all();
  take_items();
  is_open_ = false;
  // The last items are short: sleeping here would cost more than it saves.
  for (int spins = 0; inside_ != 0; ++spins) {
    spins < kSpins ? pause() : std::this_thread::yield();
  }
}

void ThreadPool::help() {
  for (unsigned seen = 0;;) {
    for (int spins = 0; spins < kSpins && round_ == seen && !stop_; ++spins) {
      pause();
    }
    if (round_ == seen && !stop_) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return round_ != seen || stop_; });
    }
    if (stop_) {
      return;
    }
    seen = round_;
    ++inside_;
    if (is_open_) {
      take_items();
    }
    --inside_;
  }
}

}  // namespace lode
