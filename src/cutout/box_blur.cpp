#include <cstddef>

#include "cutout/box_blur_internal.h"

namespace lode::cutout {
namespace {

/// The index within 0..length-1 that mirroring shows at `at`.
std::size_t mirrored(int at, int length) {
  if (length == 1) {
    return 0;
  }
  const int period = 2 * (length - 1);
  at %= period;
  at = at < 0 ? at + period : at;
  return static_cast<std::size_t>(at < length ? at : period - at);
}

/// Running means over `length` items of `width` values each, `stride` values apart: rows of a
/// picture for the vertical pass, pixels of a row for the horizontal one.
struct Pass {
  int length;
  std::size_t width, stride;
};

/// `sums` is scratch of at least `width` values; in double, so that thousands of steps of adding
/// and taking away leave no trace.
void running_mean(const float* in, float* out, const Pass& pass, int size,
                  std::vector<double>& sums) {
  const int before = size / 2, after = size - 1 - before;
  const double scale = 1.0 / size;
  sums.assign(pass.width, 0.0);
  for (int i = -before; i <= after; ++i) {
    const float* item = in + mirrored(i, pass.length) * pass.stride;
    for (std::size_t c = 0; c < pass.width; ++c) {
      sums[c] += item[c];
    }
  }
  for (int i = 0; i < pass.length; ++i) {
    float* target = out + static_cast<std::size_t>(i) * pass.stride;
    const float* enters = in + mirrored(i + after + 1, pass.length) * pass.stride;
    const float* leaves = in + mirrored(i - before, pass.length) * pass.stride;
    for (std::size_t c = 0; c < pass.width; ++c) {
      target[c] = static_cast<float>(sums[c] * scale);
      sums[c] += static_cast<double>(enters[c]) - leaves[c];
    }
  }
}

}  // namespace

void box_blur(Plane& plane, int size) {
  const auto channels = static_cast<std::size_t>(plane.channels);
  const std::size_t row = static_cast<std::size_t>(plane.width) * channels;
  std::vector<float> rows(plane.values.size());
  std::vector<double> sums;
  for (int y = 0; y < plane.height; ++y) {
    const std::size_t at = static_cast<std::size_t>(y) * row;
    running_mean(&plane.values[at], &rows[at], {plane.width, channels, channels}, size, sums);
  }
  running_mean(rows.data(), plane.values.data(), {plane.height, row, row}, size, sums);
}

}  // namespace lode::cutout
