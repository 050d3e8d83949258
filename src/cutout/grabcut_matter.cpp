// GrabCut on a small version of the picture, its edges drawn along those of the full one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "cutout/box_blur_internal.h"
#include "cutout/grabcut_internal.h"
#include "cutout/inspect.h"
#include "cutout/matter.h"
#include "image/pil_resize.h"

namespace lode::cutout {
namespace {

constexpr int kLeastSide = 8;
/// Fewer pixels than this share that change sides in an iteration end it.
constexpr double kSettled = 0.001;

bool is_subject(std::uint8_t value) { return value == cv::GC_FGD || value == cv::GC_PR_FGD; }

cv::Mat mat_of(const image::Image& picture) {
  cv::Mat rgb(picture.height, picture.width, CV_8UC3);
  for (int y = 0; y < picture.height; ++y) {
    for (int x = 0; x < picture.width; ++x) {
      std::copy_n(picture.at(x, y), 3, rgb.ptr<std::uint8_t>(y) + static_cast<std::size_t>(x) * 3);
    }
  }
  return rgb;
}

image::GreyImage matte_of(const cv::Mat& mask) {
  image::GreyImage matte(mask.cols, mask.rows);
  for (int y = 0; y < mask.rows; ++y) {
    for (int x = 0; x < mask.cols; ++x) {
      matte.at(x, y) = is_subject(mask.at<std::uint8_t>(y, x)) ? 255 : 0;
    }
  }
  return matte;
}

/// Whether both layers have pixels to learn colours from, as cv::grabCut demands.
bool has_both_layers(const cv::Mat& mask) {
  const auto subject =
      std::count_if(mask.begin<std::uint8_t>(), mask.end<std::uint8_t>(), is_subject);
  return subject > 0 && static_cast<std::size_t>(subject) < mask.total();
}

/// Runs iterations until hardly a pixel changes; returns how many.
Result<int> iterate(const cv::Mat& rgb, cv::Mat& mask, int most, const std::stop_token& stop) {
  cv::Mat background, foreground;
  for (int i = 0; i < most; ++i) {
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "cutting out was cancelled");
    }
    if (!has_both_layers(mask)) {
      return i;  // all of one layer: the inspection of the matte will say so
    }
    const cv::Mat before = mask.clone();
    cv::setRNGSeed(1);
    cv::grabCut(rgb, mask, cv::Rect(), background, foreground, 1,
                i == 0 ? cv::GC_INIT_WITH_MASK : cv::GC_EVAL);
    cv::Mat changed;
    cv::compare(before, mask, changed, cv::CMP_NE);
    if (i > 0 && cv::countNonZero(changed) < kSettled * static_cast<double>(mask.total())) {
      return i + 1;
    }
  }
  return most;
}

/// Guided filter (He, Sun, Tang: "Guided Image Filtering", TPAMI 2013) of the matte by the
/// picture's luma: within `size` pixels an edge of the matte moves to the picture's.
image::GreyImage drawn_along_edges(const image::GreyImage& matte, const image::Image& picture,
                                   int size) {
  constexpr float kLeastVariance = 2e-4F;             // of luma 0..1: flatter windows are averaged
  Plane means{picture.width, picture.height, 4, {}};  // I, p, I p, I I
  means.values.reserve(4 * matte.pixels.size());
  std::vector<float> luma;
  luma.reserve(matte.pixels.size());
  for (std::size_t i = 0; i < matte.pixels.size(); ++i) {
    const std::uint8_t* pixel = &picture.pixels[i * static_cast<std::size_t>(picture.channels)];
    const float y = (0.299F * pixel[0] + 0.587F * pixel[1] + 0.114F * pixel[2]) / 255;
    const float p = static_cast<float>(matte.pixels[i]) / 255;
    luma.push_back(y);
    means.values.insert(means.values.end(), {y, p, y * p, y * y});
  }
  box_blur(means, size);
  Plane lines{picture.width, picture.height, 2, {}};  // slope and offset of p over I
  lines.values.reserve(2 * luma.size());
  for (std::size_t i = 0; i < luma.size(); ++i) {
    const float* m = &means.values[4 * i];
    const float slope = (m[2] - m[0] * m[1]) / (m[3] - m[0] * m[0] + kLeastVariance);
    lines.values.insert(lines.values.end(), {slope, m[1] - slope * m[0]});
  }
  box_blur(lines, size);
  image::GreyImage out(picture.width, picture.height);
  for (std::size_t i = 0; i < luma.size(); ++i) {
    // The filter leaves a haze on both sides of an edge: the outer parts of its range are cut off.
    constexpr float kHaze = 0.2F;
    const float value = lines.values[2 * i] * luma[i] + lines.values[2 * i + 1];
    out.pixels[i] = static_cast<std::uint8_t>(
        255 * std::clamp((value - kHaze) / (1 - 2 * kHaze), 0.0F, 1.0F) + 0.5F);
  }
  return out;
}

