#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "guidance/diffusion_internal.h"
#include "models/pictures.h"
#include "nn/noise.h"

namespace lode::guidance {

namespace {

// nn::attention's tile of float32 scores with its temporaries, and what CLIP's 77 or 257 tokens are
// computed in.
constexpr std::uint64_t kSmallBytes = 64 << 20;

// Most steps of a schedule that is drawn by: the training's.
constexpr int kMostSteps = 1000;

Result<nn::Placement> placement_for(const Options& options) {
  nn::Placement placement;
  LODE_TRY(placement.device, nn::parse_device(options.device));
  LODE_TRY(placement.compute, nn::compute_type(options.compute, placement.device));
  return placement;
}

}  // namespace

at::Tensor draw_noise(std::uint64_t seed, std::string_view purpose, const nn::Shape& shape) {
  return nn::NoiseSource(seed, purpose).normal(shape);
}

Result<void> check_equal(const std::filesystem::path& folder, std::string_view first,
                         std::int64_t a, std::string_view second, std::int64_t b) {
  if (a == b) {
    return {};
  }
  return fail(Errc::invalid_input,
              fmt::format("{}: the parts do not fit each other: {} is {}, {} is {}",
                          folder.string(), first, a, second, b));
}

at::Tensor to_tensor(std::span<const dream::DrawnView> views) {
  const std::int64_t side = views.front().orbit.size;
  at::Tensor pixels = at::empty({static_cast<std::int64_t>(views.size()), side, side, 3},
                                at::TensorOptions(at::kFloat));
  float* to = pixels.data_ptr<float>();
  for (const dream::DrawnView& view : views) {
    LODE_ASSERT(
        view.orbit.size == side && view.rgb.size() == static_cast<std::size_t>(3 * side * side),
        "views of one question have one size");
    to = std::ranges::copy(view.rgb, to).out;
  }
  return pixels.permute({0, 3, 1, 2}).contiguous();
}

at::Tensor doubled_timesteps(std::span<const std::int64_t> timesteps, const at::Tensor& like) {
  const auto count = static_cast<std::int64_t>(timesteps.size());
  at::Tensor both = at::empty({2, count}, at::TensorOptions(at::kLong));
  auto* to = both.data_ptr<std::int64_t>();
  std::ranges::copy(timesteps, std::ranges::copy(timesteps, to).out);
  return both.view({2 * count}).to(like.device());
}

Halves halves(const at::Tensor& output) {
  const std::vector<at::Tensor> parts = output.to(at::kFloat).chunk(2);
  return {parts[0], parts[1]};
}

Diffusion::Diffusion(std::filesystem::path folder, Options options, DiffusionNeeds needs,
                     models::Described<models::KlEncoder> encoder,
                     std::optional<models::Described<models::KlDecoder>> decoder,
                     const models::DiffusionScheduleConfig& schedule)
    : folder_(std::move(folder)),
      options_(std::move(options)),
      needs_(needs),
      encoder_(std::move(encoder)),
      decoder_(std::move(decoder)),
      schedule_(schedule) {}

Result<Diffusion> Diffusion::open(const std::filesystem::path& folder, const Options& options,
                                  const DiffusionNeeds& needs) {
  LODE_TRY(const nn::Placement placement, placement_for(options));
  if (options.threads < 0 || options.threads > 1024) {
    return fail(Errc::invalid_input,
                fmt::format("threads {}: 0 to 1024 expected", options.threads));
  }
  LODE_CHECK(models::check_pipeline_class(folder, needs.what, {needs.pipeline}));
  const std::filesystem::path vae = folder / "vae";
  LODE_TRY(auto encoder,
           models::describe<models::KlEncoder>(vae, models::parse_autoencoder_kl_config));
  std::optional<models::Described<models::KlDecoder>> decoder;
  if (needs.decoder) {
    LODE_TRY(decoder,
             models::describe<models::KlDecoder>(vae, models::parse_autoencoder_kl_config));
  }
  LODE_TRY(const models::DiffusionScheduleConfig schedule,
           models::read_config(folder / "scheduler" / "scheduler_config.json",
                               models::parse_diffusion_schedule_config));
  const models::AutoencoderKlConfig& config = encoder.network.config();
  LODE_CHECK(check_equal(folder, "vae's in_channels", config.image_channels, "a picture's", 3));
  LODE_CHECK(check_equal(folder, "vae's pixels beyond whole latents",
                         needs.side % config.reduction(), "a picture's", 0));
  Diffusion diffusion(folder, options, needs, std::move(encoder), std::move(decoder), schedule);
  diffusion.placement_ = placement;
  LODE_TRY(diffusion.encoder_index_, diffusion.add(diffusion.encoder_, "vae"));
  if (diffusion.decoder_) {
    LODE_TRY(diffusion.decoder_index_, diffusion.add(*diffusion.decoder_, "vae"));
  }
  return diffusion;
}

std::size_t Diffusion::add_member(std::string part, nn::WeightBank bank,
                                  std::vector<nn::Block> blocks) {
  parts_.push_back(std::move(part));
  turns_.add(std::move(bank), std::move(blocks), placement_);
  return parts_.size() - 1;
}

std::uint64_t Diffusion::activation_bytes(std::size_t member, bool graphs_wait) const {
  const std::int64_t element = placement_.compute == at::kFloat ? 4 : 2;
  const std::int64_t pixels = needs_.side * needs_.side;
  std::int64_t graph = 0;  // what autograd keeps of one view: six tensors a residual block
  const models::AutoencoderKlConfig& config = vae();
  for (std::size_t level = 0; level < config.channels.size(); ++level) {
    const std::int64_t place = pixels >> (2 * level);
    graph += 6 * (config.layers + (level + 1 == config.channels.size() ? 3 : 0)) *
             config.channels[level] * place;
  }
  if (options_.pixel_gradient == PixelGradient::linear) {
    graph = 0;
  }
  const std::int64_t waiting = graphs_wait ? needs_.views * graph : 0;
  std::int64_t own = 0;
  if (member == unet_) {
    // The finest level: two branches a view, the skips, and a feed-forward layer of eight widths.
    constexpr std::int64_t kWidths = 32;
    own = kWidths * finest_channels_ * needs_.batch * latent_side() * latent_side() + waiting;
  } else if (member == encoder_index_ || member == decoder_index_) {
    // The finest level's first block: input, norm, the convolution's result and temporary.
    const std::int64_t forward = 6 * config.channels.front() * pixels;
    own = forward + (member == encoder_index_ ? std::max(waiting, graph) : 0);
  }
  return static_cast<std::uint64_t>(own * element) + kSmallBytes;
}

std::vector<nn::TurnDemand> Diffusion::demands(bool graphs_wait) const {
  std::vector<nn::TurnDemand> all;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    nn::TurnDemand demand{parts_[i], turns_.weights(i), activation_bytes(i, graphs_wait)};
    if (i == encoder_index_ && options_.pixel_gradient == PixelGradient::exact) {
      demand.weights.least_bytes = demand.weights.all_bytes;  // the graph holds them all
    }
    all.push_back(std::move(demand));
  }
  return all;
}

