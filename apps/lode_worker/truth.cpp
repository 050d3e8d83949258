#include "lode_worker/truth.h"

#include "base/rng.h"
#include "base/thread_pool.h"
#include "dream/optimiser.h"
#include "dream/oracle.h"
#include "image/codec.h"
#include "lode_worker/stage_setup.h"
#include "pipeline/dream_lifter.h"
#include "render/render.h"
#include "splat/precondition.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

/// Of the truth's picture, pixels: what cutters give.
constexpr int kPictureSide = 512;

}  // namespace

Result<Truth> open_truth(const std::string& file, const WorkerSettings& settings) {
  Truth truth;
  truth.elevation_deg = settings.lifter_elevation;
  LODE_TRY(truth.preset,
           dream::find_preset(settings.lifter_preset.empty() ? "image" : settings.lifter_preset));
  LODE_TRY(const splat::SplatFile read, splat::read_splat(file));
  Rng rng(0);
  auto framed = splat::precondition(read.cloud, rng);
  if (!framed) {
    return annotate(framed.error(), file);
  }
  truth.cloud = *std::move(framed);
  return truth;
}

Result<Bytes> picture_of(const Truth& truth) {
  dream::Subject seen;
  seen.elevation_deg = static_cast<float>(truth.elevation_deg);
  render::Orbit orbit = dream::known_orbit(seen, truth.preset);
  orbit.size = kPictureSide;
  ThreadPool alone(1);
  return image::encode_png(dream::oracle_subject(truth.cloud, orbit, alone).picture);
}

Result<std::unique_ptr<pipeline::Lifter>> make_oracle_lifter(const Truth& truth,
                                                             const WorkerSettings& settings,
                                                             double noise) {
  pipeline::DreamParts parts;
  parts.name = "oracle";
  parts.preset = truth.preset;
  parts.threads = settings.judge.network.threads;
  LODE_TRY(parts.budget.seconds, read_budget(settings.lifter_budget));
  parts.open = [cloud = truth.cloud, noise, threads = parts.threads] {
    return Result(pipeline::make_oracle_model(cloud, noise, threads));
  };
  return pipeline::make_dream_lifter(std::move(parts));
}

Result<Likeness> compare_with_truth(const splat::GaussianCloud& cloud, const Truth& truth) {
  const splat::Scene scene = splat::activate(cloud), known = splat::activate(truth.cloud);
  ThreadPool alone(1);
  render::Renderer renderer(alone);
  render::Frame frame;
  const auto draw = [&](const splat::Scene& drawn, const render::Camera& camera) {
    renderer.draw(drawn, camera, {}, frame);
    return render::to_image(frame);
  };
  Likeness mean;
  const std::vector<render::Camera> cameras = render::validator_cameras();
  for (const render::Camera& camera : cameras) {
    LODE_TRY(const image::Difference one, image::compare(draw(scene, camera), draw(known, camera)));
    mean.psnr_db += one.psnr_db / static_cast<double>(cameras.size());
    mean.ssim += one.ssim / static_cast<double>(cameras.size());
  }
  return mean;
}

}  // namespace lode::commands
