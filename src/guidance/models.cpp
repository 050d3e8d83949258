#include <fmt/format.h>

#include "guidance/models_internal.h"

namespace lode::guidance {

std::vector<std::int64_t> timesteps_of(const Diffusion& diffusion, std::string_view name,
                                       std::uint64_t seed, const dream::GuidanceStep& step,
                                       std::size_t views, std::size_t together) {
  const std::int64_t trained = diffusion.train_timesteps();
  if (diffusion.options().anneal) {
    return std::vector<std::int64_t>(views, annealed_timestep(step.progress, trained));
  }
  std::vector<std::int64_t> timesteps;
  for (std::size_t i = 0; i < views; ++i) {
    const std::string purpose = fmt::format("{} timestep {} {}", name, step.number, i / together);
    timesteps.push_back(drawn_timestep(usual_range(trained), seed, purpose));
  }
  return timesteps;
}

Result<void> check_option(std::string_view name, double value, double least, double most) {
  if (value >= least && value <= most) {
    return {};
  }
  return fail(Errc::invalid_input,
              fmt::format("{} {}: {} to {} expected", name, value, least, most));
}

}  // namespace lode::guidance
