// Zero123-XL and Stable-Zero123: a picture of an object to what it looks like from elsewhere.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "guidance/options.h"

namespace lode::guidance {

/// Which of the two a folder holds, whose fourth pose number means different things.
enum class Zero123Variant {
  automatic,  ///< stable where model_index.json or the folder's path has a name with both "stable"
              ///< and "zero123" in it, else xl: weights and configs do not tell
  xl,
  stable
};

/// Which views are drawn, and how.
struct Zero123Sampling {
  /// Of each view, the picture's being 0.
  std::vector<float> azimuths_deg = {30, 90, 150, 210, 270, 330};
  /// How far above the picture's own place, -90 to 90.
  float above_deg = 0;
  int steps = 50;    ///< 1 to 1000
  double scale = 5;  ///< of guidance, 0 to 1000 (zero123_utils.py, refine)
  // The orbits that come back. The network draws from the picture's own distance, whatever it is.
  float radius = 2;
  float fov_deg = 49.1F;  ///< what Zero123 was trained with
};

/// Most views of one call, which are drawn side by side.
inline constexpr std::size_t kMaxSampledViews = 16;

struct Zero123Options : Options {
  Zero123Variant variant = Zero123Variant::automatic;
  double scale = 5;  ///< of guidance, 0 to 1000
  Zero123Sampling sampling;
};

/// A folder such as ashawkey/zero123-xl-diffusers or stable-zero123-diffusers: unet, vae,
/// image_encoder, clip_camera_projection, scheduler and, where it is there, feature_extractor.
/// Errors as of open_mvdream.
///
/// The subject's picture is looked at over white and at 256 pixels: bilinear where it is smaller,
/// as the reference, by area where it is larger, so that nothing is skipped. Each view is asked
/// about alone, at 256 pixels: w(t) (predicted - drawn noise). Poses are taken to have the
/// picture's distance, as DreamGaussian does.
Result<std::unique_ptr<MultiViewModel>> open_zero123(const std::filesystem::path& folder,
                                                     const Zero123Options& options);

}  // namespace lode::guidance
