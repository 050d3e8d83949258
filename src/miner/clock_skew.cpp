#include "miner/clock_skew.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace lode::miner {
namespace {

/// How fast two clocks are thought to part, 20 ppm: what quartz does without NTP. A faster one is
/// found out by a reply that contradicts the bounds.
constexpr std::int64_t kDriftPerBillion = 20'000;

/// What a busy machine may add to the measured way, in the quickest of its exchanges.
constexpr Duration kJitter = std::chrono::milliseconds(50);

/// A refusal that puts a clock further from its own Date than this says nothing of the clock.
constexpr Duration kLargestMistake = std::chrono::seconds(2);

}  // namespace

Duration ClockOffset::drift(Time now) const {
  const Duration since = std::clamp<Duration>(now - at_, Duration::zero(), std::chrono::hours(24));
  return Duration(since.count() / 1'000'000'000 * kDriftPerBillion);
}

void ClockOffset::set(Duration low, Duration high, Time at) {
  low_ = low;
  high_ = high;
  at_ = at;
}

void ClockOffset::observe(Duration low, Duration high, Time at) {
  const bool agrees = is_known() && low <= this->high(at) && high >= this->low(at);
  if (agrees) {
    set(std::max(low, this->low(at)), std::min(high, this->high(at)), at);
  } else {
    set(low, high, at);
  }
}

void ClockOffset::observe_high(Duration high, Time at) {
  if (!is_known() || high < low(at) - kLargestMistake) {
    return;
  }
  const bool was_mistaken = high < low(at);
  set(was_mistaken ? high - std::chrono::seconds(1) : low(at), std::min(high, this->high(at)), at);
}

void ClockOffset::observe_network(Duration both_ways) {
  network_ = std::min(network_.value_or(both_ways), both_ways);
}

void ClockSkew::on_date(const std::string& hotkey, Time date, Time sent, Time received,
                        Duration network) {
  ClockOffset& offset = offsets_[hotkey];
  offset.observe_network(std::clamp(network, Duration::zero(), received - sent));
  // Stamped one way back before `received`, so the difference of clocks is (date to date + 1 s) -
  // received + way back, and the offset has the way there on top.
  const Duration ways = offset.network();
  const Duration surely = std::max(Duration::zero(), ways - kJitter);
  offset.observe(date - received + surely, date + std::chrono::seconds(1) - received + ways,
                 received);
}

void ClockSkew::on_before(const std::string& hotkey, Time until, Time sent) {
  if (const auto found = offsets_.find(hotkey); found != offsets_.end()) {
    found->second.observe_high(until - sent, sent);
  }
}

Time ClockSkew::when_to_ask(const std::string& hotkey, Time until, Time now) const {
  const auto found = offsets_.find(hotkey);
  return found == offsets_.end() ? until : until - found->second.low(now);
}

std::optional<Duration> ClockSkew::offset(const std::string& hotkey) const {
  const auto found = offsets_.find(hotkey);
  return found == offsets_.end() ? std::nullopt : std::optional(found->second.middle());
}

std::optional<Duration> ClockSkew::uncertainty(const std::string& hotkey) const {
  const auto found = offsets_.find(hotkey);
  if (found == offsets_.end()) {
    return std::nullopt;
  }
  return found->second.half_width();
}

std::optional<Duration> ClockSkew::estimate() const {
  if (offsets_.empty()) {
    return std::nullopt;
  }
  std::vector<Duration> middles;
  for (const auto& [hotkey, offset] : offsets_) {
    middles.push_back(offset.middle());
  }
  const auto middle = middles.begin() + static_cast<std::ptrdiff_t>(middles.size() / 2);
  std::nth_element(middles.begin(), middle, middles.end());
  return *middle;
}

Duration ClockSkew::nonce_adjustment(const std::string& hotkey) const {
  const Duration lead = offset(hotkey).value_or(Duration::zero());
  return lead < kWorrisomeSkew || lead > kLargestAdjustment ? Duration::zero() : lead;
}

std::string ClockSkew::warning() const {
  const auto skew = estimate();
  if (!skew || std::chrono::abs(*skew) < kWorrisomeSkew) {
    return "";
  }
  return fmt::format(
      "this machine's clock is {:.0f} s {} that of {} validators (median): validators refuse "
      "requests that look older than 16 s; set it, as with `timedatectl set-ntp true`",
      std::abs(to_seconds(*skew)), *skew > Duration::zero() ? "behind" : "ahead of",
      offsets_.size());
}

}  // namespace lode::miner
