#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <opencv2/imgproc.hpp>
#include <vector>

#include "cutout/grabcut_internal.h"

namespace lode::cutout {
namespace {

using Lab = cv::Vec3f;

constexpr int kGroups = 6;
/// A group is background when it has this share of two sides of the border or more.
constexpr double kLeastShare = 0.04;
/// Distance from a group's mean, in its own deviations, up to which a pixel is like it.
constexpr float kLike = 2.5F;
/// Least deviation in CIELAB units: noise of JPEG files, soft shadows.
constexpr float kLeastDeviation = 3;
/// Fewer pixels than this share that differ from the border are no subject.
constexpr double kLeastSubject = 0.002;

enum Side : std::size_t { kTop, kRight, kBottom, kLeft, kSides };

/// The colours in a band along the border, and the side that each is on.
struct Border {
  std::vector<Lab> colours;
  std::vector<Side> sides;
  int band = 1;
};

int band_of(const cv::Mat& picture) {
  return std::max(2, std::min(picture.cols, picture.rows) / 50);
}

Border border_of(const cv::Mat& lab) {
  Border border;
  border.band = band_of(lab);
  const auto add = [&](int x, int y, Side side) {
    border.colours.push_back(lab.at<Lab>(y, x));
    border.sides.push_back(side);
  };
  for (int depth = 0; depth < border.band; ++depth) {
    for (int x = 0; x < lab.cols; ++x) {
      add(x, depth, kTop);
      add(x, lab.rows - 1 - depth, kBottom);
    }
    for (int y = 0; y < lab.rows; ++y) {
      add(depth, y, kLeft);
      add(lab.cols - 1 - depth, y, kRight);
    }
  }
  return border;
}

/// A group of like colours of the border.
struct Group {
  Lab mean;
  float deviation = kLeastDeviation;
  std::array<double, kSides> shares{};  ///< of each side's pixels
};

std::vector<Group> groups_of(const Border& border) {
  cv::setRNGSeed(1);  // k-means begins at random colours: the same ones for the same picture
  const cv::Mat samples = cv::Mat(border.colours).reshape(1);
  const int count = std::min(kGroups, samples.rows);
  cv::Mat labels, centres;
  cv::kmeans(samples, count, labels,
             cv::TermCriteria(cv::TermCriteria::EPS | cv::TermCriteria::COUNT, 20, 0.5), 2,
             cv::KMEANS_PP_CENTERS, centres);
  std::vector<Group> groups(static_cast<std::size_t>(count));
  std::vector<double> squares(groups.size(), 0), members(groups.size(), 0);
  std::array<double, kSides> totals{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i].mean = centres.at<Lab>(static_cast<int>(i), 0);
  }
  for (std::size_t i = 0; i < border.colours.size(); ++i) {
    const auto label = static_cast<std::size_t>(labels.at<int>(static_cast<int>(i)));
    squares[label] += cv::norm(border.colours[i] - groups[label].mean, cv::NORM_L2SQR);
    members[label] += 1;
    groups[label].shares[border.sides[i]] += 1;
    totals[border.sides[i]] += 1;
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (members[i] > 0) {
      const auto deviation = static_cast<float>(std::sqrt(squares[i] / members[i]));
      groups[i].deviation = std::max(kLeastDeviation, deviation);
    }
    for (std::size_t side = 0; side < kSides; ++side) {
      groups[i].shares[side] /= totals[side];
    }
  }
  return groups;
}

/// The groups on two sides or more; all of them when that leaves none.
std::vector<Group> background_of(const std::vector<Group>& groups) {
  std::vector<Group> background;
  for (const Group& group : groups) {
    const auto sides =
        std::ranges::count_if(group.shares, [](double share) { return share >= kLeastShare; });
    if (sides >= 2) {
      background.push_back(group);
    }
  }
  return background.empty() ? groups : background;
}

/// Distance from the nearest group in that group's deviations.
float distance(const Lab& colour, const std::vector<Group>& groups) {
  float least = std::numeric_limits<float>::max();
  for (const Group& group : groups) {
    least = std::min(least, static_cast<float>(cv::norm(colour - group.mean)) / group.deviation);
  }
  return least;
}

}  // namespace

Result<cv::Mat> grabcut_seeds(const cv::Mat& rgb) {
  cv::Mat scaled, lab;
  rgb.convertTo(scaled, CV_32FC3, 1.0 / 255);
  cv::cvtColor(scaled, lab, cv::COLOR_RGB2Lab);
  const Border border = border_of(lab);
  const std::vector<Group> background = background_of(groups_of(border));
  cv::Mat mask(rgb.rows, rgb.cols, CV_8UC1);
  int subject = 0;
  for (int y = 0; y < rgb.rows; ++y) {
    for (int x = 0; x < rgb.cols; ++x) {
      const bool is_border = x < border.band || y < border.band || x >= rgb.cols - border.band ||
                             y >= rgb.rows - border.band;
      const bool is_like = distance(lab.at<Lab>(y, x), background) < kLike;
      mask.at<std::uint8_t>(y, x) = static_cast<std::uint8_t>(!is_like    ? cv::GC_PR_FGD
                                                              : is_border ? cv::GC_BGD
                                                                          : cv::GC_PR_BGD);
      subject += is_like ? 0 : 1;
    }
  }
  if (subject < std::max<int>(kGroups, static_cast<int>(kLeastSubject * rgb.total()))) {
    return fail(Errc::invalid_input, "nothing differs from the border's colours");
  }
  return mask;
}

cv::Mat middle_seeds(const cv::Mat& rgb) {
  constexpr double kRadius = 0.38;  // of the picture's sides
  const int band = band_of(rgb);
  cv::Mat mask(rgb.rows, rgb.cols, CV_8UC1, cv::Scalar(cv::GC_BGD));
  mask(cv::Rect(band, band, rgb.cols - 2 * band, rgb.rows - 2 * band)).setTo(cv::GC_PR_BGD);
  cv::ellipse(mask, cv::Point(rgb.cols / 2, rgb.rows / 2),
              cv::Size(static_cast<int>(kRadius * rgb.cols), static_cast<int>(kRadius * rgb.rows)),
              0, 0, 360, cv::Scalar(cv::GC_PR_FGD), cv::FILLED);
  return mask;
}

}  // namespace lode::cutout
