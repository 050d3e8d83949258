#include "models/swin.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "nn/attention.h"

namespace lode::models {

namespace {

constexpr double kNormEps = 1e-5;      // torch's own, which the reference leaves
constexpr std::int64_t kPatch = 4;     // pixels along a token's side
constexpr std::int64_t kMlpRatio = 4;  // of every published Swin

// Windows that go through attention at once, and tokens through the feed-forward layers: 36 of
// Swin-L's windows, and rows that keep its widest product (6144 numbers) at 100 MB. The whole first
// stage of a 1024 x 1024 picture would take 200 MB for either.
constexpr std::int64_t kWindowTokens = 36 * 144;
constexpr std::int64_t kMlpTokens = 4096;

std::int64_t round_up(std::int64_t n, std::int64_t to) { return (n + to - 1) / to * to; }

/// Whether windows lie in the last column or row of the grid.
struct Edges {
  bool below = false, right = false;
};

/// 0 where both tokens of a window come from the same side of the seam along which a shifted
/// picture was put together, else -infinity; undefined where the window has no seam.
at::Tensor seam_mask(std::int64_t window, std::int64_t shift, const Edges& edges) {
  if (!edges.below && !edges.right) {
    return {};
  }
  const at::Tensor is_moved = (at::arange(window, at::kLong) >= window - shift).to(at::kLong);
  at::Tensor side = at::zeros({window, window}, at::kLong);
  if (edges.below) {
    side.add_(is_moved.unsqueeze(1));
  }
  if (edges.right) {
    side.add_(is_moved.unsqueeze(0), 2);
  }
  side = side.flatten();
  return at::zeros({window * window, window * window}, at::kFloat)
      .masked_fill_(side.unsqueeze(0) != side.unsqueeze(1),
                    -std::numeric_limits<double>::infinity());
}

at::Tensor to_device(const std::vector<std::int64_t>& numbers, const c10::Device& device) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(numbers.size())}, at::kLong);
  std::copy(numbers.begin(), numbers.end(), tensor.data_ptr<std::int64_t>());
  return tensor.to(device);
}

std::vector<SwinBlock> make_blocks(const SwinConfig& config, const nn::Scope& scope,
                                   std::int64_t stage) {
  std::vector<SwinBlock> blocks;
  for (std::int64_t i = 0; i < config.depths[stage]; ++i) {
    blocks.emplace_back(scope[i], config.stage_width(stage), config.heads[stage], config.window);
  }
  return blocks;
}

}  // namespace

SwinWindows::SwinWindows(std::int64_t height, std::int64_t width, std::int64_t window,
                         std::int64_t shift, const c10::Device& device)
    : tokens_per_window_(window * window) {
  const std::int64_t padded_height = round_up(height, window);
  const std::int64_t padded_width = round_up(width, window);
  const std::int64_t rows = padded_height / window, columns = padded_width / window;
  windows_ = rows * columns;
  const std::int64_t most = std::max<std::int64_t>(1, kWindowTokens / tokens_per_window_);
  std::vector<std::int64_t> places(height * width);
  std::int64_t next = 0;  // window in the order of the groups
  std::vector<std::int64_t> tokens, padding;
  const auto add_window = [&](std::int64_t row, std::int64_t column) {
    for (std::int64_t i = 0; i < tokens_per_window_; ++i) {
      const std::int64_t y = (row * window + i / window + shift) % padded_height;
      const std::int64_t x = (column * window + i % window + shift) % padded_width;
      if (y < height && x < width) {
        places[y * width + x] = next * tokens_per_window_ + i;
        tokens.push_back(y * width + x);
      } else {
        padding.push_back(static_cast<std::int64_t>(tokens.size()));
        tokens.push_back(0);
      }
    }
    ++next;
  };
  const auto close_group = [&](const at::Tensor& mask) {
    if (!tokens.empty()) {
      const auto count = static_cast<std::int64_t>(tokens.size()) / tokens_per_window_;
      groups_.push_back(
          {next - count, count, to_device(tokens, device), to_device(padding, device), mask});
      tokens.clear();
      padding.clear();
    }
  };
  // Without a shift no window has a seam, and one kind holds them all.
  for (const Edges& kind : {Edges{false, false}, {false, true}, {true, false}, {true, true}}) {
    at::Tensor mask = seam_mask(window, shift, kind);
    mask = mask.defined() && shift > 0 ? mask.to(device) : at::Tensor();
    for (std::int64_t i = 0; i < windows_; ++i) {
      const bool is_below = i / columns == rows - 1, is_right = i % columns == columns - 1;
      if (is_below == kind.below && is_right == kind.right) {
        add_window(i / columns, i % columns);
        if (static_cast<std::int64_t>(tokens.size()) == most * tokens_per_window_) {
          close_group(mask);
        }
      }
    }
    if (shift > 0) {
      close_group(mask);
    }
  }
  close_group({});
  places_ = to_device(places, device);
}

