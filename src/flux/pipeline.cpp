#include "flux/pipeline.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "flux/decode_internal.h"
#include "flux/parts_internal.h"
#include "flux/prompt_encoder_internal.h"
#include "models/pictures.h"
#include "nn/device.h"
#include "nn/noise.h"
#include "nn/turns.h"

namespace lode::flux {

namespace {

// Tiles where nobody asks for others: of 64 latents, FLUX's at 512 pixels.
constexpr int kDefaultTile = 512;

constexpr std::int64_t kClipTokens = 77;  // pipeline_flux.py, tokenizer_max_length

using Progress = std::function<void(const FluxProgress&)>;

Result<void> check_side(std::string_view name, int value, int multiple) {
  if (value >= multiple && value <= kMaxSide && value % multiple == 0) {
    return {};
  }
  const int below = std::clamp(value / multiple * multiple, multiple, kMaxSide);
  const int above = std::min(below + multiple, kMaxSide);
  const std::string nearest = value < multiple || value >= kMaxSide
                                  ? std::to_string(below)
                                  : fmt::format("{} or {}", below, above);
  return fail(Errc::invalid_input,
              fmt::format("{} {}: a multiple of {} from {} to {} expected, such as {}", name, value,
                          multiple, multiple, kMaxSide, nearest));
}

Result<void> check_range(std::string_view name, int value, int least, int most) {
  if (value < least || value > most) {
    return fail(Errc::invalid_input,
                fmt::format("{} {}: {} to {} expected", name, value, least, most));
  }
  return {};
}

Result<nn::Placement> placement_for(const FluxOptions& options) {
  nn::Placement placement;
  LODE_TRY(placement.device, nn::parse_device(options.device));
  if (options.compute == Compute::float16) {
    return fail(Errc::unsupported, "FLUX computes in float32 or bfloat16, not in float16");
  }
  LODE_TRY(placement.compute, nn::compute_type(options.compute, placement.device));
  switch (options.format) {
    case Format::native:
      break;
    case Format::int8:
      placement.format = nn::WeightFormat::int8;
      break;
    case Format::fp8:
      placement.format = nn::WeightFormat::fp8;
      break;
  }
  if (options.format == Format::fp8 && !nn::has_fp8()) {
    return fail(Errc::unsupported, "fp8 weights need libtorch 2.1; int8 works with this one");
  }
  return placement;
}

Result<void> check_finite(const at::Tensor& tensor, std::string_view what) {
  if (!at::isfinite(tensor).all().item<bool>()) {
    return fail(Errc::internal,
                fmt::format("{} holds values that are no numbers: the weights are damaged, or "
                            "their values too large for the type that is computed in",
                            what));
  }
  return {};
}

}  // namespace

class FluxPipeline::State {
 public:
  static Result<std::unique_ptr<State>> open(const std::filesystem::path& folder,
                                             const FluxOptions& options);

  Result<FluxResult> run(const FluxRequest& request, const Progress& progress,
                         const std::stop_token& stop);
  Result<FluxPlan> plan(int width, int height, int pictures) const;

 private:
  /// One request on its way.
  struct Run {
    const FluxRequest& request;
    const Progress& progress;
    const std::stop_token& stop;
    FluxPlan plan;
    FluxResult result;

    void tell(std::string_view stage, int step, int of) const {
      if (progress) {
        progress({stage, step, of});
      }
    }
  };

  State(models::Described<models::ClipText> clip, models::Described<models::T5Encoder> t5,
        models::Described<models::FluxTransformer> transformer,
        models::Described<models::KlDecoder> decoder, PromptTokenizer tokenizer,
        std::size_t cached_prompts)
      : clip_(std::move(clip)),
        t5_(std::move(t5)),
        transformer_(std::move(transformer)),
        decoder_(std::move(decoder)),
        tokenizer_(std::move(tokenizer)),
        prompts_(cached_prompts) {}

  Result<void> check(const FluxRequest& request) const;
  Result<FluxResult> attempt(Run& run);
  Result<EncodedPrompt> encode(Run& run);
  Result<models::FluxModulations> modulate(Run& run, const EncodedPrompt& prompt,
                                           const models::FlowMatchSchedule& schedule);
  Result<at::Tensor> first_latents(const FluxRequest& request) const;
  Result<at::Tensor> denoise(Run& run, const EncodedPrompt& prompt);
  Result<void> decode_all(Run& run, const at::Tensor& latents);

  /// The part's weights, kept as the plan says; parts that do not stay are dropped first.
  Result<nn::Residency*> enter(Part part, Run& run);
  /// Notes what the part took, and drops it unless it stays.
  void leave(Part part, Run& run);

