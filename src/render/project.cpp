// Perspective projection of gaussians: EWA splatting with gsplat v1.5.3's constants.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "render/project.cpp"
#include <hwy/foreach_target.h>
// Highway's headers come after foreach_target.h.
#include <hwy/contrib/math/math-inl.h>

#include "render/projection-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lode::render::HWY_NAMESPACE {

/// What is written of a splat, one array a member, so that lanes can be taken out one by one.
struct Lanes {
  static constexpr std::size_t kMax = kBlockPixels;
  alignas(64) float x[kMax], y[kMax], shear[kMax], p[kMax], q[kMax], log_opacity[kMax], lean[kMax];
  alignas(64) float red[kMax], green[kMax], blue[kMax], depth[kMax];
  alignas(64) std::int32_t x_begin[kMax], x_end[kMax], y_begin[kMax], y_end[kMax];  // tiles
};

/// First and one past the last tile with a pixel whose centre lies within `reach` of `centre`;
/// equal when there is none.
inline void tile_range(Vec centre, Vec reach, int size, std::int32_t* begin, std::int32_t* end) {
  const Vec half = set(0.5F);
  const Vec first = hn::Max(hn::Ceil(centre - reach - half), set(0));
  const Vec last = hn::Min(hn::Floor(centre + reach - half), set(static_cast<float>(size - 1)));
  // Clamped again from the other side, so that the conversion cannot overflow.
  const auto first_tile =
      hn::ShiftRight<4>(hn::ConvertTo(I32(), hn::Min(first, set(static_cast<float>(size)))));
  const auto last_tile = hn::ShiftRight<4>(hn::ConvertTo(I32(), hn::Max(last, set(-1))));
  const Mask any = last >= first;
  hn::Store(hn::IfThenElseZero(hn::RebindMask(I32(), any), first_tile), I32(), begin);
  hn::Store(hn::IfThenElseZero(hn::RebindMask(I32(), any), last_tile + hn::Set(I32(), 1)), I32(),
            end);
}

