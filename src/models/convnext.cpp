#include "models/convnext.h"

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "base/assert.h"
#include "models/config_internal.h"

namespace lode::models {

namespace {

constexpr std::int64_t kStages = 4;
constexpr std::int64_t kStem = 4;      // pixels along a side of the first stage's cells
constexpr std::int64_t kKernel = 7;    // of the depthwise convolutions
constexpr std::int64_t kMlpRatio = 4;  // feed-forward width by the stage's

/// Over the channels of [B, C, H, W].
at::Tensor channel_norm(const nn::LayerNorm& norm, const at::Tensor& x) {
  return norm(x.permute({0, 2, 3, 1})).permute({0, 3, 1, 2});
}

/// Dimension `dim` of a tensor that has to be there and of `rank` dimensions.
Result<std::int64_t> stored_width(const weights::Checkpoint& checkpoint, const std::string& name,
                                  std::size_t rank, std::size_t dim) {
  const auto stored = checkpoint.find(name);
  if (!stored || stored->shape.size() != rank || stored->shape[dim] < kWidth.least ||
      stored->shape[dim] > kWidth.most) {
    return fail(Errc::unsupported,
                fmt::format("{}: no {} of {} dimensions: an open_clip convnext with an mlp adapter "
                            "expected",
                            checkpoint.files().front().string(), name, rank));
  }
  return stored->shape[dim];
}

}  // namespace

Result<ConvNextConfig> convnext_config_of(const weights::Checkpoint& checkpoint) {
  ConvNextConfig config;
  for (std::int64_t s = 0; s < kStages; ++s) {
    const auto depthwise = [&](std::int64_t block) {
      return fmt::format("visual.trunk.stages.{}.blocks.{}.conv_dw.weight", s, block);
    };
    LODE_TRY(const std::int64_t width, stored_width(checkpoint, depthwise(0), 4, 0));
    std::int64_t depth = 1;
    while (depth < kLayers.most && checkpoint.find(depthwise(depth))) {
      ++depth;
    }
    config.widths.push_back(width);
    config.depths.push_back(depth);
  }
  LODE_TRY(config.head_width, stored_width(checkpoint, "visual.head.mlp.fc1.weight", 2, 0));
  LODE_TRY(config.embedding, stored_width(checkpoint, "visual.head.mlp.fc2.weight", 2, 0));
  return config;
}

ConvNext::Layer::Layer(const ConvNextConfig& config, std::int64_t width, const nn::Scope& scope)
    : depthwise(scope["conv_dw"], width, width,
                {.kernel = kKernel, .padding = kKernel / 2, .groups = width}),
      norm(scope["norm"], width, config.eps),
      fc1(scope["mlp.fc1"], width, kMlpRatio * width),
      fc2(scope["mlp.fc2"], kMlpRatio * width, width),
      gamma(&scope.add("gamma", {width})) {}

at::Tensor ConvNext::Layer::operator()(const at::Tensor& x) const {
  const at::Tensor y = fc2(nn::gelu(fc1(norm(depthwise(x).permute({0, 2, 3, 1})))));
  return x + (y * gamma->value()).permute({0, 3, 1, 2});
}

nn::LoadRules ConvNext::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"token_embedding.*", "positional_embedding", "transformer.*", "ln_final.*",
                  "text_projection",   "logit_scale",          "attn_mask"};
  return rules;
}

ConvNext::ConvNext(const ConvNextConfig& config, const nn::Scope& scope)
    : config_(config),
      stem_(scope["visual.trunk.stem.0"], 3, config.widths.front(),
            {.kernel = kStem, .stride = kStem, .padding = 0}),
      stem_norm_(scope["visual.trunk.stem.1"], config.widths.front(), config.eps),
      stages_([&] {
        std::vector<Stage> stages(kStages);
        for (std::int64_t s = 0; s < kStages; ++s) {
          const nn::Scope place = scope["visual.trunk.stages"][s];
          if (s > 0) {
            stages[s].down =
                Downsample{nn::LayerNorm(place["downsample.0"], config.widths[s - 1], config.eps),
                           nn::Conv2d(place["downsample.1"], config.widths[s - 1], config.widths[s],
                                      {.kernel = 2, .stride = 2, .padding = 0})};
          }
          for (std::int64_t b = 0; b < config.depths[s]; ++b) {
            stages[s].layers.emplace_back(config, config.widths[s], place["blocks"][b]);
          }
        }
        return stages;
      }()),
      head_norm_(scope["visual.trunk.head.norm"], config.widths.back(), config.eps),
      fc1_(scope["visual.head.mlp.fc1"], config.widths.back(), config.head_width),
      fc2_(scope["visual.head.mlp.fc2"], config.head_width, config.embedding, nn::Bias::none) {
  blocks_.push_back(scope.block("stem", {"visual.trunk.stem."}));
  for (std::int64_t s = 0; s < kStages; ++s) {
    const std::string stage = fmt::format("visual.trunk.stages.{}.", s);
    blocks_.push_back(scope.block(stage + "downsample", {stage + "downsample."}));
    for (std::int64_t b = 0; b < config.depths[s]; ++b) {
      const std::string name = fmt::format("{}blocks.{}.", stage, b);
      blocks_.push_back(scope.block(name, {name}));
    }
  }
  blocks_.push_back(scope.block("head", {"visual.trunk.head.", "visual.head."}));
}

at::Tensor ConvNext::operator()(const at::Tensor& pixels, nn::Pass& pass) const {
  LODE_ASSERT(pixels.dim() == 4 && pixels.size(2) >= ConvNextConfig::kReduction &&
                  pixels.size(3) >= ConvNextConfig::kReduction,
              "ConvNeXt sees pictures of at least one cell");
  auto block = blocks_.begin();
  at::Tensor x;
  {
    const nn::InBlock inside(pass, *block++);
    // Channels last in memory from here on: norms and feed-forward layers then copy nothing.
    x = channel_norm(stem_norm_, stem_(pixels.contiguous(at::MemoryFormat::ChannelsLast)));
  }
  for (const Stage& stage : stages_) {
    {
      const nn::InBlock inside(pass, *block++);
      if (stage.down) {
        x = stage.down->conv(channel_norm(stage.down->norm, x));
      }
    }
    for (const Layer& layer : stage.layers) {
      const nn::InBlock inside(pass, *block++);
      x = layer(x);
    }
  }
  const nn::InBlock inside(pass, *block);
  return fc2_(nn::gelu(fc1_(head_norm_(x.mean({2, 3})))));
}

}  // namespace lode::models
