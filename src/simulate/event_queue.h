// What happens when, in virtual time.
#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "base/clock.h"

namespace lode::simulate {

/// Values by the time they are due; equal times come out in the order they went in.
template <class T>
class EventQueue {
 public:
  void add(Time at, T what) { queue_.push({at, next_++, std::move(what)}); }
  bool empty() const { return queue_.empty(); }
  /// When the next value is due; there must be one.
  Time next_at() const { return queue_.top().at; }
  T take() {
    T what = queue_.top().what;
    queue_.pop();
    return what;
  }

 private:
  struct Entry {
    Time at;
    std::uint64_t order;
    T what;
  };
  struct IsLater {
    bool operator()(const Entry& a, const Entry& b) const {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  std::priority_queue<Entry, std::vector<Entry>, IsLater> queue_;
  std::uint64_t next_ = 0;
};

}  // namespace lode::simulate
