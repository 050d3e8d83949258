#include "guidance/zero123.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <utility>

#include "guidance/cameras.h"
#include "guidance/models_internal.h"
#include "models/camera_projection.h"
#include "models/clip_vision.h"
#include "models/pictures.h"
#include "models/unet_2d.h"

namespace lode::guidance {

namespace {

constexpr std::string_view kName = "zero123";
constexpr std::int64_t kSide = 256;

/// What the networks make of the subject's picture, float32 on the device.
struct Seen {
  at::Tensor feature;  ///< [1, W]: CLIP's
  at::Tensor latent;   ///< [1, C, h, w], not scaled
  float elevation_deg = 0;
};

struct Networks {
  models::Described<models::Unet2d> unet;
  models::Described<models::ClipVision> vision;
  models::Described<models::CameraProjection> projection;
};

/// [B, 4].
at::Tensor poses_of(std::span<const render::Orbit> orbits, float elevation_deg, Zero123Kind kind) {
  at::Tensor all =
      at::empty({static_cast<std::int64_t>(orbits.size()), 4}, at::TensorOptions(at::kFloat));
  float* to = all.data_ptr<float>();
  for (const render::Orbit& orbit : orbits) {
    to = std::ranges::copy(zero123_pose(orbit, elevation_deg, kind), to).out;
  }
  return all;
}

/// As torchvision's to_pil_image: times 255, cut off, not rounded.
image::Image truncated(const at::Tensor& unit) {
  const at::Tensor bytes = (unit[0] * 255).to(at::kByte).permute({1, 2, 0}).contiguous();
  image::Image picture(static_cast<int>(unit.size(3)), static_cast<int>(unit.size(2)), 3);
  std::copy_n(bytes.data_ptr<std::uint8_t>(), picture.pixels.size(), picture.pixels.begin());
  return picture;
}

class Zero123 final : public MultiViewModel {
 public:
  Zero123(Zero123Options options, Zero123Kind kind, Networks networks, Diffusion diffusion)
      : options_(std::move(options)),
        kind_(kind),
        networks_(std::move(networks)),
        diffusion_(std::move(diffusion)) {}

  Result<void> join() {
    LODE_CHECK(diffusion_.add_unet(networks_.unet,
                                   networks_.unet.network.config().levels.front().channels));
    LODE_TRY(vision_, diffusion_.add(networks_.vision, "image_encoder"));
    LODE_TRY(projection_, diffusion_.add(networks_.projection, "clip_camera_projection"));
    return diffusion_.plan();
  }

  std::string_view name() const override {
    return kind_ == Zero123Kind::stable ? "stable-zero123" : "zero123-xl";
  }
  bool needs_picture() const override { return true; }

  Result<std::unique_ptr<dream::Guidance>> begin(const dream::Subject& subject, std::uint64_t seed,
                                                 const std::stop_token& stop) override;
  Result<std::vector<dream::SampledView>> sample(const dream::Subject& subject, std::uint64_t seed,
                                                 const std::function<void(int, int)>& progress,
                                                 const std::stop_token& stop) override;

 private:
  class Session;

  Result<void> check_picture(const image::Image& picture) const;
  Result<Seen> look(const dream::Subject& subject, std::uint64_t seed, const std::stop_token& stop);
  Result<Predict> predict(const Seen& seen, std::span<const render::Orbit> orbits,
                          const std::stop_token& stop);

  Zero123Options options_;
  Zero123Kind kind_;
  Networks networks_;
  Diffusion diffusion_;
  std::size_t vision_ = 0, projection_ = 0;
};

class Zero123::Session final : public dream::Guidance {
 public:
  Session(Zero123& model, Seen seen, std::uint64_t seed)
      : model_(model), seen_(std::move(seen)), seed_(seed) {}

  std::string_view name() const override { return model_.name(); }
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
    asked.rule = {.scale = model_.options_.scale, .weighted = true};
    asked.stop = stop;
    std::vector<render::Orbit> orbits;
    for (const dream::DrawnView& view : views) {
      orbits.push_back(view.orbit);
    }
    return model_.diffusion_.run<double>("asking Zero123", [&]() -> Result<double> {
      LODE_TRY(asked.predict, model_.predict(seen_, orbits, stop));
      return model_.diffusion_.differentiate(asked, gradients);
    });
  }

