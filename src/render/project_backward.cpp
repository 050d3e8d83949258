// The way back through projection: from the sums over pixels to the parameters of the gaussians.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "render/project_backward.cpp"
#include <hwy/foreach_target.h>
// Highway's headers come after foreach_target.h.
#include <algorithm>

#include "render/projection-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lode::render::HWY_NAMESPACE {

constexpr float kLn2 = 0.693147181F;

/// Sums of one gaussian a lane, over all its tiles.
struct LaneSums {
  alignas(64) float value[kSplatSums][kBlockPixels];
  alignas(64) float drawn[kBlockPixels];  // 1 or 0
};

/// Adds up the tiles of every splat of gaussians first..; returns the number of splats taken.
inline std::size_t gather(const ProjectBackwardJob& job, std::size_t splat, std::size_t first,
                          LaneSums& lanes) {
  std::fill_n(&lanes.value[0][0], kSplatSums * kBlockPixels, 0.0F);
  std::fill_n(lanes.drawn, kBlockPixels, 0.0F);
  std::size_t n = 0;
  for (; splat + n < job.n_drawn; ++n) {
    const Splat& s = job.splats[splat + n];
    const std::size_t lane = s.gaussian - first;
    if (lane >= hn::Lanes(F32())) {
      break;
    }
    float total[kSplatSums] = {};
    const float* row = job.sums + job.first_entries[splat + n] * kSplatSums;
    for (std::size_t t = 0; t < s.tiles(); ++t, row += kSplatSums) {
      for (int i = 0; i < kSplatSums; ++i) {
        total[i] += row[i];
      }
    }
    for (int i = 0; i < kSplatSums; ++i) {
      lanes.value[i][lane] = total[i];
    }
    lanes.drawn[lane] = 1;
  }
  return n;
}

/// By the entries of the projected covariance (`xy` counts for both places) and by the centre.
struct ByPlane {
  Vec xx, xy, yy, x, y;
};

inline ByPlane by_plane(const Projection& at, const LaneSums& lanes) {
  const F32 d;
  const auto sum = [&](SplatSum which) { return hn::Load(d, lanes.value[which]); };
  const Vec two = set(2);
  // sigma = p bent^2 + q dy^2 with p = yy / (2 det), q = 1 / (2 yy), shear = xy / yy, whose
  // derivatives by xx, xy, yy are polynomials in p, q and shear.
  const Vec q = set(0.5F) / at.yy;
  const Vec p = set(0.5F) * at.yy / at.determinant;
  const Vec shear = at.xy * two * q;
  const Vec by_p = hn::Neg(sum(kBentBent)), by_q = hn::Neg(sum(kDyDy));
  const Vec by_shear = two * p * sum(kBentDy);
  const Vec pp = two * p * p * by_p;
  ByPlane by;
  by.xx = hn::Neg(pp);
  by.xy = two * pp * shear + two * q * by_shear;
  by.yy = hn::Neg(pp * shear * shear + two * q * q * by_q + two * q * shear * by_shear);
  by.x = hn::Neg(two * p * sum(kBent));
  by.y = hn::Neg(two * q * sum(kDy) + by.x * shear);
  return by;
}

/// By the principal axes and the centre in view space.
struct ByView {
  Vec3 axis[3], centre;
};

inline ByView by_view(const View& view, const Projection& at, const ByPlane& by, Vec by_depth) {
  const F32 d;
  const Vec zero = hn::Zero(d), two = set(2);
  Vec by_jx = zero, by_jy = zero, by_tx = zero, by_ty = zero;
  ByView out;
  for (int k = 0; k < 3; ++k) {
    const Vec by_u = two * by.xx * at.u[k] + by.xy * at.w[k];
    const Vec by_w = by.xy * at.u[k] + two * by.yy * at.w[k];
    const Vec3& a = at.axis[k];
    out.axis[k].x = at.jx * by_u;
    out.axis[k].y = at.jy * by_w;
    out.axis[k].z = hn::Neg(at.tangent_x * out.axis[k].x + at.tangent_y * out.axis[k].y);
    by_jx = by_jx + by_u * (a.x - at.tangent_x * a.z);
    by_jy = by_jy + by_w * (a.y - at.tangent_y * a.z);
    by_tx = by_tx - out.axis[k].x * a.z;
    by_ty = by_ty - out.axis[k].y * a.z;
  }
  // Where the tangent is clamped it does not move.
  const Vec slope_x = at.centre.x * at.inverse_z, slope_y = at.centre.y * at.inverse_z;
  by_tx =
      hn::IfThenElseZero(hn::And(slope_x >= set(-view.low_x), slope_x <= set(view.high_x)), by_tx);
  by_ty =
      hn::IfThenElseZero(hn::And(slope_y >= set(-view.low_y), slope_y <= set(view.high_y)), by_ty);
  // Both the centre on the plane and the tangent go with x / z, y / z.
  const Vec by_slope_x = set(view.fx) * by.x + by_tx, by_slope_y = set(view.fy) * by.y + by_ty;
  out.centre.x = by_slope_x * at.inverse_z;
  out.centre.y = by_slope_y * at.inverse_z;
  out.centre.z = by_depth - at.inverse_z * (by_jx * at.jx + by_jy * at.jy + by_slope_x * slope_x +
                                            by_slope_y * slope_y);
  return out;
}

