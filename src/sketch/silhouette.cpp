#include "sketch/silhouette.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "sketch/colour_model.h"

namespace lode::sketch {
namespace {

using Colour = std::array<float, 3>;

constexpr std::array<std::array<int, 2>, 4> kNeighbours = {{{1, 0}, {-1, 0}, {0, 1}, {0, -1}}};

std::size_t index_of(const Mask& mask, int x, int y) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(mask.width) +
         static_cast<std::size_t>(x);
}

Mask empty_like(const image::Image& picture) {
  return {picture.width, picture.height,
          std::vector<bool>(static_cast<std::size_t>(picture.width) *
                            static_cast<std::size_t>(picture.height))};
}

bool has_transparency(const image::Image& picture) {
  constexpr std::uint8_t kOpaque = 250;
  for (std::size_t i = 3; picture.channels == 4 && i < picture.pixels.size(); i += 4) {
    if (picture.pixels[i] < kOpaque) {
      return true;
    }
  }
  return false;
}

Mask mask_from_alpha(const image::Image& picture) {
  Mask mask = empty_like(picture);
  for (std::size_t i = 0; i < mask.is_subject.size(); ++i) {
    mask.is_subject[i] = picture.pixels[4 * i + 3] >= 128;
  }
  return mask;
}

float distance(const Colour& a, const Colour& b) {
  float sum = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    sum += (a[c] - b[c]) * (a[c] - b[c]);
  }
  return std::sqrt(sum);
}

Colour colour_at(const image::Image& picture, int x, int y) {
  const std::uint8_t* p = picture.at(x, y);
  return {static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2])};
}

/// The pixels of the picture's outermost rows and columns.
std::vector<std::array<int, 2>> border_of(const image::Image& picture) {
  std::vector<std::array<int, 2>> border;
  for (int x = 0; x < picture.width; ++x) {
    border.push_back({x, 0});
    border.push_back({x, picture.height - 1});
  }
  for (int y = 1; y + 1 < picture.height; ++y) {
    border.push_back({0, y});
    border.push_back({picture.width - 1, y});
  }
  return border;
}

/// A few colours that stand for the border: each next one is the border colour farthest from those
/// chosen, refined by one round of averaging.
std::vector<Colour> border_palette(const image::Image& picture) {
  constexpr std::size_t kMostColours = 5;
  constexpr float kSame = 40;  // 8-bit RGB distance below which two colours are one
  std::vector<Colour> samples;
  for (const auto& [x, y] : border_of(picture)) {
    samples.push_back(colour_at(picture, x, y));
  }
  std::vector<Colour> palette = {samples.front()};
  const auto nearest = [&palette](const Colour& colour) {
    return std::ranges::min_element(palette, {},
                                    [&](const Colour& entry) { return distance(entry, colour); });
  };
  while (palette.size() < kMostColours) {
    const auto farthest = std::ranges::max_element(
        samples, {}, [&](const Colour& sample) { return distance(*nearest(sample), sample); });
    if (distance(*nearest(*farthest), *farthest) < kSame) {
      break;
    }
    palette.push_back(*farthest);
  }
  std::vector<Colour> sums(palette.size(), Colour{});
  std::vector<float> counts(palette.size(), 0);
  for (const Colour& sample : samples) {
    const auto entry = static_cast<std::size_t>(nearest(sample) - palette.begin());
    for (std::size_t c = 0; c < 3; ++c) {
      sums[entry][c] += sample[c];
    }
    counts[entry] += 1;
  }
  std::vector<Colour> means;
  for (std::size_t i = 0; i < palette.size(); ++i) {
    // A colour of a few stray pixels is more likely a part of the subject that is cut off.
    if (counts[i] > 0.03F * static_cast<float>(samples.size())) {
      means.push_back({sums[i][0] / counts[i], sums[i][1] / counts[i], sums[i][2] / counts[i]});
    }
  }
  return means.empty() ? palette : means;
}

/// Grows `region` from the seeds over 4-connected pixels for which `is_open` holds.
template <class IsOpen>
void flood(Mask& region, const std::vector<std::array<int, 2>>& seeds, const IsOpen& is_open) {
  const auto take = [&](int x, int y, std::vector<std::array<int, 2>>& queue) {
    if (x >= 0 && y >= 0 && x < region.width && y < region.height && !region.at(x, y) &&
        is_open(x, y)) {
      region.is_subject[index_of(region, x, y)] = true;
      queue.push_back({x, y});
    }
  };
  std::vector<std::array<int, 2>> queue;
  for (const auto& [x, y] : seeds) {
    take(x, y, queue);
  }
  while (!queue.empty()) {
    const auto [x, y] = queue.back();
    queue.pop_back();
    for (const auto& [dx, dy] : kNeighbours) {
      take(x + dx, y + dy, queue);
    }
  }
}

