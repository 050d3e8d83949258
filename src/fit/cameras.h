// The cameras.json of a folder of posed pictures: text to poses and back.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "render/camera.h"

namespace lode::fit {

/// The most views that are read: several times the largest captures in use (some hundreds).
inline constexpr std::size_t kMaxViews = 4096;
/// The longest side of a picture, as render::Renderer draws at most.
inline constexpr int kMaxSide = 32767;
/// Positions, radii and focal lengths are at most this: far above any real one, far below where
/// single precision loses a scene.
inline constexpr double kMaxLength = 1e6;

/// A picture's name and where it was taken from.
struct Pose {
  std::string file;  ///< relative to the folder, no "..", extension optional
  /// As the file has it; `near_plane` and `far_plane` are chosen to hide nothing. With an orbit,
  /// unset: the picture's size is needed to make it.
  render::Camera camera;
  std::optional<render::Orbit> orbit;
};

/// Reads the text of a cameras.json (docs/formats/cameras.md): an array of entries, or an object
/// with the array under "cameras" or "frames". The caller has bounded the text's size. An error
/// names the entry's index and its field, and says what was expected.
Result<std::vector<Pose>> parse_cameras(std::string_view text);

/// The camera of a picture of this size. One given with another size is scaled, as trainers shrink
/// pictures; Errc::invalid_input when the proportions differ by more than a pixel's rounding can
/// explain, or when an orbit's picture is not square.
Result<render::Camera> camera_for(const Pose& pose, int width, int height);

/// The text for cameras whose pictures have these names; parse_cameras() gives them back but for
/// rounding and the near and far planes.
std::string format_cameras(const std::vector<std::string>& files,
                           const std::vector<render::Camera>& cameras);

}  // namespace lode::fit
