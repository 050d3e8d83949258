// Every network of FLUX against what diffusers and transformers compute with the tiny snapshot.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include "models/autoencoder_kl.h"
#include "models/clip_text.h"
#include "models/flow_match_euler.h"
#include "models/flux_transformer.h"
#include "models/t5_encoder.h"
#include "models/test_networks.h"
#include "nn/test_checkpoint.h"
#include "tests/support/golden_tensors.h"

namespace lode::models {
namespace {

using test::flux_golden;
using test::GoldenTensors;
using test::relative_error;

std::filesystem::path snapshot(const std::string& part) {
  return flux_golden() / "snapshot" / part;
}

nlohmann::ordered_json snapshot_config(const std::string& part) {
  return config_file(snapshot(part) /
                     (part == "scheduler" ? "scheduler_config.json" : "config.json"));
}

const Held kFull{};
const Held kHalf{.type = at::kBFloat16};
const Held kInt8{.format = nn::WeightFormat::int8};

Loaded<ClipText> clip_text(const Held& held) {
  return {snapshot("text_encoder"), held,
          parse_clip_text_config(snapshot_config("text_encoder")).value()};
}
Loaded<T5Encoder> t5(const Held& held) {
  return {snapshot("text_encoder_2"), held,
          parse_t5_config(snapshot_config("text_encoder_2")).value()};
}
Loaded<FluxTransformer> transformer(const Held& held) {
  return {snapshot("transformer"), held,
          parse_flux_transformer_config(snapshot_config("transformer")).value()};
}
template <class Half>
Loaded<Half> autoencoder(const Held& held) {
  return {snapshot("vae"), held, parse_autoencoder_kl_config(snapshot_config("vae")).value()};
}

class Parity : public testing::Test {
 private:
  at::NoGradGuard no_gradients_;
};

nn::EverythingLoaded loaded;

void check_clip(const std::string& what, const Held& held, double bound) {
  const GoldenTensors golden(flux_golden() / "clip.safetensors");
  const auto network = clip_text(held);
  for (const std::string p : {"short", "long", "empty"}) {
    const ClipText::Output out = (*network)(golden[p + ".ids"], loaded);
    expect_within(what + " " + p, out.hidden, golden[p + ".last_hidden_state"], bound);
    expect_within(what + " pooled " + p, out.pooled, golden[p + ".pooled"], bound);
  }
}

TEST_F(Parity, ClipText) { check_clip("CLIP f32", kFull, kExact); }
TEST_F(Parity, ClipTextInBfloat16) { check_clip("CLIP bf16", kHalf, 2e-2); }
TEST_F(Parity, ClipTextInInt8) { check_clip("CLIP int8", kInt8, 2e-2); }

void check_t5(const std::string& what, const Held& held, double bound) {
  const GoldenTensors golden(flux_golden() / "t5.safetensors");
  const auto network = t5(held);
  for (const std::string p : {"len16", "len256"}) {
    const at::Tensor out = (*network)(golden[p + ".ids"], loaded);
    expect_within(what + " " + p, out, golden[p + ".last_hidden_state"], bound);
  }
}

TEST_F(Parity, T5) { check_t5("T5 f32", kFull, kExact); }
TEST_F(Parity, T5InBfloat16) { check_t5("T5 bf16", kHalf, 2e-2); }
TEST_F(Parity, T5InInt8) { check_t5("T5 int8", kInt8, 3e-2); }

TEST_F(Parity, T5BucketsOfEveryDistance) {
  const GoldenTensors golden(flux_golden() / "t5.safetensors");
  EXPECT_TRUE(t5_buckets(golden["buckets.distance"], 32, 128).equal(golden["buckets.bucket"]));
}

at::Tensor half_table(const at::Tensor& repeated) { return repeated.slice(1, 0, {}, 2); }

/// The velocity for each batch element at its own timestep: row b of a step's forward at timestep b
/// is what the reference computes for it.
at::Tensor flux_output(const FluxTransformer& network, const GoldenTensors& golden,
                       const std::string& p, const Held& held, std::int64_t rows,
                       std::int64_t columns) {
  const at::Tensor timesteps = golden[p + ".timestep"];
  const at::Tensor text = golden[p + ".encoder_hidden_states"].to(held.type);
  FluxConditions conditions;
  conditions.pooled = golden[p + ".pooled_projections"].to(held.type);
  for (std::int64_t i = 0; i < timesteps.size(0); ++i) {
    conditions.timesteps.push_back(timesteps[i].item<float>() * 1000.0F);
  }
  const FluxModulations modulations = network.compute_modulations(conditions, loaded);
  const FluxInput input{golden[p + ".hidden_states"].to(held.type), text,
                        flux_rotary(network.config(), text.size(1), rows, columns)};
  std::vector<at::Tensor> out;
  for (std::int64_t i = 0; i < timesteps.size(0); ++i) {
    out.push_back(network(input, modulations, i, loaded)[i]);
  }
  return at::stack(out);
}

void check_flux(const std::string& what, const Held& held, double bound) {
  const GoldenTensors golden(flux_golden() / "transformer.safetensors");
  const auto network = transformer(held);
  expect_within(what + " square", flux_output(*network, golden, "square", held, 4, 4),
                golden["square.output"], bound);
  expect_within(what + " batch", flux_output(*network, golden, "batch", held, 4, 6),
                golden["batch.output"], bound);
}

TEST_F(Parity, FluxTransformer) { check_flux("FLUX f32", kFull, kExact); }
TEST_F(Parity, FluxTransformerInBfloat16) { check_flux("FLUX bf16", kHalf, 3e-2); }
TEST_F(Parity, FluxTransformerInInt8) { check_flux("FLUX int8", kInt8, 4e-2); }

TEST_F(Parity, FluxRotaryTurnsPictureAndLeavesText) {
  const GoldenTensors golden(flux_golden() / "transformer.safetensors");
  const auto config = parse_flux_transformer_config(snapshot_config("transformer")).value();
  const nn::RotaryTable table = flux_rotary(config, 12, 4, 6);
  EXPECT_LE(relative_error(table.cos, half_table(golden["batch.rope_cos"])), 1e-7);
  EXPECT_LE(relative_error(table.sin, half_table(golden["batch.rope_sin"])), 1e-7);
}

void check_decoder(const std::string& what, const Held& held, double bound) {
  const GoldenTensors golden(flux_golden() / "vae.safetensors");
  const auto network = autoencoder<KlDecoder>(held);
  for (const std::string p : {"square", "wide"}) {
    expect_within(what + " " + p, (*network)(golden[p + ".latent"].to(held.type), loaded),
                  golden[p + ".decoded"], bound);
  }
}

TEST_F(Parity, Decoder) { check_decoder("VAE decoder f32", kFull, kExact); }
TEST_F(Parity, DecoderInBfloat16) { check_decoder("VAE decoder bf16", kHalf, 5e-2); }
TEST_F(Parity, DecoderInInt8) { check_decoder("VAE decoder int8", kInt8, 1.5e-2); }

TEST_F(Parity, DecoderReadsAttentionUnderItsOldNames) {
  // Stable Diffusion's first checkpoints: other names, and matrices as 1x1 convolutions.
  const auto stored = weights::Checkpoint::open(flux_golden() / "snapshot" / "vae").value();
  nn::TensorsByName tensors;
  for (const weights::StoredTensor& tensor : stored.tensors()) {
    std::string name(tensor.name);
    at::Tensor value = test::to_tensor(tensor);
    const std::vector<std::pair<std::string, std::string>> renamed = {
        {"to_q", "query"}, {"to_k", "key"}, {"to_v", "value"}, {"to_out.0", "proj_attn"}};
    for (const auto& [now, once] : renamed) {
      if (const std::size_t at = name.find("." + now + "."); at != std::string::npos) {
        name.replace(at + 1, now.size(), once);
        value = value.dim() == 2 ? value.unsqueeze(2).unsqueeze(3) : value;
      }
    }
    tensors[name] = value;
  }
  const auto config = parse_autoencoder_kl_config(snapshot_config("vae")).value();
  nn::ParameterSet set;
  const KlDecoder network(config, set.root());
  const auto bank =
      nn::WeightBank::bind(set, nn::checkpoint_of(tensors), KlDecoder::load_rules()).value();
  for (const nn::Block& block : network.blocks()) {
    bank.load(block, nn::Placement()).install();
  }
  const GoldenTensors golden(flux_golden() / "vae.safetensors");
  EXPECT_LE(relative_error(network(golden["square.latent"], loaded), golden["square.decoded"]),
            kExact);
}

void check_encoder(const std::string& what, const Held& held, double bound) {
  const GoldenTensors golden(flux_golden() / "vae.safetensors");
  const auto network = autoencoder<KlEncoder>(held);
  const auto out = (*network)(golden["encode.image"].to(held.type), loaded);
  expect_within(what + " mean", out.mean, golden["encode.mean"], bound);
  expect_within(what + " log-variance", out.log_variance, golden["encode.logvar"], bound);
}

TEST_F(Parity, Encoder) { check_encoder("VAE encoder f32", kFull, kExact); }
TEST_F(Parity, EncoderInBfloat16) { check_encoder("VAE encoder bf16", kHalf, 5e-2); }

void expect_schedule(const FlowMatchConfig& config, int steps, std::int64_t length,
                     const std::string& prefix) {
  const GoldenTensors golden(flux_golden() / "schedule.safetensors");
  const FlowMatchSchedule schedule = flow_match_schedule(config, steps, length);
  const at::Tensor sigmas = golden[prefix + ".sigmas"];
  const at::Tensor timesteps = golden[prefix + ".timesteps"];
  ASSERT_EQ(static_cast<std::int64_t>(schedule.sigmas.size()), sigmas.size(0));
  ASSERT_EQ(static_cast<std::int64_t>(schedule.timesteps.size()), timesteps.size(0));
  for (int i = 0; i <= steps; ++i) {
    EXPECT_FLOAT_EQ(schedule.sigmas[i], sigmas[i].item<float>()) << prefix << " sigma " << i;
    if (i < steps) {
      EXPECT_FLOAT_EQ(schedule.timesteps[i], timesteps[i].item<float>()) << prefix << " t " << i;
    }
  }
}

TEST_F(Parity, Schedules) {
  const auto schnell = parse_flow_match_config(snapshot_config("scheduler")).value();
  for (const int steps : {1, 2, 4, 8}) {
    expect_schedule(schnell, steps, 256, "schnell." + std::to_string(steps));
  }
  FlowMatchConfig shifted;
  shifted.shift = 3;
  expect_schedule(shifted, 8, 256, "static3");
  shifted.dynamic_shifting = true;
  for (const std::int64_t length : {256, 1024, 4096}) {
    expect_schedule(shifted, 8, length, "dynamic." + std::to_string(length));
  }
}

TEST_F(Parity, EulerStepAndPacking) {
  const GoldenTensors golden(flux_golden() / "schedule.safetensors");
  const FlowMatchSchedule schedule = flow_match_schedule(FlowMatchConfig(), 4, 6);
  EXPECT_TRUE(
      flow_match_step(schedule, 0, golden["step.x"], golden["step.v"]).equal(golden["step.out"]));
  EXPECT_TRUE(flux_pack(golden["pack.unpacked"]).equal(golden["pack.packed"]));
  EXPECT_TRUE(flux_unpack(golden["pack.packed"], 2, 3).equal(golden["pack.unpacked"]));
}

TEST_F(Parity, PoolsAtTheFirstEndOfNewerConfigs) {
  // Id 5 as the end of sequence: first at position 2, while the largest id is elsewhere.
  nlohmann::ordered_json json = snapshot_config("text_encoder");
  const at::Tensor ids = at::full({1, 6}, 7, at::TensorOptions(at::kLong));
  ids[0][2].fill_(5);
  ids[0][4].fill_(5);
  ids[0][1].fill_(800);
  const auto row = [&](std::int64_t eos) {
    json["eos_token_id"] = eos;
    const Loaded<ClipText> network(snapshot("text_encoder"), kFull,
                                   parse_clip_text_config(json).value());
    const ClipText::Output out = (*network)(ids, loaded);
    for (std::int64_t i = 0; i < 6; ++i) {
      if (out.hidden[0][i].equal(out.pooled[0])) {
        return i;
      }
    }
    return std::int64_t{-1};
  };
  EXPECT_EQ(row(5), 2);
  EXPECT_EQ(row(2), 1);
  EXPECT_EQ(row(99), 0) << "no end at all";
}

}  // namespace
}  // namespace lode::models