Result<void> Diffusion::plan() {
  const std::vector<std::vector<std::size_t>> favourites = {{unet_, encoder_index_}, {unet_}};
  const auto stays = [&](std::size_t member) { return turns_plan_[member].stays; };
  if (auto waiting = nn::plan_turns(demands(true), favourites, options_.memory_budget_bytes)) {
    turns_plan_ = std::move(*waiting);
    graphs_wait_ = stays(unet_) && stays(encoder_index_);
  }
  if (!graphs_wait_) {
    LODE_TRY(turns_plan_, nn::plan_turns(demands(false), favourites, options_.memory_budget_bytes));
  }
  return {};
}

void Diffusion::begin_run() {
  if (options_.threads > 0 && at::get_num_threads() != options_.threads) {
    at::set_num_threads(options_.threads);
  }
}

void Diffusion::end_run(bool short_of_memory) {
  turns_.settle(turns_plan_);
  if (short_of_memory) {
    turns_.drop_all();
  }
}

at::Tensor Diffusion::encode_one(const at::Tensor& pixels, const at::Tensor& noise,
                                 nn::Pass& pass) const {
  const at::Tensor resized =
      at::upsample_bilinear2d(pixels, {needs_.side, needs_.side}, /*align_corners=*/false);
  const models::KlEncoder::Distribution posterior =
      encoder_.network((2 * resized - 1).to(placement_.compute), pass);
  const at::Tensor sampled =
      posterior.mean.to(at::kFloat) + (0.5 * posterior.log_variance.to(at::kFloat)).exp() * noise;
  return (sampled - vae().shift) * vae().scaling;
}

