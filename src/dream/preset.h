// Presets of the optimisation: the reference's keys and values, as TOML files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lode::dream {

/// Which diffusion model a preset wants: the references' lambda_*, mvdream and stable_zero123
/// flags.
enum class GuidanceKind {
  zero123_xl,        ///< lambda_zero123 > 0
  stable_zero123,    ///< lambda_zero123 > 0 and stable_zero123
  stable_diffusion,  ///< lambda_sd > 0
  mvdream            ///< lambda_sd > 0 and mvdream
};
/// "zero123-xl", "stable-zero123", "stable-diffusion", "mvdream"
std::string_view to_string(GuidanceKind kind);

/// One member a key of the file, under its name there. Lengths are world units: the camera's
/// distance is `radius`, and subjects are about 1 across. Learning rates are those of fit::Adam;
/// positions' ones are multiplied by kSpatialRate.
struct Preset {
  std::string name;  ///< the file's, without its ending

  // Guidance.
  bool mvdream = false;
  bool stable_zero123 = false;
  double lambda_sd = 0;       ///< factor of a text model's loss
  double lambda_zero123 = 0;  ///< factor of a picture model's loss; one of the two is above 0
  double guidance_scale = 0;  ///< of classifier-free guidance; 0: the model's own
  bool anneal_timestep = true;
  std::string negative_prompt;

  // Views.
  int ref_size = 256;           ///< the known view's width and height, pixels
  bool warmup_rgb_loss = true;  ///< the known view's weight grows with progress
  int batch_size = 1;  ///< random views a step; of four pictures each where a model wants so
  int iters = 500;
  double radius = 2;
  double fovy = 49.1;           ///< degrees
  int min_ver = -30;            ///< elevation of random views, degrees, negative is above
  int max_ver = 30;             ///< exclusive
  double invert_bg_prob = 0.5;  ///< of a black background behind a random view, else it is white

  // Gaussians.
  int num_pts = 5000;
  int sh_degree = 0;
  double position_lr_init = 0.001;
  double position_lr_final = 0.00002;
  int position_lr_max_steps = 500;
  double feature_lr = 0.01;
  double opacity_lr = 0.05;
  double scaling_lr = 0.005;
  double rotation_lr = 0.005;
  double percent_dense = 0.01;
  int density_start_iter = 100;
  int density_end_iter = 3000;
  int densification_interval = 100;
  int opacity_reset_interval = 700;
  double densify_grad_threshold = 0.01;  ///< Inria's form: see fit::DensifyOptions

  GuidanceKind guidance() const;
  double lambda() const { return lambda_zero123 > 0 ? lambda_zero123 : lambda_sd; }
};

/// The references' `spatial_lr_scale`, a constant in their code.
inline constexpr double kSpatialRate = 10;

/// Largest preset file: the built-in ones have 2 kB.
inline constexpr std::size_t kMaxPresetBytes = 64U << 10;

/// Reads a preset's text; `name` is what errors call it. Keys that are missing keep their default.
/// Errc::invalid_input names file, line and key, for a value of the wrong type or out of its range,
/// and for an unknown key, with the known one that is nearest.
Result<Preset> parse_preset(std::string_view text, std::string_view name);
/// The same from a file; errors of read_file besides.
Result<Preset> read_preset(const std::filesystem::path& path);

/// The presets that are built in (the files of `presets/`): image, image_sai, text, text_mv, fast,
/// ultra_fast; alphabetical.
std::vector<std::string_view> preset_names();
/// A built-in preset by its name, else the file of that name. Errc::not_found lists the names.
Result<Preset> find_preset(const std::string& name_or_file);

}  // namespace lode::dream