Mask mask_from_background(const image::Image& picture) {
  constexpr std::size_t kMostPlainColours = 2;  // a wall and a floor
  constexpr float kLikeBackground = 34;  // 8-bit RGB distance: compression noise, soft shadows
  const std::vector<Colour> palette = border_palette(picture);
  if (palette.size() > kMostPlainColours) {
    return {picture.width, picture.height, separate_by_colour(picture)};
  }
  Mask background = empty_like(picture);
  flood(background, border_of(picture), [&](int x, int y) {
    const Colour colour = colour_at(picture, x, y);
    return std::ranges::any_of(
        palette, [&](const Colour& entry) { return distance(entry, colour) < kLikeBackground; });
  });
  background.is_subject.flip();
  return background;
}

/// The largest 4-connected piece of the mask.
Mask largest_piece(const Mask& mask) {
  using Pixels = std::vector<std::array<int, 2>>;
  Mask seen = mask;
  std::fill(seen.is_subject.begin(), seen.is_subject.end(), false);
  Mask best = seen;
  Pixels largest;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (!mask.at(x, y) || seen.at(x, y)) {
        continue;
      }
      Pixels piece;
      flood(seen, {{x, y}}, [&](int px, int py) {
        const bool is_open = mask.at(px, py);
        if (is_open) {
          piece.push_back({px, py});
        }
        return is_open;
      });
      if (piece.size() > largest.size()) {
        largest = std::move(piece);
      }
    }
  }
  for (const auto& [x, y] : largest) {
    best.is_subject[index_of(best, x, y)] = true;
  }
  return best;
}

/// Closes holes smaller than a 500th of the subject: glints and specks, not handles.
void close_pinholes(Mask& mask) {
  const std::size_t limit = mask.count() / 500;
  Mask outside = mask;
  std::fill(outside.is_subject.begin(), outside.is_subject.end(), false);
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (mask.at(x, y) || outside.at(x, y)) {
        continue;
      }
      std::vector<std::array<int, 2>> hole;
      flood(outside, {{x, y}}, [&](int px, int py) {
        const bool is_open = !mask.at(px, py);
        if (is_open) {
          hole.push_back({px, py});
        }
        return is_open;
      });
      if (hole.size() <= limit) {
        for (const auto& [px, py] : hole) {
          mask.is_subject[index_of(mask, px, py)] = true;
        }
      }
    }
  }
}

}  // namespace

std::size_t Mask::count() const {
  return static_cast<std::size_t>(std::ranges::count(is_subject, true));
}

Result<Mask> find_subject(const image::Image& picture, const std::stop_token& stop) {
  if (picture.width < 8 || picture.height < 8) {
    return fail(Errc::invalid_input, "picture: " + std::to_string(picture.width) + "x" +
                                         std::to_string(picture.height) +
                                         " pixels, expected 8x8 or more");
  }
  const Mask all =
      has_transparency(picture) ? mask_from_alpha(picture) : mask_from_background(picture);
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "the search for the picture's subject was cancelled");
  }
  Mask mask = largest_piece(all);
  const std::size_t pixels = mask.is_subject.size(), subject = mask.count();
  if (subject < std::max<std::size_t>(24, pixels / 1000)) {
    return fail(Errc::invalid_input, "picture: no subject stands out from the background");
  }
  if (subject > pixels - pixels / 200) {
    return fail(Errc::invalid_input, "picture: no background around the subject");
  }
  close_pinholes(mask);
  return mask;
}

image::Image cut_out(const image::Image& picture, const Mask& mask, int margin) {
  int left = mask.width, right = -1, top = mask.height, bottom = -1;
  for (int y = 0; y < mask.height; ++y) {
    for (int x = 0; x < mask.width; ++x) {
      if (mask.at(x, y)) {
        left = std::min(left, x);
        right = std::max(right, x);
        top = std::min(top, y);
        bottom = std::max(bottom, y);
      }
    }
  }
  image::Image out(right - left + 1 + 2 * margin, bottom - top + 1 + 2 * margin, 4, 0);
  for (int y = top; y <= bottom; ++y) {
    for (int x = left; x <= right; ++x) {
      if (mask.at(x, y)) {
        std::uint8_t* target = out.at(x - left + margin, y - top + margin);
        std::copy_n(picture.at(x, y), 3, target);
        target[3] = 255;
      }
    }
  }
  return out;
}

}  // namespace lode::sketch
