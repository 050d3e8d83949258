// Moving pictures out: GIF through giflib, WebM (VP9) through libvpx and libmatroska.
#pragma once

#include <filesystem>
#include <memory>

#include "base/bytes.h"
#include "image/image.h"

namespace lode::image {

/// The fastest GIF: a frame is shown for whole hundredths of a second, and browsers slow frames of
/// less than two hundredths down to ten.
inline constexpr int kMaxGifFramesPerSecond = 50;
/// The fastest WebM: above any screen's refresh rate, well below its clock of one millisecond.
inline constexpr int kMaxWebmFramesPerSecond = 240;
/// Animations that we write have at most this many frames: two minutes of video.
inline constexpr int kMaxAnimationFrames = 7200;

/// Takes the frames of an animation one at a time and makes a file of them, in memory. The same
/// frames give the same bytes. One thread at a time.
class AnimationEncoder {
 public:
  virtual ~AnimationEncoder() = default;

  /// Appends a frame; an RGBA one over white. Errc::invalid_input when its size is not that of the
  /// first, limit_exceeded when the format cannot hold it.
  virtual Result<void> add(const Image& frame) = 0;

  /// The whole file. Errc::invalid_input when there was no frame. Called once, last.
  virtual Result<Bytes> finish() = 0;
};

/// A GIF that loops for ever, every frame with 256 colours of its own. Errc::invalid_input unless
/// 1 <= frames_per_second <= kMaxGifFramesPerSecond. Frames last a hundredth of a second more or
/// less where the rate needs it: the whole has the right length.
Result<std::unique_ptr<AnimationEncoder>> gif_encoder(int frames_per_second);

/// A WebM file with one VP9 track (4:2:0, BT.709) that can be sought at its key frames.
/// Errc::invalid_input unless 1 <= frames_per_second <= kMaxWebmFramesPerSecond.
Result<std::unique_ptr<AnimationEncoder>> webm_encoder(int frames_per_second);

/// The encoder for a file's extension, .gif or .webm in any case. Errc::unsupported for others.
Result<std::unique_ptr<AnimationEncoder>> animation_encoder(const std::filesystem::path& path,
                                                            int frames_per_second);

}  // namespace lode::image
