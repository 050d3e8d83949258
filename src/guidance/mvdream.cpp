#include "guidance/mvdream.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "guidance/cameras.h"
#include "guidance/models_internal.h"
#include "guidance/prompts_internal.h"
#include "models/mv_unet.h"

namespace lode::guidance {

namespace {

constexpr std::string_view kName = "mvdream";
constexpr std::int64_t kSide = 256;
constexpr std::int64_t kViews = 4;
constexpr double kMostScale = 1000;

/// Both prompts, [1, T, W] each, float32 on the device.
struct Prompts {
  at::Tensor positive, negative;
};

/// [B, 16].
at::Tensor cameras_of(std::span<const render::Orbit> orbits) {
  at::Tensor all =
      at::empty({static_cast<std::int64_t>(orbits.size()), 16}, at::TensorOptions(at::kFloat));
  float* to = all.data_ptr<float>();
  for (const render::Orbit& orbit : orbits) {
    to = std::ranges::copy(mvdream_camera(orbit), to).out;
  }
  return all;
}

class Mvdream final : public MultiViewModel {
 public:
  Mvdream(MvdreamOptions options, models::Described<models::MvUnet> unet, PromptEncoder prompts,
          Diffusion diffusion)
      : options_(std::move(options)),
        unet_(std::move(unet)),
        prompts_(std::move(prompts)),
        diffusion_(std::move(diffusion)) {}

  /// Binds what has now found its place.
  Result<void> join() {
    LODE_CHECK(diffusion_.add_unet(unet_, unet_.network.config().shape.levels.front().channels));
    LODE_CHECK(prompts_.join(diffusion_));
    return diffusion_.plan();
  }

  std::string_view name() const override { return kName; }
  bool needs_picture() const override { return false; }

  Result<std::unique_ptr<dream::Guidance>> begin(const dream::Subject& subject, std::uint64_t seed,
                                                 const std::stop_token& stop) override;
  Result<std::vector<dream::SampledView>> sample(const dream::Subject& subject, std::uint64_t seed,
                                                 const std::function<void(int, int)>& progress,
                                                 const std::stop_token& stop) override;

 private:
  class Session;

  Result<Prompts> encode(const dream::Subject& subject, std::string_view negative,
                         const std::stop_token& stop);
  Predict predict(const Prompts& prompts, std::span<const render::Orbit> orbits) const;

  MvdreamOptions options_;
  models::Described<models::MvUnet> unet_;
  PromptEncoder prompts_;
  Diffusion diffusion_;
};

class Mvdream::Session final : public dream::Guidance {
 public:
  Session(Mvdream& model, Prompts prompts, std::uint64_t seed)
      : model_(model), prompts_(std::move(prompts)), seed_(seed) {}

  std::string_view name() const override { return kName; }
  int views_together() const override { return kViews; }

  Result<double> differentiate(std::span<const dream::DrawnView> views,
                               const dream::GuidanceStep& step,
                               std::span<std::vector<float>> gradients,
                               const std::stop_token& stop) override {
    LODE_ASSERT(!views.empty() && views.size() % kViews == 0, "MVDream sees four views together");
    std::vector<render::Orbit> orbits;
    for (const dream::DrawnView& view : views) {
      orbits.push_back(view.orbit);
    }
    Differentiation asked;
    asked.seed = seed_;
    asked.name = kName;
    asked.views = views;
    asked.step = step.number;
    asked.timesteps = timesteps(step, views.size());
    asked.rule.scale = model_.options_.scale;
    asked.rule.mean_of_views = true;
    asked.rule.reconstruction = model_.options_.reconstruction;
    asked.rule.views_together = kViews;
    asked.predict = model_.predict(prompts_, orbits);
    asked.stop = stop;
    return model_.diffusion_.run<double>(
        "asking MVDream", [&] { return model_.diffusion_.differentiate(asked, gradients); });
  }

 private:
  std::vector<std::int64_t> timesteps(const dream::GuidanceStep& step, std::size_t views) const {
    if (!model_.options_.reconstruction) {
      return timesteps_of(model_.diffusion_, kName, seed_, step, views, kViews);
    }
    const TimestepRange range =
        reconstruction_range(step.progress, model_.diffusion_.train_timesteps());
    const std::int64_t t =
        drawn_timestep(range, seed_, fmt::format("{} timestep {}", kName, step.number));
    return std::vector<std::int64_t>(views, t);
  }

