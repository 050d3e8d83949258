#include "cutout/clean.h"

#include <algorithm>

#include "cutout/components_internal.h"

namespace lode::cutout {
namespace {

/// Below this a pixel may belong to a hole's soft rim.
constexpr std::uint8_t kOpaque = 250;

/// Fills holes up to the limit and returns their number.
int fill_holes(image::GreyImage& alpha, double largest_hole) {
  const Components ground = find_components(between(alpha, 0, kOpaque - 1), Connectivity::four);
  std::vector<bool> is_hole(ground.parts.size() + 1, false);
  std::size_t outside = 0;
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    const auto label = static_cast<std::size_t>(ground.labels[i]);
    if (label != 0 && alpha.pixels[i] < kSubject) {
      is_hole[label] = !ground.parts[label - 1].is_at_edge;
      outside += ground.parts[label - 1].is_at_edge ? 1 : 0;
    }
  }
  // Measured against subject and holes together, which filling does not change.
  const double limit = largest_hole * static_cast<double>(alpha.pixels.size() - outside);
  int filled = 0;
  for (std::size_t label = 1; label < is_hole.size(); ++label) {
    is_hole[label] = is_hole[label] && static_cast<double>(ground.parts[label - 1].area) <= limit;
    filled += is_hole[label] ? 1 : 0;
  }
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    if (is_hole[static_cast<std::size_t>(ground.labels[i])]) {
      alpha.pixels[i] = 255;
    }
  }
  return filled;
}

/// Label of the largest part; see Keep::largest for ties.
std::size_t largest_part(const Components& subject, int width, int height) {
  const auto off_centre = [&](const Part& part) {
    const double dx = part.x - 0.5 * (width - 1), dy = part.y - 0.5 * (height - 1);
    return dx * dx + dy * dy;
  };
  std::size_t best = 0;
  for (std::size_t i = 1; i < subject.parts.size(); ++i) {
    const Part &part = subject.parts[i], &so_far = subject.parts[best];
    if (part.area > so_far.area ||
        (part.area == so_far.area && off_centre(part) < off_centre(so_far))) {
      best = i;
    }
  }
  return best + 1;
}

/// For every label whether it stays.
std::vector<bool> kept_labels(const Components& subject, const image::GreyImage& alpha,
                              const CleanOptions& options) {
  std::vector<bool> is_kept(subject.parts.size() + 1, false);
  if (subject.parts.empty()) {
    return is_kept;
  }
  const std::size_t largest = largest_part(subject, alpha.width, alpha.height);
  const double least = options.least_part * static_cast<double>(subject.parts[largest - 1].area);
  for (std::size_t label = 1; label < is_kept.size(); ++label) {
    is_kept[label] =
        label == largest || (options.keep == Keep::parts &&
                             static_cast<double>(subject.parts[label - 1].area) >= least);
  }
  return is_kept;
}

}  // namespace

Cleaned clean_matte(const image::GreyImage& alpha, const CleanOptions& options) {
  Cleaned cleaned{alpha};
  cleaned.filled_holes = fill_holes(cleaned.alpha, options.largest_hole);
  Components subject = find_components(between(cleaned.alpha, kSubject, 255), Connectivity::eight);
  const std::vector<bool> is_kept = kept_labels(subject, alpha, options);
  cleaned.kept_parts = static_cast<int>(std::ranges::count(is_kept, true));
  cleaned.removed_parts = static_cast<int>(subject.parts.size()) - cleaned.kept_parts;
  grow_labels(subject, between(cleaned.alpha, 1, 255));
  for (std::size_t i = 0; i < subject.labels.size(); ++i) {
    if (!is_kept[static_cast<std::size_t>(subject.labels[i])]) {
      cleaned.alpha.pixels[i] = 0;
    }
  }
  return cleaned;
}

}  // namespace lode::cutout
