// The newest events of a running miner in memory, for those who follow it over HTTP.
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "base/http_message.h"
#include "miner/event.h"

namespace lode::miner {

/// Numbers events from 0 on in the order they come, and keeps the newest. One thread.
class EventRing {
 public:
  /// Some minutes of 256 validators, in well under a megabyte.
  static constexpr std::size_t kCapacity = 1000;
  /// What a follower is given that does not say what it has.
  static constexpr std::size_t kDefaultCount = 100;

  explicit EventRing(std::size_t capacity = kCapacity) : capacity_(capacity) {}

  /// `uid` of the event's validator, where it is known.
  void add(Event event, std::optional<int> uid);

  /// `{"next": SEQ, "events": [event_json with seq and uid, ...]}`, oldest first: all kept events
  /// with a number of at least `since`, or the newest kDefaultCount. `next` is what to ask for next
  /// time; less than `since` means that the miner was started again. A first event above `since`
  /// means that those between are gone.
  nlohmann::json since(std::optional<std::uint64_t> since) const;

 private:
  struct Entry {
    std::optional<int> uid;
    Event event;
  };
  std::size_t capacity_;
  std::uint64_t next_ = 0;  ///< number of the event that comes next
  std::deque<Entry> kept_;  ///< the last one has the number next_ - 1
};

/// `GET /api/events[?since=SEQ]`; `query` is what follows the question mark. 422 for any other
/// query or a SEQ that is no whole number.
HttpResponse answer_events(const EventRing& ring, std::string_view query);

}  // namespace lode::miner
