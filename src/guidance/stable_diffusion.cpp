#include "guidance/stable_diffusion.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include <array>
#include <cmath>
#include <utility>

#include "guidance/models_internal.h"
#include "guidance/prompts_internal.h"
#include "models/unet_2d.h"

namespace lode::guidance {

namespace {

constexpr std::string_view kName = "stable-diffusion";
constexpr std::int64_t kSide = 512;

/// Behind the prompt, by Direction.
constexpr std::array<std::string_view, 5> kSuffixes = {"", ", front view", ", side view",
                                                       ", back view", ", overhead view"};
enum class Direction : std::size_t { any, front, side, back, overhead };

Direction direction_of(const render::Orbit& orbit) {
  constexpr float kOverhead = 60;
  constexpr float kFront = 60;
  constexpr float kSidewards = 120;
  if (-orbit.elevation_deg > kOverhead) {
    return Direction::overhead;
  }
  const float away = std::abs(std::remainder(orbit.azimuth_deg, 360.0F));
  return away < kFront ? Direction::front : away < kSidewards ? Direction::side : Direction::back;
}

/// [1, T, W] each, float32 on the device.
struct Prompts {
  std::array<at::Tensor, kSuffixes.size()> by_direction;
  at::Tensor negative;
};

class StableDiffusion final : public dream::GuidanceModel {
 public:
  StableDiffusion(StableDiffusionOptions options, models::Described<models::Unet2d> unet,
                  PromptEncoder prompts, Diffusion diffusion)
      : options_(std::move(options)),
        unet_(std::move(unet)),
        prompts_(std::move(prompts)),
        diffusion_(std::move(diffusion)) {}

  Result<void> join() {
    LODE_CHECK(diffusion_.add_unet(unet_, unet_.network.config().levels.front().channels));
    LODE_CHECK(prompts_.join(diffusion_));
    return diffusion_.plan();
  }

  std::string_view name() const override { return kName; }
  bool needs_picture() const override { return false; }
  Result<std::unique_ptr<dream::Guidance>> begin(const dream::Subject& subject, std::uint64_t seed,
                                                 const std::stop_token& stop) override;

 private:
  class Session;

  Result<Prompts> encode(const std::string& prompt, const std::stop_token& stop);
  Predict predict(const Prompts& prompts, std::span<const dream::DrawnView> views) const;

  StableDiffusionOptions options_;
  models::Described<models::Unet2d> unet_;
  PromptEncoder prompts_;
  Diffusion diffusion_;
};

class StableDiffusion::Session final : public dream::Guidance {
 public:
  Session(StableDiffusion& model, Prompts prompts, std::uint64_t seed)
      : model_(model), prompts_(std::move(prompts)), seed_(seed) {}

  std::string_view name() const override { return kName; }
  int views_together() const override { return 1; }

  Result<double> differentiate(std::span<const dream::DrawnView> views,
                               const dream::GuidanceStep& step,
                               std::span<std::vector<float>> gradients,
                               const std::stop_token& stop) override {
    Differentiation asked;
    asked.seed = seed_;
    asked.name = kName;
    asked.views = views;
    asked.step = step.number;
    asked.timesteps = timesteps_of(model_.diffusion_, kName, seed_, step, views.size(), 1);
    asked.rule = {.scale = model_.options_.scale, .weighted = true, .mean_of_views = true};
    asked.predict = model_.predict(prompts_, views);
    asked.stop = stop;
    return model_.diffusion_.run<double>("asking Stable Diffusion", [&] {
      return model_.diffusion_.differentiate(asked, gradients);
    });
  }

 private:
  StableDiffusion& model_;
  Prompts prompts_;
  std::uint64_t seed_;
};

Result<Prompts> StableDiffusion::encode(const std::string& prompt, const std::stop_token& stop) {
  Prompts prompts;
  for (std::size_t i = 0; i < kSuffixes.size(); ++i) {
    if (i == 0 || options_.view_prompts) {
      LODE_TRY(prompts.by_direction[i],
               prompts_.encode(diffusion_, prompt + std::string(kSuffixes[i]), stop));
    }
  }
  LODE_TRY(prompts.negative, prompts_.encode(diffusion_, options_.negative_prompt, stop));
  return prompts;
}

Predict StableDiffusion::predict(const Prompts& prompts,
                                 std::span<const dream::DrawnView> views) const {
  std::vector<at::Tensor> rows;
  for (const dream::DrawnView& view : views) {
    const Direction direction = options_.view_prompts ? direction_of(view.orbit) : Direction::any;
    rows.push_back(prompts.by_direction[static_cast<std::size_t>(direction)]);
  }
  rows.insert(rows.end(), views.size(), prompts.negative);
  const at::Tensor context = at::cat(rows).to(diffusion_.on_device());
  return [this, context](const at::Tensor& noisy, std::span<const std::int64_t> timesteps,
                         nn::Pass& pass) {
    const Halves said = halves(
        unet_.network(at::cat({noisy, noisy}), doubled_timesteps(timesteps, noisy), context, pass));
    return Opinion{.with = said.first, .without = said.second};
  };
}

Result<std::unique_ptr<dream::Guidance>> StableDiffusion::begin(const dream::Subject& subject,
                                                                std::uint64_t seed,
                                                                const std::stop_token& stop) {
  LODE_CHECK(check_prompt(subject, "Stable Diffusion"));
  LODE_TRY(Prompts prompts, diffusion_.run<Prompts>("reading the prompt",
                                                    [&] { return encode(subject.prompt, stop); }));
  return std::unique_ptr<dream::Guidance>(
      std::make_unique<Session>(*this, std::move(prompts), seed));
}

}  // namespace

Result<std::unique_ptr<dream::GuidanceModel>> open_stable_diffusion(
    const std::filesystem::path& folder, const StableDiffusionOptions& options, Draw draw) {
  LODE_CHECK(check_option("scale", options.scale, 0, 1000));
  DiffusionNeeds needs;
  needs.side = kSide;
  needs.views = 1;
  needs.batch = 2;
  needs.what = "Stable Diffusion";
  needs.pipeline = "StableDiffusionPipeline";
  LODE_TRY(Diffusion diffusion, Diffusion::open(folder, options, needs));
  diffusion.set_draw(std::move(draw));
  LODE_TRY(auto unet,
           models::describe<models::Unet2d>(folder / "unet", models::parse_unet_2d_config));
  const models::Unet2dConfig& config = unet.network.config();
  const std::int64_t channels = diffusion.vae().latent_channels;
  LODE_CHECK(check_equal(folder, "unet's in_channels", config.in_channels, "vae's latent_channels",
                         channels));
  LODE_CHECK(check_equal(folder, "unet's out_channels", config.out_channels,
                         "vae's latent_channels", channels));
  LODE_TRY(PromptEncoder prompts, PromptEncoder::open(folder, config.context_width));
  auto model = std::make_unique<StableDiffusion>(options, std::move(unet), std::move(prompts),
                                                 std::move(diffusion));
  LODE_CHECK(model->join());
  return std::unique_ptr<dream::GuidanceModel>(std::move(model));
}

Result<std::unique_ptr<dream::GuidanceModel>> open_stable_diffusion(
    const std::filesystem::path& folder, const StableDiffusionOptions& options) {
  return open_stable_diffusion(folder, options, draw_noise);
}

}  // namespace lode::guidance
