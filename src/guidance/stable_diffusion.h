// Stable Diffusion 2.1 (and 1.5): a prompt to what one view of it looks like.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "guidance/options.h"

namespace lode::guidance {

struct StableDiffusionOptions : Options {
  double scale = 100;  ///< of guidance, 0 to 1000
  /// ", front view", ", side view" and ", back view" behind the prompt by the azimuth, within 60
  /// and 120 degrees of the front (DreamGaussian, sd_utils.py), and ", overhead view" from more
  /// than 60 degrees above (DreamFusion, section 3.2).
  bool view_prompts = true;
  std::string negative_prompt;
};

/// A folder such as stabilityai/stable-diffusion-2-1-base: unet, vae, text_encoder, tokenizer,
/// scheduler; a schedule that predicts velocity (stable-diffusion-2-1) will do. Errors as of
/// open_mvdream.
///
/// Each view is asked about alone, at 512 pixels: w(t) (predicted - drawn noise) over the number of
/// views.
Result<std::unique_ptr<dream::GuidanceModel>> open_stable_diffusion(
    const std::filesystem::path& folder, const StableDiffusionOptions& options);

}  // namespace lode::guidance
