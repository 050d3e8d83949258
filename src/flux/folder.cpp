#include "flux/folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>

#include "flux/parts_internal.h"
#include "flux/prompt_encoder_internal.h"
#include "weights/dtype.h"

namespace lode::flux {

namespace {

const nn::Placement kFloat32{};
const nn::Placement kBfloat16{.compute = c10::ScalarType::BFloat16};
const nn::Placement kInt8{.compute = c10::ScalarType::BFloat16, .format = nn::WeightFormat::int8};

/// Gathers what is wrong instead of stopping at it.
class Inspection {
 public:
  explicit Inspection(const std::filesystem::path& folder) : folder_(folder) {}

  template <class T>
  std::optional<T> take(Result<T> result) {
    if (!result) {
      report.problems.push_back(result.error().context);
      return std::nullopt;
    }
    return std::move(*result);
  }

  /// Describes the part, and checks its weight files against it.
  template <class Network, class Config>
  std::optional<models::Described<Network>> part(
      Part part, std::string_view network, Result<Config> (*parse)(const nlohmann::ordered_json&)) {
    const std::filesystem::path path = folder_ / to_string(part);
    auto described = take(models::describe<Network>(path, parse));
    const auto checkpoint = take(weights::Checkpoint::open(path));
    if (!described) {
      return std::nullopt;
    }
    FluxPartReport entry;
    entry.name = to_string(part);
    entry.network = network;
    entry.parameters = static_cast<std::uint64_t>(described->set.count());
    entry.tensors = described->set.all().size();
    nn::Block all{entry.name, {}};
    for (nn::Parameter& parameter : described->set.all()) {
      all.parameters.push_back(&parameter);
    }
    entry.float32_bytes = nn::bytes_of(all, placement_of(part, kFloat32));
    entry.bfloat16_bytes = nn::bytes_of(all, placement_of(part, kBfloat16));
    entry.int8_bytes = nn::bytes_of(all, placement_of(part, kInt8));
    for (const nn::Block& block : described->network.blocks()) {
      const std::uint64_t bytes = nn::bytes_of(block, kBfloat16);
      if (bytes > entry.largest_block_bytes) {
        entry.largest_block_bytes = bytes;
        entry.largest_block = block.name;
      }
    }
    if (checkpoint) {
      std::set<std::string_view> types;
      for (const weights::StoredTensor& tensor : checkpoint->tensors()) {
        types.insert(weights::to_string(tensor.dtype));
      }
      entry.stored_types = fmt::format("{}", fmt::join(types, ", "));
      entry.stored_bytes = checkpoint->total_bytes();
      take(nn::WeightBank::bind(described->set, *checkpoint, Network::load_rules()));
    }
    report.parts.push_back(std::move(entry));
    return described;
  }

  FluxFolder report;

 private:
  const std::filesystem::path& folder_;
};

}  // namespace

Result<FluxFolder> inspect(const std::filesystem::path& folder) {
  LODE_CHECK(check_pipeline(folder));
  Inspection look(folder);
  const auto clip =
      look.part<models::ClipText>(Part::clip, "CLIPTextModel", models::parse_clip_text_config);
  const auto t5 = look.part<models::T5Encoder>(Part::t5, "T5EncoderModel", models::parse_t5_config);
  const auto transformer = look.part<models::FluxTransformer>(
      Part::transformer, "FluxTransformer2DModel", models::parse_flux_transformer_config);
  const auto decoder = look.part<models::KlDecoder>(Part::decoder, "AutoencoderKL",
                                                    models::parse_autoencoder_kl_config);
  look.take(read_schedule(folder));
  look.take(tokenize::ClipTokenizer::open(folder / "tokenizer"));
  look.take(tokenize::T5Tokenizer::open(folder / "tokenizer_2"));
  FluxFolder& report = look.report;
  if (!clip || !t5 || !transformer || !decoder) {
    return std::move(report);
  }
  if (const auto agree = check_agreement(clip->network.config(), t5->network.config(),
                                         transformer->network.config(), decoder->network.config());
      !agree) {
    report.problems.push_back(agree.error().context);
  }
  report.guidance = transformer->network.config().guidance;
  Extent extent;
  extent.width = 1024;
  extent.height = 1024;
  const std::array<std::uint64_t, kParts> activations = {
      clip_activations(clip->network.config(), extent),
      t5_activations(t5->network.config(), text_length(transformer->network.config()), extent),
      transformer_activations(transformer->network.config(), decoder->network.config().reduction(),
                              extent),
      decoder_activations(decoder->network.config(), extent.tile * extent.tile, extent)};
  report.activation_bytes = *std::ranges::max_element(activations);
  const std::array<const std::vector<nn::Block>*, kParts> blocks = {
      &clip->network.blocks(), &t5->network.blocks(), &transformer->network.blocks(),
      &decoder->network.blocks()};
  for (std::size_t i = 0; i < kParts; ++i) {
    const auto needed = [&](const nn::Placement& placement) {
      return nn::weight_bytes(*blocks[i], placement_of(static_cast<Part>(i), placement))
                 .least_bytes +
             activations[i];
    };
    report.least_bfloat16_bytes = std::max(report.least_bfloat16_bytes, needed(kBfloat16));
    report.least_int8_bytes = std::max(report.least_int8_bytes, needed(kInt8));
  }
  return std::move(report);
}

}  // namespace lode::flux
