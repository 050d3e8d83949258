// Cutting the subject out of a prompt's picture.
#include <algorithm>
#include <array>
#include <cmath>

#include "judge/view.h"

namespace lode::judge {
namespace {

// Difference from the border's colour (of 255, largest channel) at which a pixel begins to be
// subject, and at which it surely is: above the noise of JPEG files, below any visible edge.
constexpr float kLeastDifference = 14;
constexpr float kSureDifference = 38;

bool has_transparency(const image::Image& picture) {
  if (picture.channels != 4)
    return false;
  for (std::size_t i = 3; i < picture.pixels.size(); i += 4) {
    if (picture.pixels[i] < 250)
      return true;
  }
  return false;
}

// Per channel the median over the outermost pixels.
std::array<float, 3> border_colour(const image::Image& picture) {
  std::array<std::vector<std::uint8_t>, 3> values;
  const auto add = [&](int x, int y) {
    for (int c = 0; c < 3; ++c) values[c].push_back(picture.at(x, y)[c]);
  };
  for (int x = 0; x < picture.width; ++x) {
    add(x, 0);
    add(x, picture.height - 1);
  }
  for (int y = 0; y < picture.height; ++y) {
    add(0, y);
    add(picture.width - 1, y);
  }
  std::array<float, 3> median{};
  for (int c = 0; c < 3; ++c) {
    const auto middle = values[c].begin() + static_cast<std::ptrdiff_t>(values[c].size() / 2);
    std::nth_element(values[c].begin(), middle, values[c].end());
    median[c] = *middle;
  }
  return median;
}

}  // namespace

Cutout cutout_of(const image::Image& original, int max_side) {
  const double shrink =
      std::min(1.0, static_cast<double>(max_side) / std::max(original.width, original.height));
  const image::Image picture =
      image::resize(original, std::max(1, static_cast<int>(original.width * shrink)),
                    std::max(1, static_cast<int>(original.height * shrink)));
  const bool use_alpha = has_transparency(picture);
  const std::array<float, 3> background = border_colour(picture);
  Cutout result{picture.width, picture.height, {}, {}};
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const std::uint8_t* pixel = picture.at(x, y);
      float alpha = 0;
      if (use_alpha) {
        alpha = pixel[3] / 255.0F;
      } else {
        for (int c = 0; c < 3; ++c) {
          alpha = std::max(alpha, std::abs(pixel[c] - background[c]) - kLeastDifference);
        }
        alpha = std::min(1.0F, alpha / (kSureDifference - kLeastDifference));
      }
      for (int c = 0; c < 3; ++c) result.rgb.push_back(alpha * pixel[c] / 255.0F);
      result.alpha.push_back(alpha);
    }
  }
  return result;
}

}  // namespace lode::judge