SwinBlock::SwinBlock(const nn::Scope& scope, std::int64_t width, std::int64_t heads,
                     std::int64_t window)
    : width_(width),
      heads_(heads),
      window_(window),
      norm1_(scope["norm1"], width, kNormEps),
      bias_table_(&scope["attn"].add("relative_position_bias_table",
                                     {(2 * window - 1) * (2 * window - 1), heads})),
      qkv_(scope["attn.qkv"], width, 3 * width),
      proj_(scope["attn.proj"], width, width),
      norm2_(scope["norm2"], width, kNormEps),
      fc1_(scope["mlp.fc1"], width, kMlpRatio * width),
      fc2_(scope["mlp.fc2"], kMlpRatio * width, width) {}

at::Tensor SwinBlock::position_bias() const {
  const at::Tensor along = at::arange(window_, at::kLong);
  const at::Tensor apart = along.unsqueeze(1) - along.unsqueeze(0) + (window_ - 1);  // [w, w]
  // Query (i, j) and key (k, l) are at row apart[i][k] (2 w - 1) + apart[j][l] of the table.
  const at::Tensor index = (apart * (2 * window_ - 1)).view({window_, 1, window_, 1}) +
                           apart.view({1, window_, 1, window_});
  const std::int64_t count = window_ * window_;
  const at::Tensor& table = bias_table_->value();
  return table.index_select(0, index.flatten().to(table.device()))
      .view({count, count, heads_})
      .permute({2, 0, 1})
      .contiguous();
}

at::Tensor SwinBlock::attend(const at::Tensor& x, const SwinWindows& windows) const {
  const std::int64_t batch = x.size(0), count = windows.tokens_per_window();
  // Padding comes after the norm: it is zero, so that its queries, keys and values are the bias.
  const at::Tensor qkv = qkv_(x);
  const at::Tensor of_padding = qkv_.bias();
  const at::Tensor bias = position_bias();
  at::Tensor out = at::empty({batch, windows.windows() * count, width_}, x.options());
  for (const SwinWindows::Group& group : windows.groups()) {
    at::Tensor part = qkv.index_select(1, group.tokens);
    if (group.padding.numel() > 0) {
      part.index_copy_(1, group.padding,
                       of_padding.expand({batch, group.padding.numel(), 3 * width_}));
    }
    const at::Tensor split =
        part.view({batch * group.count, count, 3, heads_, -1}).permute({2, 0, 3, 1, 4});
    nn::AttentionOptions options;
    options.bias =
        (group.mask.defined() ? bias + group.mask.to(bias.scalar_type()) : bias).unsqueeze(0);
    const at::Tensor attended = nn::attention(split[0], split[1], split[2], options);
    out.narrow(1, group.first * count, group.count * count)
        .copy_(attended.transpose(1, 2).reshape({batch, group.count * count, width_}));
  }
  return out.index_select(1, windows.places());
}

void SwinBlock::operator()(at::Tensor& x, const SwinWindows& windows) const {
  x.add_(proj_(attend(norm1_(x), windows)));
  const at::Tensor tokens = x.view({-1, width_});
  for (std::int64_t first = 0; first < tokens.size(0); first += kMlpTokens) {
    at::Tensor part = tokens.narrow(0, first, std::min(kMlpTokens, tokens.size(0) - first));
    at::Tensor inner = fc1_(norm2_(part));
    part.add_(fc2_(at::gelu_(inner)));
  }
}

