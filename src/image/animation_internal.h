// What the animation encoders share, and the container that webm.cpp fills.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "image/image.h"

namespace lode::image {

/// What the next frame of an animation has to fit: the `count` frames of width x height before it
/// and the format's longest side.
struct FrameRules {
  int count = 0;
  int width = 0, height = 0;
  int max_side = 0;
};
Result<void> validate_frame(std::string_view format, const Image& frame, const FrameRules& rules);

/// Fails unless 1 <= frames_per_second <= max.
Result<void> validate_rate(std::string_view format, int frames_per_second, int max);

/// One compressed frame of a video track.
struct VideoPacket {
  std::int64_t time_ms = 0;
  bool is_key = false;
  Bytes data;
};

struct VideoTrack {
  int width = 0, height = 0;
  int frames_per_second = 0;
  double duration_ms = 0;
};

/// A WebM file of one VP9 track in BT.709 with limited range; `packets` are in order of time and
/// begin with a key frame.
Bytes mux_webm(const VideoTrack& track, std::vector<VideoPacket> packets);

}  // namespace lode::image
