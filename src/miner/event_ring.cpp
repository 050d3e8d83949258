#include "miner/event_ring.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "miner/status.h"

namespace lode::miner {

using Json = nlohmann::json;

void EventRing::add(Event event, std::optional<int> uid) {
  kept_.push_back({uid, std::move(event)});
  ++next_;
  if (kept_.size() > capacity_) {
    kept_.pop_front();
  }
}

Json EventRing::since(std::optional<std::uint64_t> since) const {
  const std::uint64_t oldest = next_ - kept_.size();
  const std::uint64_t newest_few = next_ - std::min(kept_.size(), kDefaultCount);
  Json events = Json::array();
  for (std::uint64_t seq = std::max(oldest, since.value_or(newest_few)); seq < next_; ++seq) {
    const Entry& entry = kept_[seq - oldest];
    Json json = event_json(entry.event);
    json["seq"] = seq;
    json["uid"] = entry.uid ? Json(*entry.uid) : Json();
    events.push_back(std::move(json));
  }
  return {{"next", next_}, {"events", std::move(events)}};
}

HttpResponse answer_events(const EventRing& ring, std::string_view query) {
  constexpr std::string_view kName = "since=";
  std::optional<std::uint64_t> since;
  int status = 200;
  if (!query.empty()) {
    const std::string_view text =
        query.starts_with(kName) ? query.substr(kName.size()) : std::string_view();
    since.emplace(0);
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), *since);
    status = ec == std::errc() && end == text.data() + text.size() ? 200 : 422;
  }
  const Json body = status == 200 ? ring.since(since)
                                  : Json{{"detail",
                                          "since=SEQ with a whole number from 0 was "
                                          "expected"}};
  return make_response(status, "application/json",
                       body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace lode::miner