Result<at::Tensor> Diffusion::encode(const at::Tensor& pictures, const at::Tensor& noise,
                                     const std::stop_token& stop) {
  return in_turn<at::Tensor>(encoder_index_, stop, [&](nn::Pass& pass) {
    // One by one: results do not depend on who is encoded together, nor on the budget.
    std::vector<at::Tensor> latents;
    for (std::int64_t i = 0; i < pictures.size(0); ++i) {
      latents.push_back(encode_one(pictures.narrow(0, i, 1), noise.narrow(0, i, 1), pass));
    }
    return at::cat(latents);
  });
}

Diffusion::Traced Diffusion::trace(const at::Tensor& pixels, const at::Tensor& noise,
                                   nn::Pass& pass) const {
  const at::AutoGradMode with_gradients(true);
  Traced traced;
  traced.pixels = pixels.detach().clone().set_requires_grad(true);
  traced.latents = encode_one(traced.pixels, noise, pass);
  return traced;
}

Result<void> Diffusion::fit_linear(const std::stop_token& stop) {
  if (linear_) {
    return {};
  }
  LODE_TRY(linear_, in_turn<LinearEncoder>(encoder_index_, stop, [&](nn::Pass& pass) {
             const auto mean = [&](const at::Tensor& picture) {
               const at::Tensor x = (2 * picture - 1).to(on_device());
               return (encoder_.network(x, pass).mean.to(at::kCPU, at::kFloat) - vae().shift) *
                      vae().scaling;
             };
             return fit_linear_encoder(mean, needs_.side);
           }));
  linear_->matrix = linear_->matrix.to(placement_.device);
  linear_->offset = linear_->offset.to(placement_.device);
  return {};
}

Result<at::Tensor> Diffusion::back(const Differentiation& asked, const at::Tensor& pictures,
                                   const at::Tensor& noise, std::vector<Traced> traced,
                                   const at::Tensor& gradient) {
  if (options_.pixel_gradient == PixelGradient::linear) {
    const at::AutoGradMode with_gradients(true);
    const at::Tensor pixels = pictures.detach().clone().set_requires_grad(true);
    (*linear_)(pixels, latent_side(), latent_side()).backward(gradient);
    return pixels.grad();
  }
  const auto one_by_one = [&](nn::Pass* pass) {
    std::vector<at::Tensor> all;
    for (std::int64_t i = 0; i < pictures.size(0); ++i) {
      Traced view = pass == nullptr ? std::move(traced[static_cast<std::size_t>(i)])
                                    : trace(pictures.narrow(0, i, 1), noise.narrow(0, i, 1), *pass);
      view.latents.backward(gradient.narrow(0, i, 1));
      all.push_back(view.pixels.grad());
    }
    return at::cat(all);
  };
  if (!traced.empty()) {
    return one_by_one(nullptr);
  }
  return in_turn<at::Tensor>(encoder_index_, asked.stop,
                             [&](nn::Pass& pass) { return one_by_one(&pass); });
}

