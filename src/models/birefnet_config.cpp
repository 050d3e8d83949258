// What a checkpoint's shapes and the code beside it tell of the BiRefNet that it is for.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "models/birefnet.h"
#include "models/config_internal.h"
#include "weights/float_convert.h"

namespace lode::models {

namespace {

constexpr std::int64_t kStages = 4;
// Swin's largest published depth is 18.
constexpr std::int64_t kMostDepth = 64;
// Twice Swin's largest published window; the odd side of its table of relative positions follows.
constexpr std::int64_t kMostWindow = 32;

/// Reads sizes off tensors, and remembers the first that is missing or of no known kind.
class ShapeReader {
 public:
  explicit ShapeReader(const weights::Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  /// A side of a tensor of `rank` dimensions, within `range`; its least where there is none.
  std::int64_t side(const std::string& name, std::size_t rank, std::size_t dimension,
                    const Range& range) {
    const auto stored = checkpoint_.find(name);
    if (!stored) {
      fail_once(
          fmt::format("tensor {} is missing: no BiRefNet with a Swin v1 backbone and "
                      "deformable pyramids",
                      name));
    } else if (stored->shape.size() != rank || stored->shape[dimension] < range.least ||
               stored->shape[dimension] > range.most) {
      fail_once(fmt::format("tensor {}: {} sizes expected, the {}. from {} to {}", name, rank,
                            dimension + 1, range.least, range.most));
    } else {
      return stored->shape[dimension];
    }
    return range.least;
  }
  bool has(const std::string& name) const { return checkpoint_.find(name).has_value(); }
  void support(bool holds, const std::string& message) {
    if (!holds) {
      fail_once(message);
    }
  }
  const Result<void>& result() const { return result_; }

 private:
  void fail_once(const std::string& message) {
    if (result_) {
      result_ = fail(Errc::unsupported, message);
    }
  }

  const weights::Checkpoint& checkpoint_;
  Result<void> result_;
};

// By how much the likeness of colours has to be ahead in one order.
constexpr double kLeastLead = 0.01;

/// How alike the three weights of triples are.
struct Likeness {
  double alike = 0, all = 0;  // energies: of the mean of a triple, of its weights
  double triples = 0;

  /// 1 for equal weights, 1/3 for independent ones.
  double share() const { return all > 0 ? alike / all : 0; }
};

/// Adds all triples that are the colours of a tile of the picture if it is stacked in `order`.
void add_likeness(const weights::StoredTensor& stored, PatchOrder order, Likeness& to) {
  const auto channels = static_cast<std::size_t>(stored.shape[1]);
  const auto taps = static_cast<std::size_t>(stored.shape[2] * stored.shape[3]);
  const std::size_t tiles = channels / 3;
  const std::size_t row = channels * taps, row_bytes = row * weights::element_bytes(stored.dtype);
  const std::size_t tile_step = order == PatchOrder::tile_major ? 3 : 1;
  const std::size_t colour_step = order == PatchOrder::tile_major ? 1 : tiles;
  std::vector<float> values(row);
  for (std::int64_t filter = 0; filter < stored.shape[0]; ++filter) {
    weights::to_float(stored.dtype,
                      stored.bytes.subspan(static_cast<std::size_t>(filter) * row_bytes, row_bytes),
                      values);
    for (std::size_t i = 0; i < tiles * taps; ++i) {
      const float* first = values.data() + i / taps * tile_step * taps + i % taps;
      const double a = first[0], b = first[colour_step * taps], c = first[2 * colour_step * taps];
      to.alike += (a + b + c) * (a + b + c) / 3;
      to.all += a * a + b * b + c * c;
    }
    to.triples += static_cast<double>(tiles * taps);
  }
}

SwinConfig swin_config_of(ShapeReader& read) {
  SwinConfig config;
  config.width = read.side("bb.patch_embed.proj.weight", 4, 0, kChannels);
  const std::string table = "bb.layers.{}.blocks.0.attn.relative_position_bias_table";
  for (std::int64_t s = 0; s < kStages; ++s) {
    std::int64_t depth = 0;
    while (depth <= kMostDepth &&
           read.has(fmt::format("bb.layers.{}.blocks.{}.norm1.weight", s, depth))) {
      ++depth;
    }
    read.support(depth <= kMostDepth,
                 fmt::format("bb.layers.{}: at most {} blocks expected", s, kMostDepth));
    config.depths.push_back(depth);
    const std::string name = fmt::format(fmt::runtime(table), s);
    config.heads.push_back(read.side(name, 2, 1, kHeads));
    read.support(config.stage_width(s) % config.heads.back() == 0,
                 fmt::format("tensor {}: its {} heads do not divide the stage's width of {}", name,
                             config.heads.back(), config.stage_width(s)));
  }
  const std::string name = fmt::format(fmt::runtime(table), 0);
  const std::int64_t side = 2 * kMostWindow - 1;
  const std::int64_t places = read.side(name, 2, 0, {9, side * side});
  config.window = 2;
  while ((2 * config.window - 1) * (2 * config.window - 1) < places) {
    ++config.window;
  }
  read.support((2 * config.window - 1) * (2 * config.window - 1) == places,
               fmt::format("tensor {}: {} is not the square of an odd number", name, places));
  return config;
}

}  // namespace

Result<BirefnetConfig> birefnet_config_of(const weights::Checkpoint& checkpoint) {
  ShapeReader read(checkpoint);
  BirefnetConfig config;
  config.backbone = swin_config_of(read);
  config.inner = read.side("squeeze_module.0.conv_in.weight", 4, 0, kChannels);
  config.branch =
      read.side("squeeze_module.0.dec_att.aspp1.atrous_conv.regular_conv.weight", 4, 0, kChannels);
  config.patch_inner = read.side("decoder.ipt_blk5.conv1.weight", 4, 0, kChannels);
  LODE_CHECK(read.result());
  return config;
}

std::optional<PatchOrder> patch_order_in_weights(const weights::Checkpoint& checkpoint) {
  Likeness tile_major, channel_major;
  for (int n = 2; n <= 5; ++n) {
    const auto stored = checkpoint.find(fmt::format("decoder.ipt_blk{}.conv1.weight", n));
    if (!stored || stored->shape.size() != 4 || stored->shape[1] % 3 != 0 ||
        stored->shape[1] == 0) {
      return std::nullopt;
    }
    add_likeness(*stored, PatchOrder::tile_major, tile_major);
    add_likeness(*stored, PatchOrder::channel_major, channel_major);
  }
  const double ahead = tile_major.share() - channel_major.share();
  // The share of n random triples differs from 1/3 by some 0.5 / sqrt(n).
  const double least = std::max(kLeastLead, 4.0 / std::sqrt(tile_major.triples));
  if (std::abs(ahead) < least) {
    return std::nullopt;
  }
  return ahead > 0 ? PatchOrder::tile_major : PatchOrder::channel_major;
}

std::optional<PatchOrder> patch_order_in_source(std::string_view source) {
  // The newer code may still hold the older function for other networks, so it is asked first.
  if (source.find("b (c hg wg) h w") != std::string_view::npos) {
    return PatchOrder::channel_major;
  }
  if (source.find("get_patches_batch") != std::string_view::npos) {
    return PatchOrder::tile_major;
  }
  return std::nullopt;
}

}  // namespace lode::models
