#include "judge/thumbnail.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <glm/gtc/quaternion.hpp>

namespace lode::judge {
namespace {

constexpr std::size_t kMaxGaussians = 40'000;
constexpr float kLeastAlpha = 1.0F / 255;  // gsplat skips what is fainter
constexpr float kOpaque = 1e-3F;           // transmittance at which a pixel is finished
constexpr float kDilation = 0.3F;          // gsplat's eps2d, pixels squared
constexpr int kDepthSteps = 4096;

// exp(-x) for x in [0, ln 255], the range in which a gaussian is seen.
class ExpTable {
 public:
  static constexpr float kEnd = 5.5413F;
  ExpTable() {
    for (int i = 0; i <= kSize; ++i) values_[i] = std::exp(-kEnd * (i + 0.5F) / kSize);
  }
  float operator()(float x) const { return values_[static_cast<int>(x * (kSize / kEnd))]; }

 private:
  static constexpr int kSize = 1024;
  std::array<float, kSize + 1> values_{};
};

const ExpTable& exp_minus() {
  static const ExpTable table;
  return table;
}

// A gaussian on the picture.
struct Mark {
  float x, y;              // centre, pixels
  float a, b, c;           // inverse covariance [a b; b c]
  float reach_x, reach_y;  // half sides of the box in which alpha is above kLeastAlpha
  float depth;
  float opacity;
  std::uint32_t source;
};

// Indices of the marks from near to far, in kDepthSteps buckets.
std::vector<std::uint32_t> near_to_far(const std::vector<Mark>& marks) {
  std::vector<std::uint32_t> order(marks.size());
  if (marks.empty())
    return order;
  float nearest = marks[0].depth;
  float farthest = nearest;
  for (const Mark& mark : marks) {
    nearest = std::min(nearest, mark.depth);
    farthest = std::max(farthest, mark.depth);
  }
  const float scale = (kDepthSteps - 1) / std::max(1e-6F, farthest - nearest);
  const auto bucket = [&](const Mark& mark) {
    return static_cast<int>((mark.depth - nearest) * scale);
  };
  std::array<std::uint32_t, kDepthSteps + 1> starts{};
  for (const Mark& mark : marks) ++starts[bucket(mark) + 1];
  for (int i = 0; i < kDepthSteps; ++i) starts[i + 1] += starts[i];
  for (std::uint32_t i = 0; i < marks.size(); ++i) order[starts[bucket(marks[i])]++] = i;
  return order;
}

struct Canvas {
  struct Pixel {
    float r = 0, g = 0, b = 0, transmittance = 1;
  };
  int width, height;
  std::vector<Pixel> pixels;
};

void paint(Canvas& canvas, const Mark& mark, const glm::vec3& colour, const ExpTable& table) {
  const int x0 = std::max(0, static_cast<int>(std::ceil(mark.x - mark.reach_x - 0.5F)));
  const int x1 =
      std::min(canvas.width - 1, static_cast<int>(std::floor(mark.x + mark.reach_x - 0.5F)));
  const int y0 = std::max(0, static_cast<int>(std::ceil(mark.y - mark.reach_y - 0.5F)));
  const int y1 =
      std::min(canvas.height - 1, static_cast<int>(std::floor(mark.y + mark.reach_y - 0.5F)));
  for (int y = y0; y <= y1; ++y) {
    const float dy = static_cast<float>(y) + 0.5F - mark.y;
    for (int x = x0; x <= x1; ++x) {
      Canvas::Pixel& pixel = canvas.pixels[static_cast<std::size_t>(y) * canvas.width + x];
      if (pixel.transmittance < kOpaque)
        continue;
      const float dx = static_cast<float>(x) + 0.5F - mark.x;
      const float sigma = 0.5F * (mark.a * dx * dx + mark.c * dy * dy) + mark.b * dx * dy;
      if (sigma < 0 || sigma >= ExpTable::kEnd)
        continue;
      const float alpha = std::min(0.999F, mark.opacity * table(sigma));
      if (alpha < kLeastAlpha)
        continue;
      const float weight = alpha * pixel.transmittance;
      pixel.r += weight * colour.r;
      pixel.g += weight * colour.g;
      pixel.b += weight * colour.b;
      pixel.transmittance -= weight;
    }
  }
}

Cutout to_cutout(const Canvas& canvas) {
  Cutout result{canvas.width, canvas.height, {}, {}};
  result.rgb.reserve(canvas.pixels.size() * 3);
  result.alpha.reserve(canvas.pixels.size());
  for (const Canvas::Pixel& pixel : canvas.pixels) {
    for (const float value : {pixel.r, pixel.g, pixel.b}) {
      result.rgb.push_back(std::clamp(value, 0.0F, 1.0F));
    }
    result.alpha.push_back(1 - pixel.transmittance);
  }
  return result;
}

}  // namespace

ThumbnailPainter::ThumbnailPainter(const splat::Scene& scene) {
  const std::size_t stride =
      std::max<std::size_t>(1, (scene.size() + kMaxGaussians - 1) / kMaxGaussians);
  const float enlarge = std::sqrt(static_cast<float>(stride));
  gaussians_.reserve(scene.size() / stride + 1);
  for (std::size_t i = 0; i < scene.size(); i += stride) {
    const glm::mat3 axes = glm::mat3_cast(scene.rotations[i]);
    const glm::vec3 s = scene.scales[i] * enlarge;
    const glm::mat3 m(axes[0] * s.x, axes[1] * s.y, axes[2] * s.z);
    const glm::mat3 v = m * glm::transpose(m);
    const Gaussian gaussian{scene.positions[i],
                            {v[0][0], v[1][0], v[2][0], v[1][1], v[2][1], v[2][2]},
                            scene.colours[i],
                            scene.opacities[i]};
    const float sum = gaussian.position.x + gaussian.position.y + gaussian.position.z + v[0][0] +
                      v[1][1] + v[2][2] + gaussian.opacity + gaussian.colour.r + gaussian.colour.g +
                      gaussian.colour.b;
    if (std::isfinite(sum) && gaussian.opacity >= kLeastAlpha)
      gaussians_.push_back(gaussian);
  }
}

Cutout ThumbnailPainter::draw(const render::Camera& camera) const {
  const glm::mat3& r = camera.rotation;
  const glm::vec3 row_x(r[0][0], r[1][0], r[2][0]);
  const glm::vec3 row_y(r[0][1], r[1][1], r[2][1]);
  const glm::vec3 row_z(r[0][2], r[1][2], r[2][2]);
  std::vector<Mark> marks;
  marks.reserve(gaussians_.size());
  for (std::uint32_t i = 0; i < gaussians_.size(); ++i) {
    const Gaussian& g = gaussians_[i];
    const glm::vec3 p = r * g.position + camera.translation;
    if (p.z < camera.near_plane)
      continue;
    const float inverse_z = 1 / p.z;
    const glm::vec3 u = camera.fx * inverse_z * (row_x - p.x * inverse_z * row_z);
    const glm::vec3 w = camera.fy * inverse_z * (row_y - p.y * inverse_z * row_z);
    const auto& v = g.covariance;
    const glm::vec3 vu(v[0] * u.x + v[1] * u.y + v[2] * u.z, v[1] * u.x + v[3] * u.y + v[4] * u.z,
                       v[2] * u.x + v[4] * u.y + v[5] * u.z);
    const glm::vec3 vw(v[0] * w.x + v[1] * w.y + v[2] * w.z, v[1] * w.x + v[3] * w.y + v[4] * w.z,
                       v[2] * w.x + v[4] * w.y + v[5] * w.z);
    const float xx = glm::dot(u, vu) + kDilation;
    const float xy = glm::dot(u, vw);
    const float yy = glm::dot(w, vw) + kDilation;
    const float determinant = xx * yy - xy * xy;
    if (!(determinant > 0))
      continue;
    const float reach = std::sqrt(2 * std::log(g.opacity * 255));
    marks.push_back({camera.fx * p.x * inverse_z + camera.cx,
                     camera.fy * p.y * inverse_z + camera.cy, yy / determinant, -xy / determinant,
                     xx / determinant, reach * std::sqrt(xx), reach * std::sqrt(yy), p.z, g.opacity,
                     i});
  }
  Canvas canvas{camera.width, camera.height, {}};
  canvas.pixels.resize(static_cast<std::size_t>(camera.width) * camera.height);
  const ExpTable& table = exp_minus();
  for (const std::uint32_t index : near_to_far(marks)) {
    paint(canvas, marks[index], gaussians_[marks[index].source].colour, table);
  }
  return to_cutout(canvas);
}

}  // namespace lode::judge
