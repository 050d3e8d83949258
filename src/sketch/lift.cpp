// Pictures to clouds: silhouette, inflation, the picture on the front, a continuation on the back.
#include <algorithm>
#include <cmath>
#include <glm/common.hpp>

#include "sketch/inflate.h"
#include "sketch/sampler.h"
#include "sketch/scene.h"
#include "sketch/silhouette.h"
#include "sketch/sketch.h"

namespace lode::sketch {
namespace {

using glm::vec2;
using glm::vec3;

constexpr int kLargestPicture = 640;  ///< longest side in which the subject is looked for
constexpr int kLargestShape = 176;    ///< longest side of the grid that is inflated
constexpr int kMargin = 3;            ///< transparent pixels around the shape
/// Thickness for the width. Most things are about as deep as wide; a little less looks better from
/// the side, where the picture's colours are stretched.
constexpr float kDepth = 0.8F;

image::Image shrunk(const image::Image& picture, int longest) {
  const int side = std::max(picture.width, picture.height);
  if (side <= longest) {
    return picture;
  }
  const auto scaled = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(length) * longest / side)));
  };
  return image::resize(picture, scaled(picture.width), scaled(picture.height));
}

/// Colours of a cut-out between its pixels; transparent pixels do not count.
class ColourGrid {
 public:
  explicit ColourGrid(image::Image cutout) : cutout_(std::move(cutout)) {}

  /// At pixel coordinates; bilinear over the opaque ones of the four neighbours.
  vec3 at(vec2 p, const vec3& fallback) const {
    const int x = static_cast<int>(std::floor(p.x)), y = static_cast<int>(std::floor(p.y));
    vec3 sum(0);
    float total = 0;
    for (int i = 0; i < 4; ++i) {
      const int cx = x + (i & 1), cy = y + (i >> 1);
      if (cx < 0 || cy < 0 || cx >= cutout_.width || cy >= cutout_.height) {
        continue;
      }
      const std::uint8_t* pixel = cutout_.at(cx, cy);
      const float weight = (1 - std::abs(p.x - static_cast<float>(cx))) *
                           (1 - std::abs(p.y - static_cast<float>(cy))) *
                           static_cast<float>(pixel[3]);
      sum += weight * vec3(pixel[0], pixel[1], pixel[2]) / 255.0F;
      total += weight;
    }
    return total > 0 ? sum / total : fallback;
  }

  int width() const { return cutout_.width; }
  int height() const { return cutout_.height; }

 private:
  image::Image cutout_;
};

/// The paint of a lifted solid: `detail` is the cut-out, `blurred` a small version of it, both
/// stretched over the grid of the potential.
Paint::Pattern projected(const SplineGrid& potential, const ColourGrid& detail,
                         const ColourGrid& blurred) {
  const vec2 half(0.5F * static_cast<float>(potential.width() - 1),
                  0.5F * static_cast<float>(potential.height() - 1));
  const vec2 size(static_cast<float>(potential.width()), static_cast<float>(potential.height()));
  return [=](const vec3& p, const vec3& n, const vec3&) {
    vec2 pixel(half.x + p.x, half.y - p.y);
    const SplineGrid::Sample u = potential.at(pixel.x, pixel.y);
    const float steep =
        std::sqrt(u.gradient.x * u.gradient.x + u.gradient.y * u.gradient.y) + 1e-6F;
    // The outermost pixels mix with the background, so the rim takes its colour from farther in.
    constexpr float kInset = 1.6F;
    const float inside = u.value / steep;
    pixel += u.gradient / steep * std::clamp(kInset - inside, 0.0F, 2 * kInset);
    const auto read = [&](const ColourGrid& grid, const vec3& fallback) {
      const vec2 scale = vec2(grid.width(), grid.height()) / size;
      return grid.at((pixel + 0.5F) * scale - 0.5F, fallback);
    };
    const vec3 soft = read(blurred, vec3(0.5F));
    const vec3 front = read(detail, soft);
    // The back: the same colours without the detail, paler and darker.
    const float grey = 0.30F * soft.x + 0.59F * soft.y + 0.11F * soft.z;
    const vec3 back = mix(mix(front, soft, 0.75F), vec3(grey), 0.2F) * 0.88F;
    const float behind = std::clamp((0.15F - n.z) / 0.6F, 0.0F, 1.0F);
    return mix(front, back, behind * behind * (3 - 2 * behind));
  };
}

Error cancelled() { return fail(Errc::cancelled, "the lift of the picture was cancelled"); }

}  // namespace

Result<splat::GaussianCloud> lift(const image::Image& picture, std::uint64_t seed,
                                  const Options& options) {
  if (options.stop.stop_requested()) {
    return cancelled();
  }
  const image::Image working = shrunk(picture, kLargestPicture);
  LODE_TRY(const Mask mask, find_subject(working, options.stop));
  const image::Image tight = cut_out(working, mask, 0);
  const image::Image small = shrunk(tight, kLargestShape);
  // The margin is added in shape pixels, and the colour grids get the same share of theirs.
  image::Image shape(small.width + 2 * kMargin, small.height + 2 * kMargin, 4, 0);
  for (int y = 0; y < small.height; ++y) {
    std::copy_n(small.at(0, y), static_cast<std::size_t>(small.width) * 4,
                shape.at(kMargin, y + kMargin));
  }
  const int detail_margin =
      static_cast<int>(std::lround(static_cast<double>(kMargin) * tight.width / small.width));
  const ColourGrid detail(cut_out(working, mask, detail_margin));
  const ColourGrid blurred(shrunk(shape, kLargestShape / 10));
  const SplineGrid potential = inflation(shape, options.stop);
  if (options.stop.stop_requested()) {
    return cancelled();
  }
  Solid solid = inflated(potential, kDepth);

  Part part{std::move(solid), {}};
  part.paint.finish = Finish::picture;
  part.paint.pattern = projected(potential, detail, blurred);
  Placement placement;
  placement.scale = vec3(kSceneExtent / static_cast<float>(std::max(small.width, small.height)));
  const std::vector<PlacedPart> parts = {place(part, placement)};
  const std::size_t count = std::clamp(options.gaussians, kFewestGaussians, kMostGaussians);
  splat::GaussianCloud cloud =
      shade(parts, sample_surface(parts, count, Rng(seed), options.stop), options.stop);
  if (options.stop.stop_requested()) {
    return cancelled();
  }
  return cloud;
}

}  // namespace lode::sketch