class GrabCutMatter final : public Matter {
 public:
  explicit GrabCutMatter(const GrabCutOptions& options) : options_(options) {}

  std::string_view name() const override { return "grabcut"; }

  Result<Matte> matte(const image::Image& picture, std::stop_token stop) override {
    if (picture.width < kLeastSide || picture.height < kLeastSide) {
      return fail(Errc::invalid_input,
                  fmt::format("{}x{} pixels, {}x{} or more expected", picture.width, picture.height,
                              kLeastSide, kLeastSide));
    }
    const double scale = std::min(
        1.0, static_cast<double>(options_.work_side) / std::max(picture.width, picture.height));
    const auto scaled = [&](int length) {
      return std::max(kLeastSide, static_cast<int>(std::lround(length * scale)));
    };
    const image::Image opaque = image::composite_over(picture, {255, 255, 255});
    const cv::Mat rgb = mat_of(image::pil_resize(opaque, scaled(picture.width),
                                                 scaled(picture.height), image::PilFilter::box));
    LODE_TRY(const Segmented segmented, segment(rgb, stop));
    // Two pixels of the small picture on either side, at least three of the full one.
    const int size = 2 * std::max(1, static_cast<int>(std::lround(2 / scale))) + 1;
    const image::GreyImage large = image::pil_resize(segmented.matte, picture.width, picture.height,
                                                     image::PilFilter::bilinear);
    return Matte{drawn_along_edges(large, opaque, size),
                 fmt::format("GrabCut of {}x{} pixels, {}", rgb.cols, rgb.rows, segmented.how)};
  }

 private:
  /// A matte of the small picture.
  struct Segmented {
    image::GreyImage matte;
    Inspection inspection;
    std::string how;
  };

  Result<Segmented> segment_from(const cv::Mat& rgb, cv::Mat mask, const char* start,
                                 const std::stop_token& stop) const {
    LODE_TRY(const int rounds, iterate(rgb, mask, options_.iterations, stop));
    image::GreyImage matte = matte_of(mask);
    Inspection inspection = inspect_matte(matte);
    return Segmented{std::move(matte), std::move(inspection),
                     fmt::format("{} iterations from {}", rounds, start)};
  }

  /// From the border's colours; where that gives an odd matte, the middle may give a better one.
  Result<Segmented> segment(const cv::Mat& rgb, const std::stop_token& stop) const {
    LODE_TRY(const cv::Mat seeds, grabcut_seeds(rgb));
    LODE_TRY(Segmented by_colour, segment_from(rgb, seeds, "the border's colours", stop));
    if (by_colour.inspection.findings.empty()) {
      return by_colour;
    }
    LODE_TRY(Segmented by_place, segment_from(rgb, middle_seeds(rgb), "the middle", stop));
    return by_place.inspection.findings.size() < by_colour.inspection.findings.size() ? by_place
                                                                                      : by_colour;
  }

  GrabCutOptions options_;
};

}  // namespace

std::unique_ptr<Matter> grabcut_matter(const GrabCutOptions& options) {
  return std::make_unique<GrabCutMatter>(options);
}

}  // namespace lode::cutout
