// The Gaussian cloud: a splat's parameters as the 3DGS file formats store them.
#pragma once

#include <cmath>
#include <cstddef>
#include <glm/gtc/quaternion.hpp>
#include <glm/vec3.hpp>
#include <optional>
#include <vector>

namespace lode::splat {

/// Degree-0 spherical-harmonic basis value: rgb = 0.5 + kShC0 * f_dc (3DGS, Kerbl et al. 2023).
inline constexpr float kShC0 = 0.28209479177387814F;

/// ln(p / (1 - p)) of an opacity in (0, 1), as files keep it.
inline float logit(float opacity) { return std::log(opacity / (1 - opacity)); }

/// Logit of 1/255: a fainter gaussian is drawn nowhere.
inline const float kFaintestLogit = -std::log(254.0F);

/// Coefficients per channel above degree 0: 0, 3, 8, 15 for degree 0..3.
constexpr int sh_rest_count(int degree) { return (degree + 1) * (degree + 1) - 1; }

/// N gaussians as a structure of arrays, all of length N, in the *raw* parameters of 3DGS PLY
/// files: before exp, sigmoid and normalisation. World axes: +Y up, +Z towards the viewer of
/// azimuth 0, right-handed, as the validators' cameras see it.
struct GaussianCloud {
  std::vector<glm::vec3> positions;
  std::vector<glm::vec3> log_scales;  ///< natural logarithm of the standard deviation per axis
  std::vector<glm::quat> rotations;   ///< w, x, y, z by name; need not be normalised
  std::vector<float> opacity_logits;
  std::vector<glm::vec3> f_dc;  ///< degree-0 SH per channel
  int sh_degree = 0;            ///< 0..3
  std::vector<float> sh_rest;   ///< [N, sh_rest_count(sh_degree), 3], channel fastest

  std::size_t size() const { return positions.size(); }
  void resize(std::size_t count);
  /// Appends gaussian `index` of `other`, which must have the same SH degree and may be this cloud.
  void append(const GaussianCloud& other, std::size_t index);
};

/// Axis-aligned bounds of the gaussians' centres; both zero for an empty cloud.
struct Bounds {
  glm::vec3 min{0};
  glm::vec3 max{0};
  float extent() const;  ///< longest side
};
Bounds bounds(const std::vector<glm::vec3>& positions);

/// Gaussians ready to be drawn: sigmoid, exp and normalisation applied.
struct Scene {
  std::vector<glm::vec3> positions;
  std::vector<glm::vec3> scales;     ///< standard deviations, world units
  std::vector<glm::quat> rotations;  ///< unit
  std::vector<float> opacities;      ///< 0..1
  std::vector<glm::vec3> colours;    ///< rgb, not clamped
  /// Unset: `colours` are what every camera sees. Set (0..3): the colour seen along the unit
  /// direction d, from the camera, is max(0, colours + sum over k of sh_rest[k] basis_k(d)).
  std::optional<int> sh_degree = {};
  std::vector<float> sh_rest = {};  ///< [N, sh_rest_count(*sh_degree), 3]; empty when unset

  std::size_t size() const { return positions.size(); }
};

/// Whether colours depend on the direction of view.
enum class ColourModel {
  flat,            ///< degree 0 alone, as the validators' loader makes of any file
  view_dependent,  ///< all spherical harmonics, clamped at 0 (3DGS)
};

/// The one that shows all a cloud holds: flat for degree 0.
inline ColourModel own_colours(const GaussianCloud& cloud) {
  return cloud.sh_degree > 0 ? ColourModel::view_dependent : ColourModel::flat;
}

/// Writes into `scene`, whose memory is reused.
void activate(const GaussianCloud& cloud, ColourModel colours, Scene& scene);
Scene activate(const GaussianCloud& cloud, ColourModel colours = ColourModel::flat);

/// The validators' framing (their `gs_utils.transform_gs_data`), quirks included: scales the
/// longest side of the bounds to `box`, subtracts from *every* axis the one mean over all 3N
/// coordinates, and divides opacity by the scale factor, clipped to 0..1. A scene without extent is
/// left as it is.
void frame(Scene& scene, float box = 1.5F);

}  // namespace lode::splat
