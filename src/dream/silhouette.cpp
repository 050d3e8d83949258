#include "dream/silhouette.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "cutout/clean.h"
#include "cutout/inspect.h"
#include "cutout/matter.h"

namespace lode::dream {
namespace {

/// A ground darker than this in any channel is none that a model was asked for.
constexpr int kDarkestGround = 200;
/// Grey levels above the ground's spread from which a pixel differs from it: compression and the
/// decoder's ripples stay below.
constexpr int kLeastDifference = 8;
/// A border that spreads wider is not plain.
constexpr int kWidestSpread = 24;
/// Pixels from the ground up to which an edge may be soft.
constexpr int kSoftEdge = 2;
/// Parts smaller than this share of the largest are crumbs.
constexpr double kLeastPart = 0.05;

/// The ground's colour, and how far border pixels lie from it: three quarters are no farther.
struct Ground {
  image::Rgb colour{};
  int spread = 0;
};

int distance(const std::uint8_t* pixel, const image::Rgb& colour) {
  int most = 0;
  for (std::size_t c = 0; c < 3; ++c) {
    most = std::max(most, std::abs(pixel[c] - colour[c]));
  }
  return most;
}

/// The value that has `part` of all others below it. `values` is not empty.
int quantile(std::vector<int> values, double part) {
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

std::vector<const std::uint8_t*> border_pixels(const image::Image& picture) {
  std::vector<const std::uint8_t*> border;
  for (int x = 0; x < picture.width; ++x) {
    border.push_back(picture.at(x, 0));
    border.push_back(picture.at(x, picture.height - 1));
  }
  for (int y = 0; y < picture.height; ++y) {
    border.push_back(picture.at(0, y));
    border.push_back(picture.at(picture.width - 1, y));
  }
  return border;
}

Ground find_ground(const image::Image& picture) {
  const auto border = border_pixels(picture);
  Ground ground;
  for (std::size_t c = 0; c < 3; ++c) {
    std::vector<int> values;
    for (const std::uint8_t* pixel : border) {
      values.push_back(pixel[c]);
    }
    ground.colour[c] = static_cast<std::uint8_t>(quantile(std::move(values), 0.5));
  }
  std::vector<int> distances;
  for (const std::uint8_t* pixel : border) {
    distances.push_back(distance(pixel, ground.colour));
  }
  ground.spread = quantile(std::move(distances), 0.75);
  return ground;
}

/// How far every pixel differs from the ground, and what of it counts as ground.
struct Distances {
  image::GreyImage values;
  int least = 0;  ///< below, a pixel may be ground
};

/// Pixels that the border reaches through such as may be ground are 0, others 255.
image::GreyImage reach_from_border(const Distances& distances) {
  const int width = distances.values.width, height = distances.values.height;
  image::GreyImage subject(width, height, 255);
  std::vector<std::pair<int, int>> todo;
  const auto visit = [&](int x, int y) {
    if (x >= 0 && y >= 0 && x < width && y < height && subject.at(x, y) != 0 &&
        distances.values.at(x, y) < distances.least) {
      subject.at(x, y) = 0;
      todo.emplace_back(x, y);
    }
  };
  for (int x = 0; x < width; ++x) {
    visit(x, 0);
    visit(x, height - 1);
  }
  for (int y = 0; y < height; ++y) {
    visit(0, y);
    visit(width - 1, y);
  }
  while (!todo.empty()) {
    const auto [x, y] = todo.back();
    todo.pop_back();
    visit(x - 1, y);
    visit(x + 1, y);
    visit(x, y - 1);
    visit(x, y + 1);
  }
  return subject;
}

/// The largest (or smallest) value within `reach` pixels.
template <class Better>
image::GreyImage extreme(const image::GreyImage& in, int reach, Better better) {
  const auto pass = [&](const image::GreyImage& from, int dx, int dy) {
    image::GreyImage out = from;
    for (int y = 0; y < from.height; ++y) {
      for (int x = 0; x < from.width; ++x) {
        for (int k = -reach; k <= reach; ++k) {
          const int at_x = std::clamp(x + k * dx, 0, from.width - 1);
          const int at_y = std::clamp(y + k * dy, 0, from.height - 1);
          out.at(x, y) = better(out.at(x, y), from.at(at_x, at_y));
        }
      }
    }
    return out;
  };
  return pass(pass(in, 1, 0), 0, 1);
}

/// Soft where the ground is near: a pixel's difference from the ground as a share of the largest
/// one around it, which is the subject's own.
image::GreyImage soften(const image::GreyImage& subject, const Distances& distances) {
  const auto least = [](std::uint8_t a, std::uint8_t b) { return std::min(a, b); };
  const auto most = [](std::uint8_t a, std::uint8_t b) { return std::max(a, b); };
  const image::GreyImage inner = extreme(subject, kSoftEdge, least);
  const image::GreyImage own = extreme(distances.values, kSoftEdge + 1, most);
  image::GreyImage alpha = subject;
  for (int y = 0; y < alpha.height; ++y) {
    for (int x = 0; x < alpha.width; ++x) {
      if (alpha.at(x, y) == 0 || inner.at(x, y) != 0) {
        continue;
      }
      const double share = static_cast<double>(distances.values.at(x, y)) / own.at(x, y);
      alpha.at(x, y) = static_cast<std::uint8_t>(std::lround(255 * std::min(1.0, share)));
    }
  }
  return alpha;
}

/// The subject's own colour F of I = a F + (1 - a) B.
image::Image without_ground(const image::Image& picture, const image::GreyImage& alpha,
                            const image::Rgb& ground) {
  image::Image out(picture.width, picture.height, 4);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      const double a = alpha.at(x, y) / 255.0;
      for (std::size_t c = 0; c < 3 && a > 0; ++c) {
        const double own = (picture.at(x, y)[c] - (1 - a) * ground[c]) / a;
        out.at(x, y)[c] = static_cast<std::uint8_t>(std::lround(std::clamp(own, 0.0, 255.0)));
      }
      out.at(x, y)[3] = alpha.at(x, y);
    }
  }
  return out;
}

Result<double> judge(const image::GreyImage& alpha) {
  cutout::InspectLimits limits;
  limits.least_coverage = 0.002;  // 11x11 of 256x256 pixels: a speck, not a subject that was framed
  limits.least_largest = 0.4;
  const cutout::Inspection inspection = cutout::inspect_matte(alpha, limits);
  for (const cutout::Finding& finding : inspection.findings) {
    if (finding.oddity != cutout::Oddity::holed) {
      return fail(Errc::invalid_input, finding.text);
    }
  }
  return inspection.measures.coverage;
}

}  // namespace

