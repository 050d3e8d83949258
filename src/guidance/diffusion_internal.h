// What the models that guide share: the autoencoder, the schedule, and whose turn it is on the
// device.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "dream/guidance.h"
#include "guidance/linear_encoder.h"
#include "guidance/options.h"
#include "guidance/sds.h"
#include "image/image.h"
#include "models/autoencoder_kl.h"
#include "models/diffusion_schedule.h"
#include "models/folder.h"
#include "nn/device.h"
#include "nn/turns.h"

namespace lode::guidance {

/// Where noise comes from: by seed and purpose. Tests give the reference's.
using Draw =
    std::function<at::Tensor(std::uint64_t seed, std::string_view purpose, const nn::Shape& shape)>;
/// nn::NoiseSource's.
at::Tensor draw_noise(std::uint64_t seed, std::string_view purpose, const nn::Shape& shape);

/// What a model's network says of noisy latents [B, C, h, w] in the type that is computed in, at
/// time step t, the same for all or one a view; float32.
using Predict = std::function<Opinion(const at::Tensor& noisy,
                                      std::span<const std::int64_t> timesteps, nn::Pass& pass)>;

/// One call of Guidance::differentiate.
struct Differentiation {
  std::uint64_t seed = 0;
  std::string_view name;  ///< the model's, of which noise is a purpose
  std::span<const dream::DrawnView> views;
  int step = 1;
  std::vector<std::int64_t> timesteps;  ///< one a view
  SdsRule rule;
  Predict predict;
  std::stop_token stop;
};

/// One call of ViewSampler::sample.
struct Sampling {
  std::uint64_t seed = 0;
  std::string_view name;
  std::vector<render::Orbit> orbits;
  int steps = 50;
  double scale = 1;
  Predict predict;
  std::function<void(int, int)> progress;
  std::stop_token stop;
};

/// Which parts of the folder a model needs besides the encoder, and how large it works.
struct DiffusionNeeds {
  std::int64_t side = 256;    ///< of the pictures that the autoencoder sees
  std::int64_t batch = 1;     ///< views that the U-Net sees at once, guidance's doubling included
  std::int64_t views = 1;     ///< views of one question
  bool decoder = false;       ///< for sampling
  std::string_view what;      ///< such a folder's name: "Zero123"
  std::string_view pipeline;  ///< the class in its model_index.json
};

/// Used by one thread at a time. Networks that are added have to outlive it.
class Diffusion {
 public:
  /// Reads configs and names in vae/ and scheduler/, no weights. Errors name file and field.
  static Result<Diffusion> open(const std::filesystem::path& folder, const Options& options,
                                const DiffusionNeeds& needs);

  /// Has another network take turns, under `part`, its folder's name.
  template <class Network>
  Result<std::size_t> add(models::Described<Network>& described, std::string_view part) {
    LODE_TRY(nn::WeightBank bank, models::bind(described, folder_ / std::string(part)));
    return add_member(std::string(part), std::move(bank), described.network.blocks());
  }
  /// The U-Net as the model's; `finest` are its channels at the latents' own resolution.
  template <class Network>
  Result<void> add_unet(models::Described<Network>& described, std::int64_t finest) {
    LODE_TRY(unet_, add(described, "unet"));
    finest_channels_ = finest;
    return {};
  }
  /// Who stays, once all networks are added. Errors as of nn::plan_turns.
  Result<void> plan();

  /// `work` (a Result<T>) with libtorch's exceptions as errors and networks that do not stay
  /// dropped afterwards. Without gradients but where work asks for them.
  template <class T>
  Result<T> run(std::string_view doing, const std::function<Result<T>()>& work) {
    begin_run();
    std::optional<Result<T>> result;
    const Result<void> outcome = nn::guard(doing, [&] {
      const at::NoGradGuard no_gradients;
      result.emplace(work());
    });
    Result<T> answer = outcome ? std::move(*result) : Result<T>(outcome.error());
    end_run(!answer && answer.error().code == Errc::out_of_resource);
    return answer;
  }

  /// `work(pass)` while that network's weights are there.
  template <class T>
  Result<T> in_turn(std::size_t member, const std::stop_token& stop,
                    const std::function<T(nn::Pass&)>& work) {
    LODE_TRY(nn::Residency* const pass, turns_.enter(member, turns_plan_, stop));
    T value = work(*pass);
    turns_.leave(member, turns_plan_);
    return value;
  }

