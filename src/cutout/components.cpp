#include <array>

#include "cutout/components_internal.h"

namespace lode::cutout {
namespace {

constexpr std::array<std::array<int, 2>, 8> kNeighbours = {
    {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {1, -1}, {-1, 1}, {-1, -1}}};

/// Gives `label` to the unlabelled neighbours of pixel `at` in the mask and appends them.
void take_neighbours(const image::GreyImage& mask, std::size_t at, std::size_t neighbours,
                     std::vector<int>& labels, std::vector<std::size_t>& queue) {
  const int x = static_cast<int>(at % static_cast<std::size_t>(mask.width));
  const int y = static_cast<int>(at / static_cast<std::size_t>(mask.width));
  for (std::size_t i = 0; i < neighbours; ++i) {
    const int nx = x + kNeighbours[i][0], ny = y + kNeighbours[i][1];
    if (nx < 0 || ny < 0 || nx >= mask.width || ny >= mask.height) {
      continue;
    }
    const std::size_t next = static_cast<std::size_t>(ny) * static_cast<std::size_t>(mask.width) +
                             static_cast<std::size_t>(nx);
    if (mask.pixels[next] != 0 && labels[next] == 0) {
      labels[next] = labels[at];
      queue.push_back(next);
    }
  }
}

Part part_of(const std::vector<std::size_t>& pixels, const image::GreyImage& mask) {
  Part part;
  part.area = pixels.size();
  const auto width = static_cast<std::size_t>(mask.width);
  for (const std::size_t at : pixels) {
    const std::size_t x = at % width, y = at / width;
    part.x += static_cast<double>(x);
    part.y += static_cast<double>(y);
    part.is_at_edge |=
        x == 0 || y == 0 || x + 1 == width || y + 1 == static_cast<std::size_t>(mask.height);
  }
  part.x /= static_cast<double>(part.area);
  part.y /= static_cast<double>(part.area);
  return part;
}

}  // namespace

Components find_components(const image::GreyImage& mask, Connectivity connectivity) {
  Components found;
  found.labels.assign(mask.pixels.size(), 0);
  std::vector<std::size_t> pixels;
  for (std::size_t start = 0; start < mask.pixels.size(); ++start) {
    if (mask.pixels[start] == 0 || found.labels[start] != 0) {
      continue;
    }
    found.labels[start] = static_cast<int>(found.parts.size()) + 1;
    pixels.assign(1, start);
    for (std::size_t i = 0; i < pixels.size(); ++i) {
      take_neighbours(mask, pixels[i], connectivity == Connectivity::four ? 4 : 8, found.labels,
                      pixels);
    }
    found.parts.push_back(part_of(pixels, mask));
  }
  return found;
}

image::GreyImage between(const image::GreyImage& alpha, std::uint8_t low, std::uint8_t high) {
  image::GreyImage mask(alpha.width, alpha.height);
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    mask.pixels[i] = alpha.pixels[i] >= low && alpha.pixels[i] <= high ? 1 : 0;
  }
  return mask;
}

void grow_labels(Components& components, const image::GreyImage& mask) {
  std::vector<std::size_t> queue;
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    if (components.labels[i] != 0) {
      queue.push_back(i);
    }
  }
  for (std::size_t i = 0; i < queue.size(); ++i) {
    take_neighbours(mask, queue[i], kNeighbours.size(), components.labels, queue);
  }
}

}  // namespace lode::cutout
