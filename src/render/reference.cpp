#include "render/reference.h"

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/gtc/quaternion.hpp>
#include <glm/mat3x3.hpp>

namespace lode::render {
namespace {

constexpr double kMinAlphaExact = 1.0 / 255, kMaxAlphaExact = 0.999;
constexpr double kMinTransmittanceExact = 1e-4;

/// 3DGS' spherical harmonics as its paper's code writes them out, degree by degree.
glm::dvec3 view_colour(const SceneView& scene, std::size_t i, const glm::dvec3& d) {
  const int degree = *scene.sh_degree, count = splat::sh_rest_count(degree);
  const double x = d.x, y = d.y, z = d.z;
  const double basis[15] = {-0.48860251190291992 * y,
                            0.48860251190291992 * z,
                            -0.48860251190291992 * x,
                            1.0925484305920792 * x * y,
                            -1.0925484305920792 * y * z,
                            0.31539156525252005 * (2 * z * z - x * x - y * y),
                            -1.0925484305920792 * x * z,
                            0.54627421529603959 * (x * x - y * y),
                            -0.59004358992664352 * y * (3 * x * x - y * y),
                            2.8906114426405538 * x * y * z,
                            -0.45704579946446572 * y * (4 * z * z - x * x - y * y),
                            0.37317633259011546 * z * (2 * z * z - 3 * x * x - 3 * y * y),
                            -0.45704579946446572 * x * (4 * z * z - x * x - y * y),
                            1.4453057213202769 * z * (x * x - y * y),
                            -0.59004358992664352 * x * (x * x - 3 * y * y)};
  glm::dvec3 colour(scene.colours[i]);
  for (int k = 0; k < count; ++k) {
    const float* c = &scene.sh_rest[(i * static_cast<std::size_t>(count) + k) * 3];
    colour += basis[k] * glm::dvec3(c[0], c[1], c[2]);
  }
  return {std::max(colour.x, 0.0), std::max(colour.y, 0.0), std::max(colour.z, 0.0)};
}

}  // namespace

Reference::Reference(const SceneView& scene, const Camera& camera) : gaussians_(scene.size()) {
  for (std::size_t i = 0; i < scene.size(); ++i) {
    project(scene, camera, i);
  }
  std::stable_sort(order_.begin(), order_.end(),
                   [&](std::size_t l, std::size_t r) { return gaussians_[l].z < gaussians_[r].z; });
}

void Reference::project(const SceneView& scene, const Camera& camera, std::size_t i) {
  const glm::dmat3 view(camera.rotation);
  const glm::dvec3 p = view * glm::dvec3(scene.positions[i]) + glm::dvec3(camera.translation);
  if (p.z < camera.near_plane || p.z > camera.far_plane ||
      scene.opacities[i] < static_cast<float>(kMinAlphaExact)) {
    return;
  }
  const glm::dmat3 rotation = glm::mat3_cast(glm::dquat(scene.rotations[i]));
  glm::dmat3 scale(0);
  for (int axis = 0; axis < 3; ++axis) {
    scale[axis][axis] = scene.scales[i][axis];
  }
  const glm::dmat3 root = view * rotation * scale;
  const glm::dmat3 covariance = root * glm::transpose(root);
  const double w = camera.width, h = camera.height, fx = camera.fx, fy = camera.fy;
  const double slack_x = 0.3 * 0.5 * w / fx, slack_y = 0.3 * 0.5 * h / fy;
  const double tx =
      p.z * std::clamp(p.x / p.z, -camera.cx / fx - slack_x, (w - camera.cx) / fx + slack_x);
  const double ty =
      p.z * std::clamp(p.y / p.z, -camera.cy / fy - slack_y, (h - camera.cy) / fy + slack_y);
  const glm::dvec3 jx(fx / p.z, 0, -fx * tx / (p.z * p.z));
  const glm::dvec3 jy(0, fy / p.z, -fy * ty / (p.z * p.z));
  const double xx = glm::dot(jx, covariance * jx) + 0.3;
  const double yy = glm::dot(jy, covariance * jy) + 0.3;
  const double xy = glm::dot(jx, covariance * jy);
  const double det = xx * yy - xy * xy;
  if (!(det > 0)) {
    return;
  }
  Projected& g = gaussians_[i];
  g.z = p.z;
  g.x = fx * p.x / p.z + camera.cx;
  g.y = fy * p.y / p.z + camera.cy;
  g.a = yy / det;
  g.b = -xy / det;
  g.c = xx / det;
  g.opacity = scene.opacities[i];
  const glm::dvec3 eye = -(glm::transpose(view) * glm::dvec3(camera.translation));
  g.colour = scene.sh_degree
                 ? view_colour(scene, i, glm::normalize(glm::dvec3(scene.positions[i]) - eye))
                 : glm::dvec3(scene.colours[i]);
  order_.push_back(i);
}

double Reference::alpha(const Projected& g, int x, int y) const {
  const double dx = g.x - (x + 0.5), dy = g.y - (y + 0.5);
  const double sigma = 0.5 * (g.a * dx * dx + g.c * dy * dy) + g.b * dx * dy;
  return g.opacity * std::exp(-sigma);
}

std::vector<std::size_t> Reference::contributors(int x, int y) const {
  std::vector<std::size_t> found;
  double transmittance = 1;
  for (const std::size_t i : order_) {
    const double a = std::min(kMaxAlphaExact, alpha(gaussians_[i], x, y));
    if (a < kMinAlphaExact) {
      continue;
    }
    transmittance *= 1 - a;
    if (transmittance <= kMinTransmittanceExact) {
      break;
    }
    found.push_back(i);
  }
  return found;
}

Reference::Pixel Reference::blend(std::span<const std::size_t> gaussians, int x, int y,
                                  const glm::dvec3& background) const {
  Pixel out;
  double transmittance = 1, depth = 0;
  for (const std::size_t i : gaussians) {
    const Projected& g = gaussians_[i];
    const double a = std::min(kMaxAlphaExact, alpha(g, x, y));
    out.rgb += a * transmittance * g.colour;
    depth += a * transmittance * g.z;
    transmittance *= 1 - a;
  }
  out.rgb += transmittance * background;
  out.alpha = 1 - transmittance;
  out.depth = out.alpha > 0 ? depth / out.alpha : 0;
  return out;
}

Reference::Pixel Reference::pixel(int x, int y, const glm::dvec3& background) const {
  return blend(contributors(x, y), x, y, background);
}

double Reference::margin(int x, int y) const {
  double margin = 1, transmittance = 1;
  for (const std::size_t i : order_) {
    const double raw = alpha(gaussians_[i], x, y), a = std::min(kMaxAlphaExact, raw);
    margin =
        std::min({margin, std::abs(raw / kMinAlphaExact - 1), std::abs(raw / kMaxAlphaExact - 1)});
    if (a < kMinAlphaExact) {
      continue;
    }
    transmittance *= 1 - a;
    margin = std::min(margin, std::abs(transmittance / kMinTransmittanceExact - 1));
    if (transmittance <= kMinTransmittanceExact) {
      break;
    }
  }
  return margin;
}

}  // namespace lode::render