Result<double> Diffusion::differentiate(const Differentiation& asked,
                                        std::span<std::vector<float>> gradients) {
  LODE_ASSERT(gradients.size() == asked.views.size(), "a gradient a view");
  const at::Tensor pictures = to_tensor(asked.views).to(placement_.device);
  const auto drawn = [&](std::string_view what) {
    return draw(asked.seed, fmt::format("{} {} {}", asked.name, what, asked.step),
                {pictures.size(0), vae().latent_channels, latent_side(), latent_side()})
        .to(placement_.device);
  };
  const at::Tensor posterior_noise = drawn("posterior");
  std::vector<Traced> traced;
  SdsQuestion question;
  if (options_.pixel_gradient == PixelGradient::linear) {
    LODE_CHECK(fit_linear(asked.stop));
  }
  if (graphs_wait_ && options_.pixel_gradient == PixelGradient::exact) {
    LODE_TRY(question.latents, in_turn<at::Tensor>(encoder_index_, asked.stop, [&](nn::Pass& pass) {
               std::vector<at::Tensor> latents;
               for (std::int64_t i = 0; i < pictures.size(0); ++i) {
                 traced.push_back(
                     trace(pictures.narrow(0, i, 1), posterior_noise.narrow(0, i, 1), pass));
                 latents.push_back(traced.back().latents.detach());
               }
               return at::cat(latents);
             }));
  } else {
    LODE_TRY(question.latents, encode(pictures, posterior_noise, asked.stop));
  }
  tell("encode");
  question.noise = drawn("noise");
  question.timesteps = asked.timesteps;
  question.noisy = schedule_.add_noise(question.latents, question.noise, asked.timesteps);
  LODE_TRY(question.opinion, in_turn<Opinion>(unet_, asked.stop, [&](nn::Pass& pass) {
             return asked.predict(question.noisy.to(placement_.compute), asked.timesteps, pass);
           }));
  tell("unet");
  const Distilled distilled = distil(schedule_, question, asked.rule);
  LODE_TRY(const at::Tensor by_pixels,
           back(asked, pictures, posterior_noise, std::move(traced), distilled.gradient));
  tell("backward");
  const at::Tensor plain =
      at::nan_to_num(by_pixels, 0.0, 0.0, 0.0).to(at::kCPU).permute({0, 2, 3, 1}).contiguous();
  const float* from = plain.data_ptr<float>();
  for (std::vector<float>& gradient : gradients) {
    const auto count = static_cast<std::size_t>(plain[0].numel());
    gradient.assign(from, from + count);
    from += count;
  }
  return distilled.loss;
}

Result<std::vector<dream::SampledView>> Diffusion::sample(const Sampling& asked) {
  if (asked.steps < 1 || asked.steps > kMostSteps) {
    return fail(Errc::invalid_input,
                fmt::format("steps {}: 1 to {} expected", asked.steps, kMostSteps));
  }
  LODE_TRY(const std::vector<std::int64_t> timesteps, schedule_.timesteps(asked.steps));
  std::vector<at::Tensor> start;
  for (std::size_t i = 0; i < asked.orbits.size(); ++i) {
    start.push_back(draw(asked.seed, fmt::format("{} view {}", asked.name, i),
                         {1, vae().latent_channels, latent_side(), latent_side()}));
  }
  at::Tensor latents = at::cat(start).to(placement_.device);
  const auto denoise = [&](nn::Pass& pass) {
    for (std::size_t i = 0; i < timesteps.size(); ++i) {
      const std::vector<std::int64_t> now(asked.orbits.size(), timesteps[i]);
      const Opinion opinion = asked.predict(latents.to(placement_.compute), now, pass);
      models::DiffusionStep step;
      step.timesteps = timesteps;
      step.index = i;
      step.latents = latents;
      step.output = guided(opinion, asked.scale);
      latents = schedule_.ddim_step(step);
      if (asked.progress) {
        asked.progress(static_cast<int>(i) + 1, static_cast<int>(timesteps.size()));
      }
    }
    return latents;
  };
  LODE_TRY(const at::Tensor clean, in_turn<at::Tensor>(unet_, asked.stop, denoise));
  const auto decode = [&](nn::Pass& pass) {
    std::vector<at::Tensor> pictures;
    for (std::int64_t i = 0; i < clean.size(0); ++i) {
      const at::Tensor unscaled = decoder_->network.unscale(clean.narrow(0, i, 1));
      pictures.push_back(decoder_->network(unscaled.to(placement_.compute), pass).to(at::kFloat));
    }
    return at::cat(pictures);
  };
  LODE_TRY(const at::Tensor decoded, in_turn<at::Tensor>(decoder_index_, asked.stop, decode));
  if (!at::isfinite(decoded).all().item<bool>()) {
    return fail(Errc::internal,
                fmt::format("{}: a drawn picture holds values that are no numbers: the weights "
                            "are damaged, or their values too large for the type that is "
                            "computed in",
                            folder_.string()));
  }
  std::vector<dream::SampledView> views;
  for (std::size_t i = 0; i < asked.orbits.size(); ++i) {
    views.push_back({asked.orbits[i], models::to_picture(decoded, static_cast<std::int64_t>(i))});
    views.back().orbit.size = static_cast<int>(needs_.side);
  }
  return views;
}

}  // namespace lode::guidance
