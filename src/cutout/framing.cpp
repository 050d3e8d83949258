#include "cutout/framing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace lode::cutout {
namespace {

constexpr std::uint8_t kVisible = 8;

image::Image cropped(const image::Image& rgba, const Box& box) {
  image::Image out(box.width(), box.height(), 4);
  for (int y = 0; y < out.height; ++y) {
    std::copy_n(rgba.at(box.left, box.top + y), static_cast<std::size_t>(out.width) * 4,
                out.at(0, y));
  }
  return out;
}

}  // namespace

std::optional<Box> subject_box(const image::Image& rgba) {
  Box box{rgba.width, rgba.height, 0, 0};
  for (int y = 0; y < rgba.height; ++y) {
    for (int x = 0; x < rgba.width; ++x) {
      if (rgba.at(x, y)[3] >= kVisible) {
        box.left = std::min(box.left, x);
        box.right = std::max(box.right, x + 1);
        box.top = std::min(box.top, y);
        box.bottom = std::max(box.bottom, y + 1);
      }
    }
  }
  return box.right > box.left ? std::optional(box) : std::nullopt;
}

Result<image::Image> frame_subject(const image::Image& rgba, const FrameOptions& options) {
  if (options.side < kLeastSide || options.side > kMostSide) {
    return fail(Errc::invalid_input,
                fmt::format("frame: a side of {} to {} pixels expected, not {}", kLeastSide,
                            kMostSide, options.side));
  }
  if (!(options.ratio > 0 && options.ratio <= 1)) {
    return fail(
        Errc::invalid_input,
        fmt::format("frame: a ratio above 0 and at most 1 expected, not {}", options.ratio));
  }
  LODE_ASSERT(rgba.channels == 4, "a cut-out subject has alpha");
  const std::optional<Box> box = subject_box(rgba);
  if (!box) {
    return fail(Errc::invalid_input, "frame: no subject, every pixel is transparent");
  }
  const double scale = options.side * options.ratio / std::max(box->width(), box->height());
  const auto scaled = [&](int length) {
    return std::clamp(static_cast<int>(std::lround(length * scale)), 1, options.side);
  };
  const image::Image subject =
      image::resize(cropped(rgba, *box), scaled(box->width()), scaled(box->height()));
  image::Image out(options.side, options.side, 4, 0);
  const int left = (options.side - subject.width) / 2, top = (options.side - subject.height) / 2;
  for (int y = 0; y < subject.height; ++y) {
    std::copy_n(subject.at(0, y), static_cast<std::size_t>(subject.width) * 4,
                out.at(left, top + y));
  }
  return options.background ? image::composite_over(out, *options.background) : out;
}

}  // namespace lode::cutout
