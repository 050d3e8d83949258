#include "image/animation.h"

#include <algorithm>
#include <cctype>

#include "image/animation_internal.h"
#include "image/codec_internal.h"

namespace lode::image {
namespace {

std::string size_text(int width, int height) {
  return std::to_string(width) + "x" + std::to_string(height);
}

}  // namespace

Result<void> validate_frame(std::string_view format, const Image& frame, const FrameRules& rules) {
  LODE_CHECK(validate_size(format, frame.width, frame.height));
  const std::string where(format);
  if (std::max(frame.width, frame.height) > rules.max_side) {
    return fail(Errc::limit_exceeded, where + ": a frame of " +
                                          size_text(frame.width, frame.height) +
                                          " pixels, at most " + std::to_string(rules.max_side) +
                                          " on a side are possible");
  }
  if (rules.count == 0) {
    return {};
  }
  if (rules.count >= kMaxAnimationFrames) {
    return fail(Errc::limit_exceeded,
                where + ": at most " + std::to_string(kMaxAnimationFrames) + " frames are written");
  }
  if (frame.width != rules.width || frame.height != rules.height) {
    return fail(Errc::invalid_input, where + ": frames of one size expected, got " +
                                         size_text(frame.width, frame.height) + " after " +
                                         size_text(rules.width, rules.height));
  }
  return {};
}

Result<void> validate_rate(std::string_view format, int frames_per_second, int max) {
  if (frames_per_second < 1 || frames_per_second > max) {
    return fail(Errc::invalid_input, std::string(format) + ": 1 to " + std::to_string(max) +
                                         " frames per second expected, got " +
                                         std::to_string(frames_per_second));
  }
  return {};
}

Result<std::unique_ptr<AnimationEncoder>> animation_encoder(const std::filesystem::path& path,
                                                            int frames_per_second) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (extension == ".gif") {
    return gif_encoder(frames_per_second);
  }
  if (extension == ".webm") {
    return webm_encoder(frames_per_second);
  }
  return fail(Errc::unsupported, path.string() + ": .gif or .webm expected");
}

}  // namespace lode::image
