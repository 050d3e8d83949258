#include "render/sh.h"

#include <algorithm>
#include <array>
#include <glm/common.hpp>
#include <glm/geometric.hpp>

namespace lode::render {
namespace {

constexpr int kMaxRest = 15;  // coefficients a channel above degree 0, at degree 3

/// Real spherical harmonics above degree 0 in the order and signs of 3DGS (Kerbl et al. 2023,
/// constants of the original implementation's sh_utils.py), at a unit direction.
using Basis = std::array<float, kMaxRest>;

constexpr float kC1 = 0.4886025119029199F;
constexpr std::array<float, 5> kC2 = {1.0925484305920792F, -1.0925484305920792F,
                                      0.31539156525252005F, -1.0925484305920792F,
                                      0.5462742152960396F};
constexpr std::array<float, 7> kC3 = {
    -0.5900435899266435F, 2.890611442640554F, -0.4570457994644658F, 0.3731763325901154F,
    -0.4570457994644658F, 1.445305721320277F, -0.5900435899266435F};

Basis basis_at(int degree, const glm::vec3& d) {
  Basis basis{};
  const float x = d.x, y = d.y, z = d.z;
  if (degree >= 1) {
    basis[0] = -kC1 * y;
    basis[1] = kC1 * z;
    basis[2] = -kC1 * x;
  }
  if (degree >= 2) {
    basis[3] = kC2[0] * x * y;
    basis[4] = kC2[1] * y * z;
    basis[5] = kC2[2] * (2 * z * z - x * x - y * y);
    basis[6] = kC2[3] * x * z;
    basis[7] = kC2[4] * (x * x - y * y);
  }
  if (degree >= 3) {
    basis[8] = kC3[0] * y * (3 * x * x - y * y);
    basis[9] = kC3[1] * x * y * z;
    basis[10] = kC3[2] * y * (4 * z * z - x * x - y * y);
    basis[11] = kC3[3] * z * (2 * z * z - 3 * x * x - 3 * y * y);
    basis[12] = kC3[4] * x * (4 * z * z - x * x - y * y);
    basis[13] = kC3[5] * z * (x * x - y * y);
    basis[14] = kC3[6] * x * (x * x - 3 * y * y);
  }
  return basis;
}

/// Derivatives of each basis function by x, y, z as independent numbers.
std::array<glm::vec3, kMaxRest> basis_gradient(int degree, const glm::vec3& d) {
  std::array<glm::vec3, kMaxRest> by{};
  const float x = d.x, y = d.y, z = d.z;
  if (degree >= 1) {
    by[0] = {0, -kC1, 0};
    by[1] = {0, 0, kC1};
    by[2] = {-kC1, 0, 0};
  }
  if (degree >= 2) {
    by[3] = kC2[0] * glm::vec3(y, x, 0);
    by[4] = kC2[1] * glm::vec3(0, z, y);
    by[5] = kC2[2] * glm::vec3(-2 * x, -2 * y, 4 * z);
    by[6] = kC2[3] * glm::vec3(z, 0, x);
    by[7] = kC2[4] * glm::vec3(2 * x, -2 * y, 0);
  }
  if (degree >= 3) {
    by[8] = kC3[0] * glm::vec3(6 * x * y, 3 * x * x - 3 * y * y, 0);
    by[9] = kC3[1] * glm::vec3(y * z, x * z, x * y);
    by[10] = kC3[2] * glm::vec3(-2 * x * y, 4 * z * z - x * x - 3 * y * y, 8 * y * z);
    by[11] = kC3[3] * glm::vec3(-6 * x * z, -6 * y * z, 6 * z * z - 3 * x * x - 3 * y * y);
    by[12] = kC3[4] * glm::vec3(4 * z * z - 3 * x * x - y * y, -2 * x * y, 8 * x * z);
    by[13] = kC3[5] * glm::vec3(2 * x * z, -2 * y * z, x * x - y * y);
    by[14] = kC3[6] * glm::vec3(3 * x * x - 3 * y * y, -6 * x * y, 0);
  }
  return by;
}

/// -R^T t: where the camera is.
glm::vec3 camera_position(const View& view) {
  glm::vec3 position(0);
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      position[column] -= view.rotation[row][column] * view.translation[row];
    }
  }
  return position;
}

glm::vec3 coefficient(std::span<const float> rest, std::size_t k) {
  return {rest[k * 3], rest[k * 3 + 1], rest[k * 3 + 2]};
}

/// Before the clamp at 0.
glm::vec3 unclamped(const SceneView& scene, std::size_t index, const Basis& basis) {
  const auto count = static_cast<std::size_t>(splat::sh_rest_count(*scene.sh_degree));
  const auto rest = scene.sh_rest.subspan(index * count * 3, count * 3);
  glm::vec3 colour = scene.colours[index];
  for (std::size_t k = 0; k < count; ++k) {
    colour += coefficient(rest, k) * basis[k];
  }
  return colour;
}

/// From the camera to a gaussian. One at the camera, which is never drawn, has some direction: NaN
/// would pass for a parameter that is not finite.
struct Sight {
  glm::vec3 direction{0, 0, 1};
  float distance = 1;

  explicit Sight(const glm::vec3& offset) {
    if (const float length = glm::length(offset); length != 0) {
      direction = offset / length;
      distance = length;
    }
  }
};

void view_colour_backward(const SceneView& scene, std::size_t index, const Sight& sight,
                          SceneGradient& out) {
  const int degree = *scene.sh_degree;
  const auto count = static_cast<std::size_t>(splat::sh_rest_count(degree));
  const glm::vec3& direction = sight.direction;
  const Basis basis = basis_at(degree, direction);
  const glm::vec3 colour = unclamped(scene, index, basis);
  glm::vec3& by = out.colours[index];
  for (int c = 0; c < 3; ++c) {
    by[c] = colour[c] > 0 ? by[c] : 0;
  }
  const auto by_basis = basis_gradient(degree, direction);
  const auto rest = scene.sh_rest.subspan(index * count * 3, count * 3);
  glm::vec3 by_direction(0);
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t c = 0; c < 3; ++c) {
      out.sh_rest[(index * count + k) * 3 + c] = by[static_cast<int>(c)] * basis[k];
    }
    by_direction += glm::dot(by, coefficient(rest, k)) * by_basis[k];
  }
  // Only the part across the direction moves it.
  out.positions[index] +=
      (by_direction - glm::dot(by_direction, direction) * direction) / sight.distance;
}

}  // namespace

void view_colours(const SceneView& scene, const View& view, std::size_t begin, std::size_t end,
                  glm::vec3* seen) {
  const glm::vec3 eye = camera_position(view);
  for (std::size_t i = begin; i < end; ++i) {
    const Sight sight(scene.positions[i] - eye);
    const glm::vec3 colour = unclamped(scene, i, basis_at(*scene.sh_degree, sight.direction));
    // Not glm::max, which would turn NaN, by which bad gaussians are known, to 0.
    seen[i] = {colour.x < 0 ? 0 : colour.x, colour.y < 0 ? 0 : colour.y,
               colour.z < 0 ? 0 : colour.z};
  }
}

void view_colours_backward(const SceneView& scene, const View& view, std::size_t begin,
                           std::size_t end, SceneGradient& out) {
  const glm::vec3 eye = camera_position(view);
  for (std::size_t i = begin; i < end; ++i) {
    view_colour_backward(scene, i, Sight(scene.positions[i] - eye), out);
  }
}

}  // namespace lode::render