Result<Silhouette> take_off_white(const image::Image& picture) {
  if (picture.channels == 4 && cutout::carries_alpha(picture)) {
    image::GreyImage alpha(picture.width, picture.height);
    for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
      alpha.pixels[i] = picture.pixels[4 * i + 3];
    }
    LODE_TRY(const double coverage, judge(alpha));
    return Silhouette{picture, coverage, {255, 255, 255}};
  }
  const Ground ground = find_ground(picture);
  if (*std::min_element(ground.colour.begin(), ground.colour.end()) < kDarkestGround) {
    return fail(Errc::invalid_input,
                fmt::format("the ground is not light: its border is {}, {}, {}, expected {} or "
                            "more in every channel",
                            ground.colour[0], ground.colour[1], ground.colour[2], kDarkestGround));
  }
  if (ground.spread > kWidestSpread) {
    return fail(Errc::invalid_input,
                fmt::format("the ground is not plain: a quarter of the border differs by more than "
                            "{} grey levels, expected at most {}",
                            ground.spread, kWidestSpread));
  }
  Distances distances{image::GreyImage(picture.width, picture.height),
                      2 * ground.spread + kLeastDifference};
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      distances.values.at(x, y) =
          static_cast<std::uint8_t>(distance(picture.at(x, y), ground.colour));
    }
  }
  image::GreyImage subject = reach_from_border(distances);
  // Enclosed ground: cleaning fills what of it is small.
  for (std::size_t i = 0; i < subject.pixels.size(); ++i) {
    subject.pixels[i] = distances.values.pixels[i] < distances.least ? 0 : subject.pixels[i];
  }
  subject =
      cutout::clean_matte(subject, {.keep = cutout::Keep::parts, .least_part = kLeastPart}).alpha;
  LODE_TRY(const double coverage, judge(subject));
  const image::GreyImage alpha = soften(subject, distances);
  return Silhouette{without_ground(picture, alpha, ground.colour), coverage, ground.colour};
}

}  // namespace lode::dream