  int side_multiple() const { return static_cast<int>(2 * decoder_.network.config().reduction()); }
  int tile() const { return options_.decode_tile > 0 ? options_.decode_tile : kDefaultTile; }
  std::int64_t rows(const FluxRequest& r) const { return r.height / side_multiple(); }
  std::int64_t columns(const FluxRequest& r) const { return r.width / side_multiple(); }
  at::TensorOptions on_device() const {
    return at::TensorOptions(placement_.device).dtype(placement_.compute);
  }

  FluxOptions options_;
  nn::Placement placement_;
  models::Described<models::ClipText> clip_;
  models::Described<models::T5Encoder> t5_;
  models::Described<models::FluxTransformer> transformer_;
  models::Described<models::KlDecoder> decoder_;
  models::FlowMatchConfig schedule_;
  PromptTokenizer tokenizer_;
  PromptCache prompts_;
  nn::Turns turns_;
};

Result<std::unique_ptr<FluxPipeline::State>> FluxPipeline::State::open(
    const std::filesystem::path& folder, const FluxOptions& options) {
  if (options.decode_tile != 0) {
    LODE_CHECK(check_range("decode_tile", options.decode_tile, kMinTile, kMaxSide));
  }
  LODE_TRY(const nn::Placement placement, placement_for(options));
  LODE_CHECK(check_pipeline(folder));
  LODE_TRY(auto clip, models::describe<models::ClipText>(folder / "text_encoder",
                                                         models::parse_clip_text_config));
  LODE_TRY(auto t5,
           models::describe<models::T5Encoder>(folder / "text_encoder_2", models::parse_t5_config));
  LODE_TRY(auto transformer, models::describe<models::FluxTransformer>(
                                 folder / "transformer", models::parse_flux_transformer_config));
  LODE_TRY(auto decoder, models::describe<models::KlDecoder>(folder / "vae",
                                                             models::parse_autoencoder_kl_config));
  LODE_CHECK(check_agreement(clip.network.config(), t5.network.config(),
                             transformer.network.config(), decoder.network.config()));
  PromptLengths lengths;
  lengths.clip = std::min(kClipTokens, clip.network.config().positions);
  lengths.t5 = text_length(transformer.network.config());
  lengths.clip_vocabulary = clip.network.config().vocabulary;
  lengths.t5_vocabulary = t5.network.config().vocabulary;
  LODE_TRY(PromptTokenizer tokenizer, PromptTokenizer::open(folder, lengths));
  LODE_TRY(const models::FlowMatchConfig schedule, read_schedule(folder));
  std::unique_ptr<State> state(new State(std::move(clip), std::move(t5), std::move(transformer),
                                         std::move(decoder), std::move(tokenizer),
                                         options.cached_prompts));
  state->options_ = options;
  state->placement_ = placement;
  state->schedule_ = schedule;
  const auto add = [&](Part part, auto& described) -> Result<void> {
    LODE_TRY(nn::WeightBank bank, models::bind(described, folder / std::string(to_string(part))));
    state->turns_.add(std::move(bank), described.network.blocks(), placement_of(part, placement));
    return {};
  };
  LODE_CHECK(add(Part::clip, state->clip_));
  LODE_CHECK(add(Part::t5, state->t5_));
  LODE_CHECK(add(Part::transformer, state->transformer_));
  LODE_CHECK(add(Part::decoder, state->decoder_));
  return state;
}

Result<void> FluxPipeline::State::check(const FluxRequest& request) const {
  LODE_CHECK(check_side("width", request.width, side_multiple()));
  LODE_CHECK(check_side("height", request.height, side_multiple()));
  LODE_CHECK(check_range("steps", request.steps, 1, models::kMaxSteps));
  LODE_CHECK(check_range("pictures", request.pictures, 1, kMaxPictures));
  LODE_CHECK(check_range("first_picture", request.first_picture, 0, 1 << 20));
  if (!(request.guidance >= 0 && request.guidance <= 100)) {
    return fail(Errc::invalid_input, "guidance: 0 to 100 expected");
  }
  return {};
}

Result<FluxPlan> FluxPipeline::State::plan(int width, int height, int pictures) const {
  FluxDemand demand;
  for (std::size_t i = 0; i < kParts; ++i) {
    demand.weights[i] = turns_.weights(i);
  }
  Extent extent;
  extent.width = width;
  extent.height = height;
  extent.pictures = pictures;
  extent.element_bytes = placement_.compute == at::kFloat ? 4 : 2;
  const models::AutoencoderKlConfig& decoder = decoder_.network.config();
  const std::int64_t pixels = std::int64_t{width} * height;
  const std::int64_t tiled = std::min<std::int64_t>(pixels, std::int64_t{tile()} * tile());
  demand.tiled_decoder_bytes = decoder_activations(decoder, tiled, extent);
  const bool always_tiled = options_.decode_tile > 0 && std::max(width, height) > tile();
  demand.activation_bytes = {
      clip_activations(clip_.network.config(), extent),
      t5_activations(t5_.network.config(), text_length(transformer_.network.config()), extent),
      transformer_activations(transformer_.network.config(), decoder.reduction(), extent),
      always_tiled ? demand.tiled_decoder_bytes : decoder_activations(decoder, pixels, extent)};
  if (placement_.device.is_cpu()) {
    // The layers of modulations pass through the same memory.
    const nn::WeightBytes modulations =
        nn::weight_bytes(transformer_.network.modulation_blocks(), {.compute = placement_.compute});
    demand.activation_bytes[static_cast<std::size_t>(Part::transformer)] += modulations.least_bytes;
  }
  LODE_TRY(FluxPlan plan, plan_flux(demand, options_.memory_budget_bytes));
  plan.tiled_decoder |= always_tiled;
  return plan;
}

Result<nn::Residency*> FluxPipeline::State::enter(Part part, Run& run) {
  return turns_.enter(static_cast<std::size_t>(part), run.plan.parts, run.stop);
}

void FluxPipeline::State::leave(Part part, Run& run) {
  const auto index = static_cast<std::size_t>(part);
  run.result.peak_weight_bytes[index] = turns_.leave(index, run.plan.parts);
}

Result<EncodedPrompt> FluxPipeline::State::encode(Run& run) {
  if (const EncodedPrompt* known = prompts_.find(run.request.prompt)) {
    run.result.prompt_was_known = true;
    return *known;
  }
  LODE_TRY(const PromptIds ids, tokenizer_.encode(run.request.prompt));
  EncodedPrompt encoded;
  encoded.notes = ids.notes;
  {
    LODE_TRY(nn::Residency* const pass, enter(Part::clip, run));
    const auto out = clip_.network(ids.clip.to(placement_.device), *pass);
    encoded.pooled = out.pooled.to(at::kCPU);
    leave(Part::clip, run);
  }
  LODE_TRY(nn::Residency* const pass, enter(Part::t5, run));
  encoded.text = t5_.network(ids.t5.to(placement_.device), *pass).to(at::kCPU);
  leave(Part::t5, run);
  LODE_CHECK(check_finite(encoded.pooled, "what CLIP made of the prompt"));
  LODE_CHECK(check_finite(encoded.text, "what T5 made of the prompt"));
  prompts_.put(run.request.prompt, encoded);
  return encoded;
}

Result<models::FluxModulations> FluxPipeline::State::modulate(
    Run& run, const EncodedPrompt& prompt, const models::FlowMatchSchedule& schedule) {
  // In the host's memory, one layer at a time, whatever the device: these weights are used once.
  const std::vector<nn::Block>& blocks = transformer_.network.modulation_blocks();
  nn::Placement placement;
  placement.compute = placement_.compute;
  placement.memory_budget_bytes = nn::weight_bytes(blocks, placement).least_bytes;
  LODE_TRY(const auto pass,
           nn::Residency::create(turns_.bank(static_cast<std::size_t>(Part::transformer)), blocks,
                                 placement));
  pass->set_stop(run.stop);
  models::FluxConditions conditions;
  conditions.timesteps = schedule.timesteps;
  conditions.pooled = prompt.pooled;
  conditions.guidance = run.request.guidance;
  return transformer_.network.compute_modulations(conditions, *pass).to(placement_.device);
}

Result<at::Tensor> FluxPipeline::State::first_latents(const FluxRequest& request) const {
  const std::int64_t channels = decoder_.network.config().latent_channels;
  const std::int64_t positions = rows(request) * columns(request);
  if (!request.latents.empty()) {
    const auto count = static_cast<std::size_t>(request.pictures * positions * 4 * channels);
    if (request.latents.size() != count ||
        !std::ranges::all_of(request.latents, [](float v) { return std::isfinite(v); })) {
      return fail(Errc::invalid_input, fmt::format("latents: {} finite values expected", count));
    }
    at::Tensor latents =
        at::empty({request.pictures, positions, 4 * channels}, at::TensorOptions(at::kFloat));
    std::ranges::copy(request.latents, latents.data_ptr<float>());
    return latents;
  }
  std::vector<at::Tensor> pictures;
  for (int i = 0; i < request.pictures; ++i) {
    nn::NoiseSource noise(request.seed, fmt::format("flux latents {}", request.first_picture + i));
    pictures.push_back(
        models::flux_pack(noise.normal({1, channels, 2 * rows(request), 2 * columns(request)})));
  }
  return at::cat(pictures);
}

Result<at::Tensor> FluxPipeline::State::denoise(Run& run, const EncodedPrompt& prompt) {
  const FluxRequest& request = run.request;
  LODE_TRY(const at::Tensor start, first_latents(request));
  const models::FlowMatchSchedule schedule =
      models::flow_match_schedule(schedule_, request.steps, rows(request) * columns(request));
  LODE_TRY(const models::FluxModulations modulations, modulate(run, prompt, schedule));
  run.tell("modulate", 1, 1);
  LODE_TRY(nn::Residency* const pass, enter(Part::transformer, run));
  const nn::RotaryTable rotary = models::flux_rotary(
      transformer_.network.config(), prompt.text.size(1), rows(request), columns(request));
  models::FluxInput input;
  input.latents = start.to(on_device());
  input.text = prompt.text.to(placement_.device).expand({request.pictures, -1, -1});
  input.rotary = {rotary.cos.to(placement_.device), rotary.sin.to(placement_.device)};
  for (int step = 0; step < request.steps; ++step) {
    const at::Tensor velocity = transformer_.network(input, modulations, step, *pass);
    input.latents = models::flow_match_step(schedule, step, input.latents, velocity);
    LODE_CHECK(check_finite(input.latents, fmt::format("the transformer's step {}", step + 1)));
    run.tell("denoise", step + 1, request.steps);
  }
  leave(Part::transformer, run);
  return input.latents;
}

Result<void> FluxPipeline::State::decode_all(Run& run, const at::Tensor& latents) {
  LODE_TRY(nn::Residency* const pass, enter(Part::decoder, run));
  TileOptions tiles;
  tiles.stop = run.stop;
  if (run.plan.tiled_decoder) {
    tiles.side = tile() / decoder_.network.config().reduction();
  }
  run.result.decoded_in_tiles =
      run.plan.tiled_decoder && std::max(run.request.width, run.request.height) > tile();
  for (int i = 0; i < run.request.pictures; ++i) {
    const at::Tensor unpacked = decoder_.network.unscale(
        models::flux_unpack(latents.narrow(0, i, 1), rows(run.request), columns(run.request)));
    const at::Tensor decoded = decode(decoder_.network, unpacked, tiles, *pass);
    LODE_CHECK(check_finite(decoded, "the decoded picture"));
    run.result.pictures.push_back(models::to_picture(decoded));
    run.tell("decode", i + 1, run.request.pictures);
  }
  leave(Part::decoder, run);
  return {};
}

Result<FluxResult> FluxPipeline::State::attempt(Run& run) {
  const at::NoGradGuard no_gradients;
  LODE_TRY(const EncodedPrompt prompt, encode(run));
  run.result.notes = prompt.notes;
  run.tell("encode", 1, 1);
  LODE_TRY(const at::Tensor latents, denoise(run, prompt));
  LODE_CHECK(decode_all(run, latents));
  const at::Tensor plain = latents.to(at::kCPU, at::kFloat).contiguous();
  run.result.latents.assign(plain.data_ptr<float>(), plain.data_ptr<float>() + plain.numel());
  return std::move(run.result);
}

Result<FluxResult> FluxPipeline::State::run(const FluxRequest& request, const Progress& progress,
                                            const std::stop_token& stop) {
  LODE_CHECK(check(request));
  LODE_TRY(const FluxPlan plan, this->plan(request.width, request.height, request.pictures));
  Run run{request, progress, stop, plan, {}};
  Result<FluxResult> result = FluxResult();
  const Result<void> outcome = nn::guard("making a picture", [&] { result = attempt(run); });
  if (!outcome) {
    result = outcome.error();
  }
  const bool short_of_memory = !result && result.error().code == Errc::out_of_resource;
  turns_.settle(plan.parts);
  if (short_of_memory) {
    turns_.drop_all();
  }
  return result;
}

FluxPipeline::FluxPipeline(std::unique_ptr<State> state) : state_(std::move(state)) {}
FluxPipeline::FluxPipeline(FluxPipeline&&) noexcept = default;
FluxPipeline& FluxPipeline::operator=(FluxPipeline&&) noexcept = default;
FluxPipeline::~FluxPipeline() = default;

Result<FluxPipeline> FluxPipeline::open(const std::filesystem::path& folder,
                                        const FluxOptions& options) {
  LODE_TRY(std::unique_ptr<State> state, State::open(folder, options));
  return FluxPipeline(std::move(state));
}

Result<FluxResult> FluxPipeline::run(const FluxRequest& request, const Progress& progress,
                                     const std::stop_token& stop) {
  return state_->run(request, progress, stop);
}

Result<FluxPlan> FluxPipeline::plan(int width, int height, int pictures) const {
  return state_->plan(width, height, pictures);
}

}  // namespace lode::flux
