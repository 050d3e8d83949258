// The projection of a register of gaussians to the image plane, shared by its two directions.
// Included once for every instruction set, like simd-inl.h.
#if defined(LODE_RENDER_PROJECTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LODE_RENDER_PROJECTION_INL_H_
#undef LODE_RENDER_PROJECTION_INL_H_
#else
#define LODE_RENDER_PROJECTION_INL_H_
#endif

#include <algorithm>

#include "render/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lode::render::HWY_NAMESPACE {

struct Vec3 {
  Vec x, y, z;
};

/// The parameters of as many gaussians as a register has lanes.
struct Inputs {
  Vec3 position, scale, colour;
  Vec qx, qy, qz, qw;
  Vec opacity;
};

inline Vec3 load3(const glm::vec3* from) {
  Vec3 v;
  hn::LoadInterleaved3(F32(), &from->x, v.x, v.y, v.z);
  return v;
}

/// Reads gaussians `at`...; lanes at or beyond `end` get opacity 0.
inline Inputs load(const SceneView& scene, const glm::vec3* colours, std::size_t at,
                   std::size_t end) {
  constexpr std::size_t kLanes = kBlockPixels;
  glm::vec3 positions[kLanes], scales[kLanes], padded_colours[kLanes];
  glm::quat rotations[kLanes];
  float opacities[kLanes] = {};
  const glm::vec3 *position = &scene.positions[at], *scale = &scene.scales[at];
  const glm::vec3* colour = colours + at;
  const glm::quat* rotation = &scene.rotations[at];
  const float* opacity = &scene.opacities[at];
  if (const std::size_t n = end - at; n < hn::Lanes(F32())) {
    std::fill_n(positions, kLanes, glm::vec3(0));
    std::fill_n(scales, kLanes, glm::vec3(0));
    std::fill_n(padded_colours, kLanes, glm::vec3(0));
    std::fill_n(rotations, kLanes, glm::quat(1, 0, 0, 0));
    position = std::copy_n(position, n, positions) - n;
    scale = std::copy_n(scale, n, scales) - n;
    colour = std::copy_n(colour, n, padded_colours) - n;
    rotation = std::copy_n(rotation, n, rotations) - n;
    opacity = std::copy_n(opacity, n, opacities) - n;
  }
  Inputs in;
  in.position = load3(position);
  in.scale = load3(scale);
  in.colour = load3(colour);
  static_assert(sizeof(glm::quat) == 4 * sizeof(float));
  hn::LoadInterleaved4(F32(), &rotation->x, in.qx, in.qy, in.qz, in.qw);  // glm stores x first
  in.opacity = hn::LoadU(F32(), opacity);
  return in;
}

inline Mask is_finite(const Inputs& in) {
  // The sum is finite unless a parameter is not, or is so large that it cannot be drawn either.
  return hn::IsFinite(in.position.x + in.position.y + in.position.z + in.scale.x + in.scale.y +
                      in.scale.z + in.colour.x + in.colour.y + in.colour.z + in.qx + in.qy + in.qz +
                      in.qw + in.opacity);
}

/// Columns of the rotation matrix of unit quaternions.
inline void rotation_columns(const Inputs& in, Vec3 (&column)[3]) {
  const Vec one = set(1), two = set(2);
  const Vec x2 = two * in.qx, y2 = two * in.qy, z2 = two * in.qz;
  const Vec xx = in.qx * x2, yy = in.qy * y2, zz = in.qz * z2;
  const Vec xy = in.qx * y2, xz = in.qx * z2, yz = in.qy * z2;
  const Vec wx = in.qw * x2, wy = in.qw * y2, wz = in.qw * z2;
  column[0] = {one - yy - zz, xy + wz, xz - wy};
  column[1] = {xy - wz, one - xx - zz, yz + wx};
  column[2] = {xz + wy, yz - wx, one - xx - yy};
}

inline Vec3 rotate(const View& view, const Vec3& v) {
  const auto row = [&](const float(&r)[3]) {
    return hn::MulAdd(set(r[0]), v.x, hn::MulAdd(set(r[1]), v.y, set(r[2]) * v.z));
  };
  return {row(view.rotation[0]), row(view.rotation[1]), row(view.rotation[2])};
}

/// Everything between parameters and splat that the backward pass needs again.
struct Projection {
  Vec3 centre;  // view space
  Vec inverse_z;
  Vec tangent_x, tangent_y;  // of the linearisation point, clamped
  Vec jx, jy;                // focal length / z
  Vec3 direction[3];         // principal axes in view space, unit
  Vec3 axis[3];              // the same, one standard deviation long
  Vec u[3], w[3];            // the axes on the image plane, pixels
  Vec xx, xy, yy;            // covariance on the image plane, blur included
  Vec determinant;
};

inline Projection project(const View& view, const Inputs& in) {
  Projection out;
  const Vec3 rotated = rotate(view, in.position);
  out.centre = {rotated.x + set(view.translation[0]), rotated.y + set(view.translation[1]),
                rotated.z + set(view.translation[2])};
  out.inverse_z = set(1) / out.centre.z;
  out.tangent_x =
      hn::Min(hn::Max(out.centre.x * out.inverse_z, set(-view.low_x)), set(view.high_x));
  out.tangent_y =
      hn::Min(hn::Max(out.centre.y * out.inverse_z, set(-view.low_y)), set(view.high_y));
  out.jx = set(view.fx) * out.inverse_z;
  out.jy = set(view.fy) * out.inverse_z;
  Vec3 column[3];
  rotation_columns(in, column);
  const Vec scale[3] = {in.scale.x, in.scale.y, in.scale.z};
  Vec xx = hn::Zero(F32()), xy = xx, yy = xx;
  for (int k = 0; k < 3; ++k) {
    const Vec3 d = rotate(view, column[k]);
    out.direction[k] = d;
    out.axis[k] = {d.x * scale[k], d.y * scale[k], d.z * scale[k]};
    const Vec3& a = out.axis[k];
    out.u[k] = out.jx * hn::NegMulAdd(out.tangent_x, a.z, a.x);
    out.w[k] = out.jy * hn::NegMulAdd(out.tangent_y, a.z, a.y);
    xx = hn::MulAdd(out.u[k], out.u[k], xx);
    xy = hn::MulAdd(out.u[k], out.w[k], xy);
    yy = hn::MulAdd(out.w[k], out.w[k], yy);
  }
  // xx yy - xy^2 after the blur, as a sum of squares: nothing cancels for needles.
  const Vec blur = set(kBlur);
  Vec determinant = blur * (xx + yy) + set(kBlur * kBlur);
  for (int k = 0; k < 3; ++k) {
    const int l = (k + 1) % 3;
    const Vec cross = out.u[k] * out.w[l] - out.u[l] * out.w[k];
    determinant = hn::MulAdd(cross, cross, determinant);
  }
  out.determinant = determinant;
  out.xx = xx + blur;
  out.xy = xy;
  out.yy = yy + blur;
  return out;
}

}  // namespace lode::render::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
