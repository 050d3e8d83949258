// The networks that guide against what diffusers and MVDream's public code compute with the tiny
// snapshot.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include "models/autoencoder_kl.h"
#include "models/mv_unet.h"
#include "models/test_networks.h"
#include "models/unet_2d.h"

namespace lode::models {
namespace {

using test::GoldenTensors;
using test::relative_error;

const Held kFull{};
const Held kHalf{.type = at::kBFloat16};

std::filesystem::path folder() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "guidance";
}
std::filesystem::path snapshot(const std::string& part) { return folder() / "snapshot" / part; }
GoldenTensors golden(const std::string& name) {
  return GoldenTensors(folder() / (name + ".safetensors"));
}

class GuidanceParity : public testing::Test {
 private:
  at::NoGradGuard no_gradients_;
};

Loaded<Unet2d> unet_2d(const std::string& name, const Held& held) {
  const std::filesystem::path part = snapshot(name) / "unet";
  return {part, held, parse_unet_2d_config(config_file(part / "config.json")).value()};
}

void check_unet_2d(const std::string& name, const std::vector<std::string>& cases, const Held& held,
                   double bound) {
  const GoldenTensors want = golden(name);
  const Loaded<Unet2d> network = unet_2d(name, held);
  for (const std::string& p : cases) {
    const at::Tensor out = network(want[p + ".latents"].to(held.type), want[p + ".timesteps"],
                                   want[p + ".context"].to(held.type));
    EXPECT_EQ(out.scalar_type(), held.type);
    expect_within(name + " " + p, out, want[p + ".output"], bound);
  }
}

TEST_F(GuidanceParity, Zero123AtSizesThatDoNotHalve) {
  check_unet_2d("zero123", {"square", "odd"}, kFull, kExact);
}
TEST_F(GuidanceParity, Zero123InBfloat16) {
  check_unet_2d("zero123", {"square", "odd"}, kHalf, 0.1);
}
TEST_F(GuidanceParity, StableDiffusion21) {
  check_unet_2d("sd21", {"square", "wide"}, kFull, kExact);
}
TEST_F(GuidanceParity, StableDiffusion21InBfloat16) {
  check_unet_2d("sd21", {"square", "wide"}, kHalf, 0.1);
}

/// MVDream's weights are ImageDream's but for what reads the picture.
Loaded<MvUnet> mv_unet(const std::string& name, Held held) {
  if (name == "mvdream") {
    held.ignored = {"image_embed.*", "*_ip.weight"};
  }
  MvUnetConfig config =
      parse_mv_unet_config(config_file(snapshot(name) / "unet" / "config.json")).value();
  // Of 32 channels the published 32 groups would be one each, and a channel's own norm takes away
  // what time and cameras add to it.
  config.shape.groups = 8;
  return {snapshot("imagedream") / "unet", held, config};
}

MvUnetInput views_of(const GoldenTensors& want, std::int64_t views, const Held& held) {
  return {.latents = want["x"].to(held.type),
          .timesteps = want["timesteps"],
          .context = want["context"].to(held.type),
          .cameras = want["camera"].to(held.type),
          .views = views};
}

void check_mvdream(const Held& held, double bound) {
  const GoldenTensors want = golden("mvdream");
  const Loaded<MvUnet> network = mv_unet("mvdream", held);
  MvUnetInput input = views_of(want, 4, held);
  expect_within("mvdream", network(input), want["output"], bound);
  input.views = 1;
  expect_within("mvdream, views apart", network(input), want["apart"], bound);
}

TEST_F(GuidanceParity, MvDream) { check_mvdream(kFull, kExact); }
TEST_F(GuidanceParity, MvDreamInBfloat16) { check_mvdream(kHalf, 0.1); }

void check_imagedream(const Held& held, double bound) {
  const GoldenTensors want = golden("imagedream");
  const Loaded<MvUnet> network = mv_unet("imagedream", held);
  nn::EverythingLoaded loaded;
  const at::Tensor tokens = network->embed_picture(want["features"].to(held.type), loaded);
  expect_within("imagedream picture", tokens, want["picture_tokens"], bound);
  MvUnetInput input = views_of(want, 5, held);
  input.picture_tokens = tokens.repeat_interleave(5, 0);
  input.picture_latents = want["ip_img"].to(held.type);
  const at::Tensor before = input.latents.clone();
  expect_within("imagedream", network(input), want["output"], bound);
  EXPECT_TRUE(input.latents.equal(before)) << "the caller's latents stay";
}

TEST_F(GuidanceParity, ImageDream) { check_imagedream(kFull, kExact); }
TEST_F(GuidanceParity, ImageDreamInBfloat16) { check_imagedream(kHalf, 0.1); }

TEST_F(GuidanceParity, CamerasAndViewsAreLookedAt) {
  const GoldenTensors want = golden("mvdream");
  const Loaded<MvUnet> network = mv_unet("mvdream", kFull);
  MvUnetInput input = views_of(want, 4, kFull);
  const at::Tensor out = network(input);
  input.cameras = at::Tensor();
  EXPECT_GT(relative_error(network(input), out), 0.01) << "without cameras";
  input = views_of(want, 4, kFull);
  input.latents = input.latents.clone();
  input.latents[3].zero_();
  const at::Tensor changed = network(input);
  EXPECT_GT(relative_error(changed[0], out[0]), 0.01) << "by a view of the same object";
  EXPECT_TRUE(changed[4].equal(out[4])) << "by another object's";
}

/// Notes what a network asks for.
class Noted final : public nn::Pass {
 public:
  void enter(const nn::Block& block) override { names.push_back(block.name); }
  void leave(const nn::Block&) noexcept override {}
  std::vector<std::string> names;
};

std::vector<std::string> names_of(const std::vector<nn::Block>& blocks) {
  std::vector<std::string> names;
  for (const nn::Block& block : blocks) {
    names.push_back(block.name);
  }
  return names;
}

TEST_F(GuidanceParity, BlocksAreEnteredInTheirOrder) {
  const GoldenTensors flat = golden("zero123");
  const Loaded<Unet2d> one = unet_2d("zero123", kFull);
  Noted noted;
  (*one)(flat["odd.latents"], flat["odd.timesteps"], flat["odd.context"], noted);
  EXPECT_EQ(noted.names, names_of(one->blocks()));
  const GoldenTensors views = golden("mvdream");
  const Loaded<MvUnet> other = mv_unet("mvdream", kFull);
  noted.names.clear();
  (*other)(views_of(views, 4, kFull), noted);
  EXPECT_EQ(noted.names, names_of(other->blocks()));
}

TEST_F(GuidanceParity, LayersLieInTheBlocksThatNeedThem) {
  const GoldenTensors want = golden("zero123");
  const Unet2dConfig config =
      parse_unet_2d_config(config_file(snapshot("zero123") / "unet" / "config.json")).value();
  nn::ParameterSet set;
  const Unet2d network(config, set.root());
  const auto bank =
      nn::WeightBank::bind(set, weights::Checkpoint::open(snapshot("zero123") / "unet").value(),
                           Unet2d::load_rules())
          .value();
  /// Loads a block when it is entered and drops it when it is left.
  class Streamed final : public nn::Pass {
   public:
    explicit Streamed(const nn::WeightBank& bank) : bank_(bank) {}
    void enter(const nn::Block& block) override { bank_.load(block, nn::Placement()).install(); }
    void leave(const nn::Block& block) noexcept override {
      for (nn::Parameter* parameter : block.parameters) {
        parameter->clear();
      }
    }

   private:
    const nn::WeightBank& bank_;
  };
  Streamed streamed(bank);
  expect_within("zero123, streamed",
                network(want["odd.latents"], want["odd.timesteps"], want["odd.context"], streamed),
                want["odd.output"]);
}

TEST(GuidanceGradient, FlowsThroughTheEncoderToPixels) {
  const GoldenTensors want = golden("encoder_gradient");
  const auto config =
      parse_autoencoder_kl_config(config_file(snapshot("vae") / "config.json")).value();
  const Loaded<KlEncoder> encoder(snapshot("vae"), kFull, config);
  const at::Tensor pixels = want["image"].requires_grad_(true);
  const KlEncoder::Distribution drawn = encoder(pixels);
  const at::Tensor latents =
      config.scaling * (drawn.mean + at::exp(drawn.log_variance / 2) * want["noise"]);
  expect_within("encoder sample", latents.detach(), want["latents"]);
  latents.backward(want["latents_gradient"]);
  expect_within("encoder gradient", pixels.grad(), want["image_gradient"]);
  for (const nn::Parameter& parameter : encoder.parameters().all()) {
    EXPECT_FALSE(parameter.value().requires_grad()) << parameter.name();
    EXPECT_FALSE(parameter.value().grad().defined()) << parameter.name();
  }
}

}  // namespace
}  // namespace lode::models
