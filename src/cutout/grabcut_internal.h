// What GrabCut starts from: which pixels are background for sure, and which are likely what.
#pragma once

#include <opencv2/core.hpp>

#include "base/result.h"

namespace lode::cutout {

/// A mask of cv::GrabCutClasses for an RGB picture (CV_8UC3) of 8x8 pixels or more. The border's
/// colours are grouped in CIELAB; groups that are seen on one side of the border only are taken for
/// a subject that runs out of the picture there. Errc::invalid_input when no pixel differs from
/// the border's colours.
Result<cv::Mat> grabcut_seeds(const cv::Mat& rgb);

/// The other start: an ellipse in the middle is likely subject, the border surely background,
/// whatever their colours are. For a subject that shares colours with the border.
cv::Mat middle_seeds(const cv::Mat& rgb);

}  // namespace lode::cutout
