// What the measurements of src/dream share: objects by name, and how near a cloud comes to one.
#pragma once

#include <cmath>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "fit/fit.h"
#include "sketch/sketch.h"
#include "splat/splat_file.h"

namespace lode::tools {

/// A splat file's cloud, or what the sketch makes of a prompt, centred, its longest side `side`.
inline Result<splat::GaussianCloud> read_object(const std::string& name, std::uint64_t seed,
                                                float side) {
  splat::GaussianCloud cloud;
  if (std::filesystem::exists(name)) {
    LODE_TRY(splat::SplatFile file, splat::read_splat(name));
    cloud = std::move(file.cloud);
  } else {
    cloud = sketch::build(sketch::parse_prompt(name).scene, seed);
  }
  if (cloud.size() == 0) {
    return fail(Errc::invalid_input,
                name + ": neither a splat file nor a prompt that is understood");
  }
  const splat::Bounds box = splat::bounds(cloud.positions);
  const float factor = side / box.extent();
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.positions[i] = factor * (cloud.positions[i] - (box.min + box.max) * 0.5F);
    cloud.log_scales[i] += std::log(factor);
  }
  return fit::with_degree(cloud, 0);
}

/// Over white, of all views.
inline fit::Quality agreement(const splat::GaussianCloud& cloud, const fit::Dataset& truth,
                              ThreadPool& pool) {
  std::vector<std::size_t> views(truth.views.size());
  std::iota(views.begin(), views.end(), std::size_t{0});
  return fit::measure(cloud, truth, views, glm::vec3(1), pool);
}

}  // namespace lode::tools