inline Vec3 rotate_back(const View& view, const Vec3& v) {
  const auto column = [&](int c) {
    return set(view.rotation[0][c]) * v.x + set(view.rotation[1][c]) * v.y +
           set(view.rotation[2][c]) * v.z;
  };
  return {column(0), column(1), column(2)};
}

inline Vec dot(const Vec3& a, const Vec3& b) { return a.x * b.x + a.y * b.y + a.z * b.z; }

struct ByQuat {
  Vec x, y, z, w;
};

/// By the quaternion's numbers, from the derivatives by the columns of its rotation matrix.
inline ByQuat by_quat(const Inputs& in, const Vec3 (&c)[3]) {
  // m[row][column]
  const Vec m[3][3] = {
      {c[0].x, c[1].x, c[2].x}, {c[0].y, c[1].y, c[2].y}, {c[0].z, c[1].z, c[2].z}};
  const Vec two = set(2);
  const Vec s01 = m[0][1] + m[1][0], s02 = m[0][2] + m[2][0], s12 = m[1][2] + m[2][1];
  const Vec a21 = m[2][1] - m[1][2], a02 = m[0][2] - m[2][0], a10 = m[1][0] - m[0][1];
  ByQuat by;
  by.w = two * (in.qx * a21 + in.qy * a02 + in.qz * a10);
  by.x = two * (in.qy * s01 + in.qz * s02 + in.qw * a21 - two * in.qx * (m[1][1] + m[2][2]));
  by.y = two * (in.qx * s01 + in.qz * s12 + in.qw * a02 - two * in.qy * (m[0][0] + m[2][2]));
  by.z = two * (in.qx * s02 + in.qy * s12 + in.qw * a10 - two * in.qz * (m[0][0] + m[1][1]));
  return by;
}

/// Writes the lanes of gaussians at..end-1, zeros for those that were not drawn.
struct Writer {
  std::size_t at, n;
  Mask drawn;

  Vec masked(Vec v) const { return hn::IfThenElseZero(drawn, v); }

  void write3(const Vec3& v, glm::vec3* out) const {
    alignas(64) float lanes[kBlockPixels * 3];
    hn::StoreInterleaved3(masked(v.x), masked(v.y), masked(v.z), F32(), lanes);
    std::copy_n(lanes, n * 3, &out[at].x);
  }
  void write4(const ByQuat& v, glm::quat* out) const {
    alignas(64) float lanes[kBlockPixels * 4];
    hn::StoreInterleaved4(masked(v.x), masked(v.y), masked(v.z), masked(v.w), F32(), lanes);
    std::copy_n(lanes, n * 4, &out[at].x);
  }
  void write2(Vec x, Vec y, glm::vec2* out) const {
    alignas(64) float lanes[kBlockPixels * 2];
    hn::StoreInterleaved2(masked(x), masked(y), F32(), lanes);
    std::copy_n(lanes, n * 2, &out[at].x);
  }
  void write1(Vec v, float* out) const {
    alignas(64) float lanes[kBlockPixels];
    hn::Store(masked(v), F32(), lanes);
    std::copy_n(lanes, n, out + at);
  }
};

void project_backward_slice(const ProjectBackwardJob& job) {
  const F32 d;
  const std::size_t step = hn::Lanes(d);
  SceneGradient& out = *job.out;
  LaneSums lanes;
  std::size_t splat = 0;
  for (std::size_t i = job.begin; i < job.end; i += step) {
    splat += gather(job, splat, i, lanes);
    const auto sum = [&](SplatSum which) { return hn::Load(d, lanes.value[which]); };
    const Inputs in = load(*job.scene, job.colours, i, job.end);
    const Projection at = project(*job.view, in);
    const ByPlane plane = by_plane(at, lanes);
    const ByView by = by_view(*job.view, at, plane, sum(kDepth));
    const Writer writer{i, std::min(step, job.end - i), hn::Load(d, lanes.drawn) > hn::Zero(d)};
    writer.write3(rotate_back(*job.view, by.centre), out.positions.data());
    writer.write3({dot(by.axis[0], at.direction[0]), dot(by.axis[1], at.direction[1]),
                   dot(by.axis[2], at.direction[2])},
                  out.scales.data());
    const Vec scale[3] = {in.scale.x, in.scale.y, in.scale.z};
    Vec3 by_column[3];
    for (int k = 0; k < 3; ++k) {
      const Vec3 world = rotate_back(*job.view, by.axis[k]);
      by_column[k] = {world.x * scale[k], world.y * scale[k], world.z * scale[k]};
    }
    writer.write4(by_quat(in, by_column), out.rotations.data());
    writer.write3({sum(kRed), sum(kGreen), sum(kBlue)}, out.colours.data());
    writer.write1(sum(kByLogAlpha) / in.opacity, out.opacities.data());
    writer.write2(plane.x, plane.y, out.centres.data());
    writer.write2(set(2 * kLn2) * sum(kAbsX), set(2 * kLn2) * sum(kAbsY), out.centres_abs.data());
    // Inria's radius: the 0.1 keeps their square root away from 0.
    const Vec middle = set(0.5F) * (at.xx + at.yy);
    const Vec spread = hn::Sqrt(hn::Max(set(0.1F), middle * middle - at.determinant));
    writer.write1(set(3) * hn::Sqrt(middle + spread), out.radii.data());
  }
}

}  // namespace lode::render::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lode::render {

HWY_EXPORT(project_backward_slice);

void project_backward(const ProjectBackwardJob& job) {
  HWY_DYNAMIC_DISPATCH(project_backward_slice)(job);
}

}  // namespace lode::render
#endif