  /// Within run(): the loss of a question, and its derivatives by the pixels.
  Result<double> differentiate(const Differentiation& asked,
                               std::span<std::vector<float>> gradients);
  /// Within run(): pictures by DDIM from noise.
  Result<std::vector<dream::SampledView>> sample(const Sampling& asked);
  /// Within run(): what the encoder makes of pictures [B, 3, H, W], 0..1, with a posterior sample's
  /// noise: [B, C, h, w], scaled, float32 on the device.
  Result<at::Tensor> encode(const at::Tensor& pictures, const at::Tensor& noise,
                            const std::stop_token& stop);

  at::Tensor draw(std::uint64_t seed, std::string_view purpose, const nn::Shape& shape) const {
    return draw_(seed, purpose, shape);
  }
  void set_draw(Draw draw) { draw_ = std::move(draw); }

  const models::DiffusionSchedule& schedule() const { return schedule_; }
  std::int64_t train_timesteps() const { return schedule_.config().train_timesteps; }
  const models::AutoencoderKlConfig& vae() const { return encoder_.network.config(); }
  std::int64_t latent_side() const { return needs_.side / vae().reduction(); }
  at::TensorOptions on_device() const {
    return at::TensorOptions(placement_.device).dtype(placement_.compute);
  }
  at::TensorOptions in_float() const { return on_device().dtype(at::kFloat); }
  const Options& options() const { return options_; }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  /// A view on its way to latents, whose derivative goes back the same way.
  struct Traced {
    at::Tensor pixels;   ///< [1, 3, H, W], the leaf
    at::Tensor latents;  ///< [1, C, h, w]
  };

  Diffusion(std::filesystem::path folder, Options options, DiffusionNeeds needs,
            models::Described<models::KlEncoder> encoder,
            std::optional<models::Described<models::KlDecoder>> decoder,
            const models::DiffusionScheduleConfig& schedule);

  std::size_t add_member(std::string part, nn::WeightBank bank, std::vector<nn::Block> blocks);
  std::uint64_t activation_bytes(std::size_t member, bool graphs_wait) const;
  std::vector<nn::TurnDemand> demands(bool graphs_wait) const;

  void begin_run();
  void end_run(bool short_of_memory);

  at::Tensor encode_one(const at::Tensor& pixels, const at::Tensor& noise, nn::Pass& pass) const;
  Traced trace(const at::Tensor& pixels, const at::Tensor& noise, nn::Pass& pass) const;
  Result<void> fit_linear(const std::stop_token& stop);
  Result<at::Tensor> back(const Differentiation& asked, const at::Tensor& pictures,
                          const at::Tensor& noise, std::vector<Traced> traced,
                          const at::Tensor& gradient);

  std::filesystem::path folder_;
  Options options_;
  DiffusionNeeds needs_;
  nn::Placement placement_;
  models::Described<models::KlEncoder> encoder_;
  std::optional<models::Described<models::KlDecoder>> decoder_;
  models::DiffusionSchedule schedule_;
  Draw draw_ = draw_noise;
  std::optional<LinearEncoder> linear_;
  std::vector<std::string> parts_;
  std::size_t encoder_index_ = 0, decoder_index_ = 0, unet_ = 0;
  std::int64_t finest_channels_ = 0;
  bool graphs_wait_ = false;  ///< the encoder's graphs live on while the U-Net runs
  std::vector<nn::Turn> turns_plan_;
  nn::Turns turns_;  // before what it holds blocks of is gone
};

/// Errc::invalid_input: "<first> is <a>, <second> is <b>", of configs in `folder`.
Result<void> check_equal(const std::filesystem::path& folder, std::string_view first,
                         std::int64_t a, std::string_view second, std::int64_t b);

/// Half a picture's worth of views: [B, 3, size, size], float32 on the CPU.
at::Tensor to_tensor(std::span<const dream::DrawnView> views);

/// One number a batch element, int64 on the device of `like`, repeated for both halves of guidance.
at::Tensor doubled_timesteps(std::span<const std::int64_t> timesteps, const at::Tensor& like);

/// A network's output for a doubled batch, in float32: its first half and its second.
struct Halves {
  at::Tensor first, second;
};
Halves halves(const at::Tensor& output);

}  // namespace lode::guidance