/// Fills `lanes`; returns which lanes are drawn, as bits.
inline std::uint64_t project_lanes(const View& view, const Inputs& in, Lanes& lanes) {
  const F32 d;
  const Projection at = project(view, in);
  const Mask drawn = hn::And(
      hn::And(hn::And(is_finite(in), in.opacity >= set(kMinAlpha)),
              hn::And(at.centre.z >= set(view.near_plane), at.centre.z <= set(view.far_plane))),
      hn::And(at.determinant > hn::Zero(d), hn::IsFinite(at.determinant * at.xx * at.yy)));
  const Vec inverse_yy = set(1) / at.yy;
  const Vec shear = at.xy * inverse_yy;
  const Vec p = set(0.5F * kLog2E) * at.yy / at.determinant;
  const Vec q = set(0.5F * kLog2E) * inverse_yy;
  const Vec x = hn::MulAdd(at.jx, at.centre.x, set(view.cx));
  const Vec y = hn::MulAdd(at.jy, at.centre.y, set(view.cy));
  // Beyond this power alpha is below kMinAlpha. Scenes of callers may have opacities above 1; what
  // is over the cap makes no difference as long as the exponent holds it.
  const Vec log_opacity = hn::Min(hn::Log2(d, in.opacity), set(100));
  const Vec power = log_opacity - set(kLog2MinAlpha);
  const Vec deviations = hn::Sqrt(hn::Max(power, hn::Zero(d)) * set(2 / kLog2E));
  // The slack covers the rounding of this and of the blending.
  const Vec slack = set(1.0001F), more = set(1e-3F);
  const Vec reach_x = hn::MulAdd(deviations * hn::Sqrt(at.xx), slack, more);
  const Vec reach_y = hn::MulAdd(deviations * hn::Sqrt(at.yy), slack, more);
  tile_range(x, reach_x, view.width, lanes.x_begin, lanes.x_end);
  tile_range(y, reach_y, view.height, lanes.y_begin, lanes.y_end);
  hn::Store(x, d, lanes.x);
  hn::Store(y, d, lanes.y);
  hn::Store(shear, d, lanes.shear);
  hn::Store(p, d, lanes.p);
  hn::Store(q, d, lanes.q);
  hn::Store(p * shear / hn::MulAdd(p * shear, shear, q), d, lanes.lean);
  hn::Store(log_opacity, d, lanes.log_opacity);
  hn::Store(in.colour.x, d, lanes.red);
  hn::Store(in.colour.y, d, lanes.green);
  hn::Store(in.colour.z, d, lanes.blue);
  hn::Store(at.centre.z, d, lanes.depth);
  std::uint64_t bits = 0;
  hn::StoreMaskBits(d, drawn, reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

/// Takes one lane out, unless it reaches no tile.
inline bool take(const Lanes& lanes, std::size_t lane, Splat& splat) {
  if (lanes.x_begin[lane] >= lanes.x_end[lane] || lanes.y_begin[lane] >= lanes.y_end[lane]) {
    return false;
  }
  splat.x = lanes.x[lane];
  splat.y = lanes.y[lane];
  splat.shear = lanes.shear[lane];
  splat.p = lanes.p[lane];
  splat.q = lanes.q[lane];
  splat.log_opacity = lanes.log_opacity[lane];
  splat.lean = lanes.lean[lane];
  splat.red = lanes.red[lane];
  splat.green = lanes.green[lane];
  splat.blue = lanes.blue[lane];
  splat.depth = lanes.depth[lane];
  splat.x_begin = static_cast<std::uint16_t>(lanes.x_begin[lane]);
  splat.x_end = static_cast<std::uint16_t>(lanes.x_end[lane]);
  splat.y_begin = static_cast<std::uint16_t>(lanes.y_begin[lane]);
  splat.y_end = static_cast<std::uint16_t>(lanes.y_end[lane]);
  return true;
}

void project_slice(ProjectJob& job) {
  const std::size_t step = hn::Lanes(F32());
  Lanes lanes;
  Splat* out = job.splats;
  for (std::size_t i = job.begin; i < job.end; i += step) {
    const Inputs in = load(*job.scene, job.colours, i, job.end);
    if (job.first_bad == SIZE_MAX && !hn::AllTrue(F32(), is_finite(in))) {
      job.first_bad =
          i + static_cast<std::size_t>(hn::FindKnownFirstTrue(F32(), hn::Not(is_finite(in))));
    }
    for (std::uint64_t left = project_lanes(*job.view, in, lanes); left != 0; left &= left - 1) {
      const auto lane = static_cast<std::size_t>(__builtin_ctzll(left));
      if (!take(lanes, lane, *out)) {
        continue;
      }
      out->gaussian = static_cast<std::uint32_t>(i + lane);
      for (std::size_t y = out->y_begin; y < out->y_end; ++y) {
        for (std::size_t x = out->x_begin; x < out->x_end; ++x) {
          ++job.tile_counts[y * static_cast<std::size_t>(job.view->columns) + x];
        }
      }
      ++out;
    }
  }
  job.n_drawn = static_cast<std::size_t>(out - job.splats);
}

}  // namespace lode::render::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lode::render {

HWY_EXPORT(project_slice);

View::View(const Camera& camera)
    : fx(camera.fx),
      fy(camera.fy),
      cx(camera.cx),
      cy(camera.cy),
      near_plane(camera.near_plane),
      far_plane(camera.far_plane),
      width(camera.width),
      height(camera.height),
      columns((camera.width + kTileSize - 1) / kTileSize),
      rows((camera.height + kTileSize - 1) / kTileSize) {
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      rotation[row][column] = camera.rotation[column][row];
    }
    translation[row] = camera.translation[row];
  }
  const auto w = static_cast<float>(width), h = static_cast<float>(height);
  const float slack_x = 0.3F * 0.5F * w / fx, slack_y = 0.3F * 0.5F * h / fy;
  low_x = cx / fx + slack_x;
  high_x = (w - cx) / fx + slack_x;
  low_y = cy / fy + slack_y;
  high_y = (h - cy) / fy + slack_y;
}

void project(ProjectJob& job) { HWY_DYNAMIC_DISPATCH(project_slice)(job); }

}  // namespace lode::render
#endif
