// Any bytes as a cameras.json: poses whose cameras are finite, or a refusal.
#include <cmath>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "fit/cameras.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const auto poses = fit::parse_cameras(as_text({data, size}));
  if (!poses) {
    return 0;
  }
  for (const fit::Pose& pose : *poses) {
    LODE_ASSERT(!pose.file.empty(), "every view has a picture");
    const auto camera = fit::camera_for(pose, 64, 64);
    if (!camera) {
      continue;
    }
    for (int i = 0; i < 9; ++i) {
      LODE_ASSERT(std::abs(camera->rotation[i / 3][i % 3]) < 1.01F, "rotations are rotations");
    }
    for (int axis = 0; axis < 3; ++axis) {
      LODE_ASSERT(std::isfinite(camera->translation[axis]), "translations are finite");
    }
    LODE_ASSERT(camera->fx > 0 && std::isfinite(camera->fx), "focal lengths are positive");
    LODE_ASSERT(camera->width == 64, "the camera has the picture's size");
  }
  return 0;
}
