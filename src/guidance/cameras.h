// Places on an orbit as each model was trained to be told them.
#pragma once

#include <array>

#include "render/camera.h"

namespace lode::guidance {

/// MVDream's 16 numbers: the camera-to-world matrix in Blender's coordinates, row by row, columns
/// right, up and back, at distance 1 whatever the orbit's radius (mvdream/camera_utils.py, to which
/// DreamGaussian's guidance converts too). Its subjects face +x there; ours face azimuth 0, so that
/// its azimuth is ours plus 90.
std::array<float, 16> mvdream_camera(const render::Orbit& orbit);

/// Which of the two a folder holds: they were trained with different fourth numbers.
enum class Zero123Kind { xl, stable };

/// Zero123's four numbers, from the picture's place (azimuth 0, `picture_elevation_deg` in the
/// orbit's sign) to the orbit's: the rise of the polar angle in radians, sine and cosine of the
/// azimuth, and, for xl, the change of distance, here 0 as in DreamGaussian; for stable the
/// picture's own polar angle. Zero123's polar angle rises downwards, as the orbit's elevation.
std::array<float, 4> zero123_pose(const render::Orbit& orbit, float picture_elevation_deg,
                                  Zero123Kind kind);

}  // namespace lode::guidance
