// The line's sum and its remarks.
#include "score/breakdown.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>

namespace lode::score {
namespace {

double median(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

std::string format_sum(const Components& components, const Score& score) {
  std::vector<std::string> terms;
  if (components.quality) {
    terms.push_back(fmt::format("{} x {:.2f}", kQualityWeight, *components.quality));
  }
  if (components.alignment) {
    terms.push_back(fmt::format("{} x {:.2f}", kAlignmentWeight, *components.alignment));
  }
  if (components.ssim) {
    terms.push_back(fmt::format("ssim {:.3f}", score.ssim_term));
  }
  if (components.lpips) {
    terms.push_back(fmt::format("lpips {:.3f}", score.lpips_term));
  }
  const std::string sum = fmt::format("{}", fmt::join(terms, " + "));
  return score.is_complete() ? sum : fmt::format("({}) / {:.3g}", sum, score.weight);
}

}  // namespace

std::vector<int> low_views(std::span<const double> values) {
  std::vector<int> low;
  if (values.empty()) {
    return low;
  }
  const double middle = median(values);
  for (std::size_t i = 0; i < values.size() && middle > 0; ++i) {
    if (values[i] < kLowShare * middle) {
      low.push_back(static_cast<int>(i));
    }
  }
  return low;
}

std::string format_ranges(std::span<const int> indices, int count) {
  std::vector<std::pair<int, int>> runs;
  for (const int index : indices) {
    if (!runs.empty() && runs.back().second + 1 == index) {
      runs.back().second = index;
    } else {
      runs.emplace_back(index, index);
    }
  }
  if (runs.size() > 1 && runs.front().first == 0 && runs.back().second == count - 1) {
    runs.back().second = runs.front().second;  // one run over the ring's end
    runs.erase(runs.begin());
  }
  std::vector<std::string> parts;
  for (const auto& [first, last] : runs) {
    parts.push_back(first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string explain(const Components& components, const ViewValues& views) {
  const Score score = final_score(components);
  if (!score.value) {
    return "no score: nothing was judged";
  }
  std::string line = score.is_below_floor
                         ? fmt::format("0.00: alignment {:.2f} is below {}", *components.alignment,
                                       kAlignmentFloor)
                         : fmt::format("{:.2f} = {}", *score.value, format_sum(components, score));
  const auto remark_on = [&line](const char* part, std::span<const double> values) {
    const std::vector<int> low = low_views(values);
    if (!low.empty()) {
      line += fmt::format("; {} low on view{} {}", part, low.size() > 1 ? "s" : "",
                          format_ranges(low, static_cast<int>(values.size())));
    }
  };
  remark_on("quality", views.quality);
  remark_on("alignment", views.alignment);
  if (const std::vector<std::string> absent = absent_parts(components); !absent.empty()) {
    line += fmt::format("; not judged: {}", fmt::join(absent, ", "));
  }
  return line;
}

}  // namespace lode::score