  Mvdream& model_;
  Prompts prompts_;
  std::uint64_t seed_;
};

Result<Prompts> Mvdream::encode(const dream::Subject& subject, std::string_view negative,
                                const std::stop_token& stop) {
  Prompts prompts;
  LODE_TRY(prompts.positive,
           prompts_.encode(diffusion_, subject.prompt + options_.prompt_suffix, stop));
  LODE_TRY(prompts.negative, prompts_.encode(diffusion_, negative, stop));
  return prompts;
}

Predict Mvdream::predict(const Prompts& prompts, std::span<const render::Orbit> orbits) const {
  const auto count = static_cast<std::int64_t>(orbits.size());
  const at::Tensor cameras = cameras_of(orbits);
  const at::Tensor both = at::cat({cameras, cameras}).to(diffusion_.on_device());
  const at::Tensor context =
      at::cat({prompts.negative.expand({count, -1, -1}), prompts.positive.expand({count, -1, -1})})
          .to(diffusion_.on_device());
  return [this, both, context](const at::Tensor& noisy, std::span<const std::int64_t> timesteps,
                               nn::Pass& pass) {
    models::MvUnetInput input;
    input.latents = at::cat({noisy, noisy});
    input.timesteps = doubled_timesteps(timesteps, noisy);
    input.context = context;
    input.cameras = both;
    input.views = kViews;
    const Halves said = halves(unet_.network(input, pass));
    return Opinion{.with = said.second, .without = said.first};
  };
}

Result<std::unique_ptr<dream::Guidance>> Mvdream::begin(const dream::Subject& subject,
                                                        std::uint64_t seed,
                                                        const std::stop_token& stop) {
  LODE_CHECK(check_prompt(subject, "MVDream"));
  LODE_TRY(Prompts prompts, diffusion_.run<Prompts>("reading the prompt", [&] {
    return encode(subject, options_.negative_prompt, stop);
  }));
  return std::unique_ptr<dream::Guidance>(
      std::make_unique<Session>(*this, std::move(prompts), seed));
}

Result<std::vector<dream::SampledView>> Mvdream::sample(
    const dream::Subject& subject, std::uint64_t seed,
    const std::function<void(int, int)>& progress, const std::stop_token& stop) {
  using Views = std::vector<dream::SampledView>;
  LODE_CHECK(check_prompt(subject, "MVDream"));
  const MvdreamSampling& sampling = options_.sampling;
  return diffusion_.run<Views>("drawing views with MVDream", [&]() -> Result<Views> {
    LODE_TRY(const Prompts prompts, encode(subject, sampling.negative_prompt, stop));
    Sampling asked;
    asked.seed = seed;
    asked.name = kName;
    for (int i = 0; i < kViews; ++i) {
      asked.orbits.push_back({.azimuth_deg = 90.0F * static_cast<float>(i),
                              .elevation_deg = -sampling.above_deg,
                              .radius = sampling.radius,
                              .fov_deg = sampling.fov_deg});
    }
    asked.steps = sampling.steps;
    asked.scale = sampling.scale;
    asked.predict = predict(prompts, asked.orbits);
    asked.progress = progress;
    asked.stop = stop;
    return diffusion_.sample(asked);
  });
}

Result<void> check(const MvdreamOptions& options) {
  LODE_CHECK(check_option("scale", options.scale, 0, kMostScale));
  LODE_CHECK(check_option("reconstruction", options.reconstruction.value_or(0), 0, 1));
  LODE_CHECK(check_option("sampling.scale", options.sampling.scale, 0, kMostScale));
  LODE_CHECK(check_option("sampling.above_deg", options.sampling.above_deg, -90, 90));
  return check_option("sampling.steps", options.sampling.steps, 1, 1000);
}

}  // namespace

Result<std::unique_ptr<MultiViewModel>> open_mvdream(const std::filesystem::path& folder,
                                                     const MvdreamOptions& options, Draw draw) {
  LODE_CHECK(check(options));
  DiffusionNeeds needs;
  needs.side = kSide;
  needs.views = kViews;
  needs.batch = 2 * kViews;
  needs.decoder = true;
  needs.what = "MVDream";
  needs.pipeline = "MVDreamPipeline";
  LODE_TRY(Diffusion diffusion, Diffusion::open(folder, options, needs));
  diffusion.set_draw(std::move(draw));
  LODE_TRY(auto unet,
           models::describe<models::MvUnet>(folder / "unet", models::parse_mv_unet_config));
  const models::MvUnetConfig& config = unet.network.config();
  const std::int64_t channels = diffusion.vae().latent_channels;
  LODE_CHECK(check_equal(folder, "unet's in_channels", config.shape.in_channels,
                         "vae's latent_channels", channels));
  LODE_CHECK(check_equal(folder, "unet's out_channels", config.shape.out_channels,
                         "vae's latent_channels", channels));
  LODE_CHECK(check_equal(folder, "unet's camera_dim", config.camera_width, "a camera", 16));
  LODE_CHECK(check_equal(folder, "unet's ip_dim", config.picture.tokens, "MVDream's", 0));
  LODE_CHECK(check_equal(folder, "the latents' side beyond what unet halves",
                         diffusion.latent_side() % config.shape.reduction(), "it should be", 0));
  LODE_TRY(PromptEncoder prompts, PromptEncoder::open(folder, config.shape.context_width));
  auto model =
      std::make_unique<Mvdream>(options, std::move(unet), std::move(prompts), std::move(diffusion));
  LODE_CHECK(model->join());
  return std::unique_ptr<MultiViewModel>(std::move(model));
}

Result<std::unique_ptr<MultiViewModel>> open_mvdream(const std::filesystem::path& folder,
                                                     const MvdreamOptions& options) {
  return open_mvdream(folder, options, draw_noise);
}

}  // namespace lode::guidance
