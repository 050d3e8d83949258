// The mean over a square window, at a cost that does not depend on the window.
#pragma once

#include <vector>

namespace lode::cutout {

/// Interleaved rows of `width` pixels of `channels` values.
struct Plane {
  int width = 0, height = 0, channels = 1;
  std::vector<float> values;
};

/// Replaces every value by the mean of the `size` x `size` window from `size / 2` before it to
/// `size - 1 - size / 2` after it (OpenCV's cv::blur); beyond an edge the picture is mirrored about
/// its outermost pixel (dcb|abcd|cba).
void box_blur(Plane& plane, int size);

}  // namespace lode::cutout
