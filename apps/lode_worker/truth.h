// A known splat that `lode-worker lift` makes again: to measure without weights.
#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "dream/preset.h"
#include "lode_worker/worker_settings.h"
#include "pipeline/stages.h"
#include "splat/cloud.h"

namespace lode::commands {

struct Truth {
  splat::GaussianCloud cloud;  ///< brought to the validators' box
  dream::Preset preset;
  double elevation_deg = 0;  ///< of its picture
};

/// Reads it, and the preset of the settings ("image" where none is named).
Result<Truth> open_truth(const std::string& file, const WorkerSettings& settings);

/// Its picture as the optimisation sees it: an RGBA PNG.
Result<Bytes> picture_of(const Truth& truth);

/// The lifter whose guidance knows it; `noise` as in dream::OracleOptions.
Result<std::unique_ptr<pipeline::Lifter>> make_oracle_lifter(const Truth& truth,
                                                             const WorkerSettings& settings,
                                                             double noise);

/// Means over the validators' sixteen cameras, both where they are: framing goes by the mean and
/// the bounds of all gaussians and would move one against the other. A PSNR is infinite where a
/// view is the same.
struct Likeness {
  double psnr_db = 0, ssim = 0;
};
Result<Likeness> compare_with_truth(const splat::GaussianCloud& cloud, const Truth& truth);

}  // namespace lode::commands
