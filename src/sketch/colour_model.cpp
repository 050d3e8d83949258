#include "sketch/colour_model.h"

#include <algorithm>
#include <cmath>

namespace lode::sketch {
namespace {

constexpr int kSide = 160;   ///< the model works on pictures of about this size
constexpr int kLevels = 12;  ///< per channel

std::size_t bin_of(const std::uint8_t* pixel) {
  const auto level = [](std::uint8_t v) { return static_cast<std::size_t>(v) * kLevels / 256; };
  return (level(pixel[0]) * kLevels + level(pixel[1])) * kLevels + level(pixel[2]);
}

/// Sums over a square of 2 * radius + 1 pixels, divided by its area: rows, then columns.
std::vector<float> box_blur(const std::vector<float>& values, int width, int height, int radius) {
  const auto pass = [&](const std::vector<float>& in, int length, int lines, int step, int stride) {
    std::vector<float> out(in.size());
    for (int line = 0; line < lines; ++line) {
      for (int i = 0; i < length; ++i) {
        float sum = 0;
        for (int k = -radius; k <= radius; ++k) {
          const int at = std::clamp(i + k, 0, length - 1);
          sum += in[static_cast<std::size_t>(line * stride + at * step)];
        }
        out[static_cast<std::size_t>(line * stride + i * step)] =
            sum / static_cast<float>(2 * radius + 1);
      }
    }
    return out;
  };
  return pass(pass(values, width, height, 1, width), height, width, width, 1);
}

/// How likely a place is subject before its colour is known: 0.9 at the centre, little at the rim.
std::vector<float> centre_prior(int width, int height) {
  std::vector<float> prior;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float dx = (static_cast<float>(x) + 0.5F) / static_cast<float>(width) - 0.5F;
      const float dy = (static_cast<float>(y) + 0.5F) / static_cast<float>(height) - 0.5F;
      constexpr float kSpread = 0.30F;
      const float near = std::exp(-(dx * dx + dy * dy) / (2 * kSpread * kSpread));
      const bool is_border = x == 0 || y == 0 || x == width - 1 || y == height - 1;
      prior.push_back(is_border ? 0.001F : 0.02F + 0.88F * near);
    }
  }
  return prior;
}

/// Histogram of the pixels' colours by weight, each bin sharing with its neighbours along the
/// channels, normalised.
std::vector<float> histogram(const std::vector<std::size_t>& bins,
                             const std::vector<float>& weights) {
  std::vector<float> counts(static_cast<std::size_t>(kLevels) * kLevels * kLevels, 0.0F);
  for (std::size_t i = 0; i < bins.size(); ++i) {
    counts[bins[i]] += weights[i];
  }
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{kLevels}, std::size_t{kLevels} * kLevels}) {
    const std::vector<float> sharp = counts;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const std::size_t level = i / step % kLevels;
      counts[i] = 0.6F * sharp[i] + 0.2F * ((level > 0 ? sharp[i - step] : 0) +
                                            (level + 1 < kLevels ? sharp[i + step] : 0));
    }
  }
  float total = 0;
  for (float& count : counts) {
    count += 0.05F;  // a colour not seen yet is possible
    total += count;
  }
  std::ranges::transform(counts, counts.begin(), [total](float count) { return count / total; });
  return counts;
}

/// Where values, stretched bilinearly to another size so that the coarse edge comes out smooth,
/// are above one half.
std::vector<bool> over_half(const std::vector<float>& values, int width, int height, int to_width,
                            int to_height) {
  const auto at = [&](int x, int y) {
    return values[static_cast<std::size_t>(std::min(y, height - 1) * width +
                                           std::min(x, width - 1))];
  };
  const auto source = [](int to, int length, int to_length) {
    const double centre = (to + 0.5) * length / to_length - 0.5;
    return static_cast<float>(std::clamp(centre, 0.0, static_cast<double>(length - 1)));
  };
  std::vector<bool> is_over;
  for (int y = 0; y < to_height; ++y) {
    const float sy = source(y, height, to_height);
    const int y0 = static_cast<int>(sy);
    const float ty = sy - static_cast<float>(y0);
    for (int x = 0; x < to_width; ++x) {
      const float sx = source(x, width, to_width);
      const int x0 = static_cast<int>(sx);
      const float tx = sx - static_cast<float>(x0);
      const float top = at(x0, y0) * (1 - tx) + at(x0 + 1, y0) * tx;
      const float bottom = at(x0, y0 + 1) * (1 - tx) + at(x0 + 1, y0 + 1) * tx;
      is_over.push_back(top * (1 - ty) + bottom * ty > 0.5F);
    }
  }
  return is_over;
}

}  // namespace

std::vector<bool> separate_by_colour(const image::Image& picture) {
  const double scale = static_cast<double>(kSide) / std::max(picture.width, picture.height);
  const int width = std::max(8, static_cast<int>(picture.width * scale)),
            height = std::max(8, static_cast<int>(picture.height * scale));
  const image::Image small = image::resize(picture, width, height);
  std::vector<std::size_t> bins;
  for (std::size_t i = 0; i < small.pixels.size(); i += static_cast<std::size_t>(small.channels)) {
    bins.push_back(bin_of(&small.pixels[i]));
  }
  const std::vector<float> prior = centre_prior(width, height);
  std::vector<float> subject = prior;
  constexpr int kRounds = 6;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<float> background(subject.size());
    std::ranges::transform(subject, background.begin(), [](float s) { return 1 - s; });
    const std::vector<float> of_subject = histogram(bins, subject),
                             of_background = histogram(bins, background);
    for (std::size_t i = 0; i < subject.size(); ++i) {
      const float yes = prior[i] * of_subject[bins[i]],
                  no = (1 - prior[i]) * of_background[bins[i]];
      subject[i] = yes / (yes + no);
    }
    subject = box_blur(subject, width, height, 2);
  }
  return over_half(subject, width, height, picture.width, picture.height);
}

}  // namespace lode::sketch