 private:
  Zero123& model_;
  Seen seen_;
  std::uint64_t seed_;
};

Result<void> Zero123::check_picture(const image::Image& picture) const {
  if (picture.width == 0 || picture.width != picture.height) {
    return fail(Errc::invalid_input, fmt::format("Zero123 needs a square picture, this is {} x {}",
                                                 picture.width, picture.height));
  }
  return {};
}

Result<Seen> Zero123::look(const dream::Subject& subject, std::uint64_t seed,
                           const std::stop_token& stop) {
  const image::Image& whole = subject.picture;
  const at::Tensor unit = models::to_unit(
      whole.width > kSide
          ? image::resize(image::composite_over(whole, {255, 255, 255}), kSide, kSide)
          : whole);
  const at::Tensor picture = at::upsample_bilinear2d(unit, {kSide, kSide}, false);
  const at::Tensor pixels =
      models::clip_pixels(truncated(picture), networks_.vision.network.config().image_size)
          .to(diffusion_.on_device());
  Seen seen;
  seen.elevation_deg = subject.elevation_deg;
  LODE_TRY(seen.feature, diffusion_.in_turn<at::Tensor>(vision_, stop, [&](nn::Pass& pass) {
    return networks_.vision.network(pixels, pass).pooled.to(at::kFloat);
  }));
  const std::int64_t side = diffusion_.latent_side();
  const at::Tensor noise =
      diffusion_.draw(seed, "zero123 picture", {1, diffusion_.vae().latent_channels, side, side});
  const at::Device device = diffusion_.on_device().device();
  LODE_TRY(const at::Tensor scaled, diffusion_.encode(picture.to(device), noise.to(device), stop));
  seen.latent = scaled / diffusion_.vae().scaling;
  return seen;
}

Result<Predict> Zero123::predict(const Seen& seen, std::span<const render::Orbit> orbits,
                                 const std::stop_token& stop) {
  const auto count = static_cast<std::int64_t>(orbits.size());
  const at::Tensor poses = poses_of(orbits, seen.elevation_deg, kind_).to(diffusion_.in_float());
  const at::Tensor joined = at::cat({seen.feature.expand({count, -1}), poses}, 1).unsqueeze(1);
  LODE_TRY(const at::Tensor known,
           diffusion_.in_turn<at::Tensor>(projection_, stop, [&](nn::Pass& pass) {
             return networks_.projection.network(joined.to(diffusion_.on_device()), pass);
           }));
  const at::Tensor context = at::cat({known, at::zeros_like(known)});
  const at::Tensor latent = seen.latent.expand({count, -1, -1, -1}).to(diffusion_.on_device());
  const at::Tensor beside = at::cat({latent, at::zeros_like(latent)});
  return Predict([this, context, beside](const at::Tensor& noisy,
                                         std::span<const std::int64_t> timesteps, nn::Pass& pass) {
    const at::Tensor input = at::cat({at::cat({noisy, noisy}), beside}, 1);
    const Halves said =
        halves(networks_.unet.network(input, doubled_timesteps(timesteps, noisy), context, pass));
    return Opinion{.with = said.first, .without = said.second};
  });
}

Result<std::unique_ptr<dream::Guidance>> Zero123::begin(const dream::Subject& subject,
                                                        std::uint64_t seed,
                                                        const std::stop_token& stop) {
  LODE_CHECK(check_picture(subject.picture));
  LODE_TRY(Seen seen, diffusion_.run<Seen>("looking at the picture",
                                           [&] { return look(subject, seed, stop); }));
  return std::unique_ptr<dream::Guidance>(std::make_unique<Session>(*this, std::move(seen), seed));
}

Result<std::vector<dream::SampledView>> Zero123::sample(
    const dream::Subject& subject, std::uint64_t seed,
    const std::function<void(int, int)>& progress, const std::stop_token& stop) {
  using Views = std::vector<dream::SampledView>;
  LODE_CHECK(check_picture(subject.picture));
  const Zero123Sampling& sampling = options_.sampling;
  return diffusion_.run<Views>("drawing views with Zero123", [&]() -> Result<Views> {
    LODE_TRY(const Seen seen, look(subject, seed, stop));
    Sampling asked;
    asked.seed = seed;
    asked.name = kName;
    for (const float azimuth : sampling.azimuths_deg) {
      asked.orbits.push_back({.azimuth_deg = azimuth,
                              .elevation_deg = subject.elevation_deg - sampling.above_deg,
                              .radius = sampling.radius,
                              .fov_deg = sampling.fov_deg});
    }
    asked.steps = sampling.steps;
    asked.scale = sampling.scale;
    LODE_TRY(asked.predict, predict(seen, asked.orbits, stop));
    asked.progress = progress;
    asked.stop = stop;
    return diffusion_.sample(asked);
  });
}

bool names_stable_zero123(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower.find("stable") != std::string::npos && lower.find("zero123") != std::string::npos;
}

Result<Zero123Kind> kind_of(const std::filesystem::path& folder, Zero123Variant variant) {
  if (variant != Zero123Variant::automatic) {
    return variant == Zero123Variant::stable ? Zero123Kind::stable : Zero123Kind::xl;
  }
  LODE_TRY(const nlohmann::ordered_json index, models::read_config(folder / "model_index.json"));
  const auto from = index.find("_name_or_path");
  bool is_stable =
      from != index.end() && from->is_string() && names_stable_zero123(from->get<std::string>());
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(folder, ignored);
  for (const std::filesystem::path& name : whole) {
    is_stable = is_stable || names_stable_zero123(name.string());
  }
  return is_stable ? Zero123Kind::stable : Zero123Kind::xl;
}

// Pictures are prepared as CLIP's are; a folder that says otherwise is of another kind.
Result<void> check_feature_extractor(const std::filesystem::path& folder, std::int64_t side) {
  const std::filesystem::path file = folder / "feature_extractor" / "preprocessor_config.json";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return {};
  }
  LODE_TRY(const nlohmann::ordered_json json, models::read_config(file));
  const auto wrong = [&](std::string_view field, std::string_view expected) {
    return fail(Errc::unsupported,
                fmt::format("{}: {}: {} expected", file.string(), field, expected));
  };
  const models::Normalisation clip = models::clip_normalisation();
  for (const auto& [field, values] :
       {std::pair{"image_mean", clip.mean}, std::pair{"image_std", clip.deviation}}) {
    const auto found = json.is_object() ? json.find(field) : json.end();
    bool is_clip =
        json.is_object() && found != json.end() && found->is_array() && found->size() == 3;
    for (std::size_t i = 0; is_clip && i < 3; ++i) {
      const double ours = values.flatten()[static_cast<std::int64_t>(i)].item<double>();
      is_clip = (*found)[i].is_number() && std::abs((*found)[i].get<double>() - ours) < 1e-4;
    }
    if (!is_clip) {
      return wrong(field, "CLIP's three values");
    }
  }
  if (const auto crop = json.find("crop_size"); crop != json.end()) {
    const nlohmann::ordered_json height =
        crop->is_object() && crop->contains("height") ? (*crop)["height"] : *crop;
    if (!height.is_number_integer() || height.get<std::int64_t>() != side) {
      return wrong("crop_size", fmt::format("image_encoder's image_size, {},", side));
    }
  }
  return {};
}

