// Times one network of a FLUX folder in float32 for tools/golden/flux_time.py --compare, by the
// contract in that script's help: what to do stands in the environment, the result is a JSON line.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "models/autoencoder_kl.h"
#include "models/clip_text.h"
#include "models/flux_transformer.h"
#include "models/t5_encoder.h"
#include "nn/residency.h"
#include "weights/checkpoint.h"

namespace {

using namespace lode;

constexpr std::int64_t kTextTokens = 256;
constexpr std::int64_t kClipTokens = 77;

struct Task {
  std::filesystem::path snapshot;
  std::string part;
  std::int64_t pixels = 0;
  int runs = 0;
  int threads = 0;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) {
    throw std::runtime_error(fmt::format("{} is not set: see tools/golden/flux_time.py", name));
  }
  return value;
}

Task read_task() {
  return {variable("FLUX_TIME_SNAPSHOT"), variable("FLUX_TIME_PART"),
          std::stol(variable("FLUX_TIME_PIXELS")), std::stoi(variable("FLUX_TIME_RUNS")),
          std::stoi(variable("FLUX_TIME_THREADS"))};
}

/// A network with all its weights loaded.
template <class Network>
struct Loaded {
  std::unique_ptr<nn::ParameterSet> parameters = std::make_unique<nn::ParameterSet>();
  std::unique_ptr<Network> network;
  std::unique_ptr<nn::Residency> residency;
};

template <class Network, class Parse>
Loaded<Network> load(const std::filesystem::path& folder, Parse parse) {
  const auto text = read_file(folder / "config.json", 1 << 20).value();
  const auto config = parse(parse_json(as_text(text)).value()).value();
  Loaded<Network> loaded;
  loaded.network = std::make_unique<Network>(config, loaded.parameters->root());
  std::vector<nn::Block> blocks = loaded.network->blocks();
  if constexpr (requires { loaded.network->modulation_blocks(); }) {
    const auto& more = loaded.network->modulation_blocks();
    blocks.insert(blocks.end(), more.begin(), more.end());
  }
  nn::WeightBank bank =
      nn::WeightBank::bind(*loaded.parameters, weights::Checkpoint::open(folder).value(),
                           Network::load_rules())
          .value();
  loaded.residency = nn::Residency::create(std::move(bank), blocks, nn::Placement{}).value();
  return loaded;
}

/// What is timed, with its inputs and weights ready.
std::function<void()> prepare(const Task& task) {
  const auto ones = [](std::int64_t count) { return at::ones({1, count}, at::kLong); };
  if (task.part == "clip") {
    auto clip = std::make_shared<Loaded<models::ClipText>>(
        load<models::ClipText>(task.snapshot / "text_encoder", models::parse_clip_text_config));
    return [clip, ids = ones(kClipTokens)] { (*clip->network)(ids, *clip->residency); };
  }
  if (task.part == "t5") {
    auto t5 = std::make_shared<Loaded<models::T5Encoder>>(
        load<models::T5Encoder>(task.snapshot / "text_encoder_2", models::parse_t5_config));
    return [t5, ids = ones(kTextTokens)] { (*t5->network)(ids, *t5->residency); };
  }
  if (task.part == "vae") {
    auto vae = std::make_shared<Loaded<models::KlDecoder>>(
        load<models::KlDecoder>(task.snapshot / "vae", models::parse_autoencoder_kl_config));
    const std::int64_t side = task.pixels / vae->network->config().reduction();
    const at::Tensor latents = at::randn({1, vae->network->config().latent_channels, side, side});
    return [vae, latents] { (*vae->network)(latents, *vae->residency); };
  }
  if (task.part != "transformer") {
    throw std::runtime_error("FLUX_TIME_PART: clip, t5, transformer or vae expected");
  }
  auto flux = std::make_shared<Loaded<models::FluxTransformer>>(load<models::FluxTransformer>(
      task.snapshot / "transformer", models::parse_flux_transformer_config));
  const models::FluxTransformerConfig& config = flux->network->config();
  const std::int64_t side = task.pixels / 16;
  const at::Tensor latents = at::randn({1, side * side, config.in_channels});
  const at::Tensor text = at::randn({1, kTextTokens, config.text_width});
  const models::FluxConditions conditions = {{500.0F}, at::randn({1, config.pooled_width})};
  // The reference makes modulations and rotary angles anew on each call, so both are in our time,
  // though the pipeline makes them once for all steps.
  return [=] {
    const models::FluxModulations modulations =
        flux->network->compute_modulations(conditions, *flux->residency);
    const models::FluxInput input = {
        latents, text, models::flux_rotary(flux->network->config(), kTextTokens, side, side)};
    (*flux->network)(input, modulations, 0, *flux->residency);
  };
}

double milliseconds(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
      .count();
}

}  // namespace

int main() {
  try {
    const Task task = read_task();
    at::set_num_threads(task.threads);
    const at::NoGradGuard no_gradient;
    const std::function<void()> run = prepare(task);
    run();
    std::vector<double> times;
    for (int i = 0; i < task.runs; ++i) {
      times.push_back(milliseconds(run));
    }
    std::ranges::sort(times);
    const nlohmann::json result = {
        {"median_ms", times[times.size() / 2]}, {"min_ms", times.front()}, {"n", times.size()}};
    std::puts(result.dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "flux_part: %s\n", error.what());
    return 1;
  }
}
