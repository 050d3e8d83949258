#include "miner/clock_skew.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace lode::miner {

void ClockSkew::add(const std::string& hotkey, Time date, Time sent, Time received) {
  constexpr Duration kHalfSecond = std::chrono::milliseconds(500);  // the header's rounding
  latest_[hotkey] = date + kHalfSecond - (sent + (received - sent) / 2);
}

std::optional<Duration> ClockSkew::estimate() const {
  if (latest_.empty()) {
    return std::nullopt;
  }
  std::vector<Duration> offsets;
  for (const auto& [hotkey, offset] : latest_) {
    offsets.push_back(offset);
  }
  const auto middle = offsets.begin() + static_cast<std::ptrdiff_t>(offsets.size() / 2);
  std::nth_element(offsets.begin(), middle, offsets.end());
  return *middle;
}

Duration ClockSkew::nonce_adjustment(const std::string& hotkey) const {
  const auto found = latest_.find(hotkey);
  if (found == latest_.end() || found->second < kWorrisomeSkew ||
      found->second > kLargestAdjustment) {
    return Duration::zero();
  }
  return found->second;
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
      latest_.size());
}

}  // namespace lode::miner
