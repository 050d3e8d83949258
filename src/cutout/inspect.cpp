#include "cutout/inspect.h"

#include <fmt/format.h>

#include <algorithm>

#include "cutout/components_internal.h"

namespace lode::cutout {
namespace {

double share(std::size_t part, std::size_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::array<double, 4> edge_shares(const image::GreyImage& alpha) {
  std::size_t top = 0, right = 0, bottom = 0, left = 0;
  for (int x = 0; x < alpha.width; ++x) {
    top += alpha.at(x, 0) >= kSubject ? 1 : 0;
    bottom += alpha.at(x, alpha.height - 1) >= kSubject ? 1 : 0;
  }
  for (int y = 0; y < alpha.height; ++y) {
    left += alpha.at(0, y) >= kSubject ? 1 : 0;
    right += alpha.at(alpha.width - 1, y) >= kSubject ? 1 : 0;
  }
  const auto width = static_cast<std::size_t>(alpha.width);
  const auto height = static_cast<std::size_t>(alpha.height);
  return {share(top, width), share(right, height), share(bottom, width), share(left, height)};
}

MatteMeasures measure(const image::GreyImage& alpha) {
  MatteMeasures measures;
  const Components subject = find_components(between(alpha, kSubject, 255), Connectivity::eight);
  const Components ground = find_components(between(alpha, 0, kSubject - 1), Connectivity::four);
  std::size_t area = 0, largest = 0, holes = 0;
  for (const Part& part : subject.parts) {
    area += part.area;
    largest = std::max(largest, part.area);
  }
  for (const Part& part : ground.parts) {
    if (!part.is_at_edge) {
      holes += part.area;
      ++measures.holes;
    }
  }
  const auto is_soft = [](std::uint8_t value) { return value > 0 && value < 255; };
  measures.coverage = share(area, alpha.pixels.size());
  measures.parts = static_cast<int>(subject.parts.size());
  measures.largest_share = share(largest, area);
  measures.hole_share = share(holes, area + holes);
  measures.soft_share = share(
      static_cast<std::size_t>(std::ranges::count_if(alpha.pixels, is_soft)), alpha.pixels.size());
  measures.edge_shares = edge_shares(alpha);
  return measures;
}

}  // namespace

std::string_view to_string(Oddity oddity) {
  switch (oddity) {
    case Oddity::opaque:
      return "opaque";
    case Oddity::empty:
      return "empty";
    case Oddity::holed:
      return "holed";
    case Oddity::fragmented:
      return "fragmented";
    case Oddity::at_edges:
      return "at_edges";
  }
  return "unknown";
}

bool Inspection::is_usable() const {
  return std::ranges::none_of(findings, [](const Finding& finding) {
    return finding.oddity == Oddity::opaque || finding.oddity == Oddity::empty;
  });
}

Inspection inspect_matte(const image::GreyImage& alpha, const InspectLimits& limits) {
  Inspection result{measure(alpha), {}};
  const MatteMeasures& measures = result.measures;
  const auto add = [&result](Oddity oddity, double value, double limit, std::string text) {
    result.findings.push_back({oddity, value, limit, std::move(text)});
  };
  if (measures.coverage > limits.most_coverage) {
    add(Oddity::opaque, measures.coverage, limits.most_coverage,
        fmt::format("{:.1f} % of the picture is subject, at most {:.1f} % expected",
                    100 * measures.coverage, 100 * limits.most_coverage));
  }
  if (measures.coverage < limits.least_coverage) {
    add(Oddity::empty, measures.coverage, limits.least_coverage,
        fmt::format("{:.3f} % of the picture is subject, at least {:.3f} % expected",
                    100 * measures.coverage, 100 * limits.least_coverage));
    return result;  // the shares below are of nothing
  }
  if (measures.hole_share > limits.most_holes) {
    add(Oddity::holed, measures.hole_share, limits.most_holes,
        fmt::format("{} holes are {:.0f} % of the subject's area, at most {:.0f} % expected",
                    measures.holes, 100 * measures.hole_share, 100 * limits.most_holes));
  }
  if (measures.largest_share < limits.least_largest) {
    add(Oddity::fragmented, measures.largest_share, limits.least_largest,
        fmt::format(
            "the largest of {} parts is {:.0f} % of the subject, at least {:.0f} % expected",
            measures.parts, 100 * measures.largest_share, 100 * limits.least_largest));
  }
  const double least_edge = *std::ranges::min_element(measures.edge_shares);
  if (least_edge > limits.most_edge) {
    add(Oddity::at_edges, least_edge, limits.most_edge,
        fmt::format(
            "the subject is at every edge, on {:.0f} % of one or more, {:.0f} % expected on "
            "one of them",
            100 * least_edge, 100 * limits.most_edge));
  }
  return result;
}

double agreement(const image::GreyImage& a, const image::GreyImage& b) {
  LODE_ASSERT(a.width == b.width && a.height == b.height, "mattes of one picture are compared");
  std::size_t both = 0, either = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) {
    const bool in_a = a.pixels[i] >= kSubject, in_b = b.pixels[i] >= kSubject;
    both += in_a && in_b ? 1 : 0;
    either += in_a || in_b ? 1 : 0;
  }
  return either > 0 ? share(both, either) : 1;
}

}  // namespace lode::cutout