Result<void> check_networks(const std::filesystem::path& folder, const Networks& networks,
                            const Diffusion& diffusion) {
  const models::Unet2dConfig& unet = networks.unet.network.config();
  const models::CameraProjectionConfig& projection = networks.projection.network.config();
  const std::int64_t channels = diffusion.vae().latent_channels;
  LODE_CHECK(check_equal(folder, "unet's in_channels", unet.in_channels,
                         "twice vae's latent_channels", 2 * channels));
  LODE_CHECK(check_equal(folder, "unet's out_channels", unet.out_channels, "vae's latent_channels",
                         channels));
  LODE_CHECK(check_equal(folder, "unet's cross_attention_dim", unet.context_width,
                         "clip_camera_projection's embedding_dim", projection.width));
  LODE_CHECK(check_equal(folder, "image_encoder's projection_dim",
                         networks.vision.network.config().projection,
                         "clip_camera_projection's embedding_dim", projection.width));
  return check_equal(folder, "clip_camera_projection's additional_embeddings", projection.pose,
                     "a pose", 4);
}

Result<void> check(const Zero123Options& options) {
  const Zero123Sampling& sampling = options.sampling;
  LODE_CHECK(check_option("scale", options.scale, 0, 1000));
  LODE_CHECK(check_option("sampling.scale", sampling.scale, 0, 1000));
  LODE_CHECK(check_option("sampling.above_deg", sampling.above_deg, -90, 90));
  LODE_CHECK(check_option("sampling.steps", sampling.steps, 1, 1000));
  return check_option("sampling.azimuths_deg: their number",
                      static_cast<double>(sampling.azimuths_deg.size()), 1, kMaxSampledViews);
}

}  // namespace

Result<std::unique_ptr<MultiViewModel>> open_zero123(const std::filesystem::path& folder,
                                                     const Zero123Options& options, Draw draw) {
  LODE_CHECK(check(options));
  DiffusionNeeds needs;
  needs.side = kSide;
  needs.views = 1;
  needs.batch = 2 * static_cast<std::int64_t>(options.sampling.azimuths_deg.size());
  needs.decoder = true;
  needs.what = "Zero123";
  needs.pipeline = "Zero123Pipeline";
  LODE_TRY(Diffusion diffusion, Diffusion::open(folder, options, needs));
  diffusion.set_draw(std::move(draw));
  LODE_TRY(const Zero123Kind kind, kind_of(folder, options.variant));
  LODE_TRY(auto unet,
           models::describe<models::Unet2d>(folder / "unet", models::parse_unet_2d_config));
  LODE_TRY(auto vision, models::describe<models::ClipVision>(folder / "image_encoder",
                                                             models::parse_clip_vision_config));
  LODE_TRY(auto projection,
           models::describe<models::CameraProjection>(folder / "clip_camera_projection",
                                                      models::parse_camera_projection_config));
  LODE_CHECK(check_feature_extractor(folder, vision.network.config().image_size));
  Networks networks{std::move(unet), std::move(vision), std::move(projection)};
  LODE_CHECK(check_networks(folder, networks, diffusion));
  auto model = std::make_unique<Zero123>(options, kind, std::move(networks), std::move(diffusion));
  LODE_CHECK(model->join());
  return std::unique_ptr<MultiViewModel>(std::move(model));
}

Result<std::unique_ptr<MultiViewModel>> open_zero123(const std::filesystem::path& folder,
                                                     const Zero123Options& options) {
  return open_zero123(folder, options, draw_noise);
}

}  // namespace lode::guidance
