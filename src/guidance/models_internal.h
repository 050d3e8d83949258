// The ways in for tests: models whose noise is given.
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "guidance/diffusion_internal.h"
#include "guidance/mvdream.h"
#include "guidance/stable_diffusion.h"
#include "guidance/zero123.h"

namespace lode::guidance {

// As the functions without _internal in their header's name. Purposes are "<name> posterior
// <step>",
// "<name> noise <step>", "<name> view <index>", and "zero123 picture".
Result<std::unique_ptr<MultiViewModel>> open_zero123(const std::filesystem::path& folder,
                                                     const Zero123Options& options, Draw draw);
Result<std::unique_ptr<MultiViewModel>> open_mvdream(const std::filesystem::path& folder,
                                                     const MvdreamOptions& options, Draw draw);
Result<std::unique_ptr<dream::GuidanceModel>> open_stable_diffusion(
    const std::filesystem::path& folder, const StableDiffusionOptions& options, Draw draw);

/// One time step for all views, or drawn for each object of `together` views, as the option says.
std::vector<std::int64_t> timesteps_of(const Diffusion& diffusion, std::string_view name,
                                       std::uint64_t seed, const dream::GuidanceStep& step,
                                       std::size_t views, std::size_t together);

/// Errc::invalid_input for a value that is out of bounds or no number.
Result<void> check_option(std::string_view name, double value, double least, double most);

}  // namespace lode::guidance