Swin::Merging::Merging(const nn::Scope& scope, std::int64_t width)
    : norm(scope["norm"], 4 * width, kNormEps),
      reduction(scope["reduction"], 4 * width, 2 * width, nn::Bias::none) {}

at::Tensor Swin::Merging::operator()(const at::Tensor& x) const {
  const at::Tensor even = at::constant_pad_nd(x, {0, 0, 0, x.size(2) % 2, 0, x.size(1) % 2}, 0);
  const auto quarter = [&](std::int64_t row, std::int64_t column) {
    return even.slice(1, row, {}, 2).slice(2, column, {}, 2);
  };
  return reduction(norm(at::cat({quarter(0, 0), quarter(1, 0), quarter(0, 1), quarter(1, 1)}, 3)));
}

Swin::Swin(const SwinConfig& config, const nn::Scope& scope)
    : config_(config),
      patch_proj_(scope["patch_embed.proj"], 3, config.width,
                  {.kernel = kPatch, .stride = kPatch, .padding = 0}),
      patch_norm_(scope["patch_embed.norm"], config.width, kNormEps) {
  LODE_ASSERT(config.depths.size() == config.heads.size(), "Swin's stages have depths and heads");
  blocks_.push_back(scope.block("bb.patch_embed", {"patch_embed."}));
  for (std::int64_t s = 0; s < config.stages(); ++s) {
    const nn::Scope layer = scope["layers"][s];
    stages_.push_back(
        {make_blocks(config, layer["blocks"], s),
         nn::LayerNorm(scope[fmt::format("norm{}", s)], config.stage_width(s), kNormEps),
         {}});
    if (s + 1 < config.stages()) {
      stages_.back().merging.emplace(layer["downsample"], config.stage_width(s));
    }
    for (std::int64_t i = 0; i < config.depths[s]; ++i) {
      const std::string name = fmt::format("layers.{}.blocks.{}.", s, i);
      blocks_.push_back(scope.block("bb." + name, {name}));
    }
    blocks_.push_back(
        scope.block(fmt::format("bb.layers.{}.end", s),
                    {fmt::format("norm{}.", s), fmt::format("layers.{}.downsample.", s)}));
  }
}

at::Tensor Swin::embed(const at::Tensor& picture) const {
  const std::int64_t below = round_up(picture.size(2), kPatch) - picture.size(2);
  const std::int64_t right = round_up(picture.size(3), kPatch) - picture.size(3);
  const at::Tensor x = patch_proj_(at::constant_pad_nd(picture, {0, right, 0, below}, 0));
  return patch_norm_(x.permute({0, 2, 3, 1}).contiguous());
}

std::vector<Swin::Features> Swin::operator()(const std::vector<at::Tensor>& pictures,
                                             nn::Pass& pass) const {
  const at::NoGradGuard no_gradient;
  auto block = blocks_.begin();
  std::vector<at::Tensor> maps;  // [B, H, W, C] of each picture
  {
    const nn::InBlock inside(pass, *block++);
    std::ranges::transform(pictures, std::back_inserter(maps),
                           [&](const at::Tensor& picture) { return embed(picture); });
  }
  std::vector<Features> features(pictures.size());
  for (const Stage& stage : stages_) {
    std::vector<SwinWindows> straight, shifted;
    for (const at::Tensor& x : maps) {
      const std::int64_t window = config_.window;
      straight.emplace_back(x.size(1), x.size(2), window, 0, x.device());
      shifted.emplace_back(x.size(1), x.size(2), window, window / 2, x.device());
    }
    for (std::size_t i = 0; i < stage.blocks.size(); ++i) {
      const nn::InBlock inside(pass, *block++);
      for (std::size_t p = 0; p < maps.size(); ++p) {
        at::Tensor tokens = maps[p].flatten(1, 2);
        stage.blocks[i](tokens, i % 2 == 0 ? straight[p] : shifted[p]);
      }
    }
    const nn::InBlock inside(pass, *block++);
    for (std::size_t p = 0; p < maps.size(); ++p) {
      features[p].push_back(stage.norm(maps[p]).permute({0, 3, 1, 2}));
      if (stage.merging) {
        maps[p] = (*stage.merging)(maps[p]);
      }
    }
  }
  return features;
}

}  // namespace lode::models
