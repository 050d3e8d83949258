// MVDream: a prompt to what four sides of an object look like together.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "guidance/options.h"

namespace lode::guidance {

/// configs/text_mv.yaml of DreamGaussian and of the subnet's miner.
inline constexpr const char* kMvdreamNegativePrompt =
    "ugly, bad anatomy, blurry, pixelated obscure, unnatural colors, poor lighting, dull, and "
    "unclear, cropped, lowres, low quality, artifacts, duplicate, morbid, mutilated, poorly drawn "
    "face, deformed, dehydrated, bad proportions";

/// How pictures are drawn; the defaults are MVDream's own (scripts/t2i.py).
struct MvdreamSampling {
  int steps = 50;        ///< 1 to 1000; half as many look alike
  double scale = 7.5;    ///< of guidance, 0 to 1000
  float above_deg = 15;  ///< from how high, -90 to 90
  std::string negative_prompt;
  // The orbits that come back; the network knows of neither.
  float radius = 2.5F;
  float fov_deg = 49.1F;
};

struct MvdreamOptions : Options {
  double scale = 100;  ///< of guidance, 0 to 1000
  /// The distance to the clean latents that are predicted instead of the noise's, with this share
  /// of rescaling (0 to 1; MVDream's is 0.5, with a scale of 50). Its time step is always drawn.
  std::optional<double> reconstruction;
  std::string prompt_suffix = ", 3d asset";  ///< as the authors' demonstrations
  std::string negative_prompt = kMvdreamNegativePrompt;
  MvdreamSampling sampling;
};

/// A folder such as ashawkey/mvdream-sd2.1-diffusers: unet, vae, text_encoder, tokenizer,
/// scheduler. Reads no weights but checks every name and shape. Errors name file and field, or the
/// option; Errc::out_of_resource for a budget that nothing fits in, Errc::unsupported for a device
/// or type that this libtorch does not have.
///
/// Guidance asks about four views of an object together, 90 degrees of azimuth apart in this order,
/// seen at 256 pixels, g / (4 n) for n objects, without w(t). Sampling draws them from azimuth 0
/// (the front), 90, 180 and 270.
Result<std::unique_ptr<MultiViewModel>> open_mvdream(const std::filesystem::path& folder,
                                                     const MvdreamOptions& options);

}  // namespace lode::guidance
