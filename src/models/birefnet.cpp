#include "models/birefnet.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace lode::models {

namespace {

constexpr nn::Conv2d::Options kThreeByThree;
constexpr nn::Conv2d::Options kOneByOne{.kernel = 1, .padding = 0};
constexpr nn::Conv2d::Options kOneByOneWithoutBias{
    .kernel = 1, .padding = 0, .bias = nn::Bias::none};

constexpr std::int64_t kGateWidth = 16;                      // channels between level and gate
constexpr std::array<std::int64_t, 4> kKernels{1, 1, 3, 7};  // of the deformable pyramid

// Floats between the two convolutions over the full picture that exist at once: 32 MB, where all of
// 1024 x 1024 pixels would be 268 MB.
constexpr std::int64_t kStripElements = 1 << 23;

/// Channels of the encoder's level 0 (finest) to 3, of both scales.
std::int64_t encoded_width(const BirefnetConfig& config, std::int64_t level) {
  return 2 * config.backbone.stage_width(level);
}

/// Channels that tiles of the picture bring to level 0 to 3.
std::int64_t patch_width(const BirefnetConfig& config, std::int64_t level) {
  return encoded_width(config, std::min<std::int64_t>(level + 1, 3)) / 8;
}

/// Channels that the decoder's block of a level makes.
std::int64_t decoded_width(const BirefnetConfig& config, std::int64_t level) {
  return level > 0 ? encoded_width(config, level - 1) : encoded_width(config, 0) / 2;
}

/// Channels of the picture in tiles of a level's size.
std::int64_t tiled_colours(std::int64_t level) { return 3 * (std::int64_t{16} << (2 * level)); }

at::Tensor resized(const at::Tensor& x, std::int64_t height, std::int64_t width) {
  return at::upsample_bilinear2d(x, {height, width}, /*align_corners=*/true);
}

at::Tensor resized_like(const at::Tensor& x, const at::Tensor& like) {
  return resized(x, like.size(2), like.size(3));
}

/// The convolution that `mix` [1, out, 1, 1] makes of one with `out` channels.
nn::Affine mixed_affine(const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& mix) {
  const at::Tensor row = mix.view({1, -1}).to(at::kFloat);
  nn::Shape shape = weight.sizes().vec();
  shape[0] = 1;
  return {at::mm(row, weight.to(at::kFloat).flatten(1)).view(shape).to(weight.scalar_type()),
          at::mm(row, bias.to(at::kFloat).unsqueeze(1)).view({1}).to(bias.scalar_type())};
}

}  // namespace

nn::LoadRules Birefnet::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"bb.*.relative_position_index", "*.num_batches_tracked", "decoder.conv_ms_spvn_*",
                  "decoder.gdt_convs_pred_*"};
  return rules;
}

at::Tensor birefnet_patches(const at::Tensor& x, std::int64_t rows, std::int64_t columns,
                            PatchOrder order) {
  const std::int64_t batch = x.size(0), colours = x.size(1);
  const std::int64_t down = x.size(2) / rows, across = x.size(3) / columns;
  LODE_ASSERT(down * rows == x.size(2) && across * columns == x.size(3),
              "tiles have to divide the picture");
  const at::Tensor tiles = x.reshape({batch, colours, down, rows, across, columns});
  const at::Tensor stacked = order == PatchOrder::channel_major ? tiles.permute({0, 1, 2, 4, 3, 5})
                                                                : tiles.permute({0, 4, 2, 1, 3, 5});
  return stacked.reshape({batch, -1, rows, columns}).contiguous(at::MemoryFormat::ChannelsLast);
}

BirefnetDecoderBlock::Branch::Branch(const nn::Scope& scope, const BirefnetConfig& config,
                                     std::int64_t kernel)
    : conv(scope["atrous_conv"], config.inner, config.branch, kernel),
      norm(scope["bn"], config.branch) {}

BirefnetDecoderBlock::BirefnetDecoderBlock(const nn::Scope& scope, const BirefnetConfig& config,
                                           std::int64_t in, std::int64_t out)
    : branch_width_(config.branch),
      conv_in_(scope["conv_in"], in, config.inner, kThreeByThree),
      norm_in_(scope["bn_in"], config.inner),
      branches_([&] {
        const nn::Scope attention = scope["dec_att"];
        std::vector<Branch> branches;
        branches.emplace_back(attention["aspp1"], config, kKernels[0]);
        for (std::int64_t i = 1; i < std::ssize(kKernels); ++i) {
          branches.emplace_back(attention["aspp_deforms"][i - 1], config, kKernels[i]);
        }
        return branches;
      }()),
      pool_conv_(scope["dec_att.global_avg_pool.1"], config.inner, config.branch,
                 kOneByOneWithoutBias),
      pool_norm_(scope["dec_att.global_avg_pool.2"], config.branch),
      join_(scope["dec_att.conv1"], config.branch * (std::ssize(kKernels) + 1), config.inner,
            kOneByOneWithoutBias),
      join_norm_(scope["dec_att.bn1"], config.inner),
      conv_out_(scope["conv_out"], config.inner, out, kThreeByThree),
      norm_out_(scope["bn_out"], out) {}

at::Tensor BirefnetDecoderBlock::pyramid(const at::Tensor& x) const {
  const std::int64_t batch = x.size(0), pixels = x.size(2) * x.size(3);
  const nn::Affine join = join_norm_.fold(join_.weight(), {});
  const at::Tensor weight = join.weight.flatten(1);  // [inner, branch * 5]
  const auto part = [&](std::int64_t i) {
    return weight.narrow(1, i * branch_width_, branch_width_).t();
  };
  // The last branch is the same at every pixel; the others are added one by one, so that their
  // channels never lie side by side.
  const at::Tensor pooled = pool_conv_(x.mean({2, 3}, true), pool_norm_).relu_().flatten(1);
  const at::Tensor constant = at::addmm(join.bias, pooled, part(std::ssize(branches_)));
  at::Tensor sum =
      constant.unsqueeze(1).expand({batch, pixels, weight.size(0)}).contiguous().flatten(0, 1);
  for (std::size_t i = 0; i < branches_.size(); ++i) {
    at::Tensor made = branches_[i].conv(x, branches_[i].norm);
    made = made.relu_().permute({0, 2, 3, 1}).reshape({-1, branch_width_});
    sum.addmm_(made, part(static_cast<std::int64_t>(i)));
  }
  return sum.relu_().view({batch, x.size(2), x.size(3), -1}).permute({0, 3, 1, 2});
}

at::Tensor BirefnetDecoderBlock::inside(const at::Tensor& x) const {
  return pyramid(conv_in_(x, norm_in_).relu_());
}

at::Tensor BirefnetDecoderBlock::operator()(const at::Tensor& x) const {
  return conv_out_(inside(x), norm_out_);
}

at::Tensor BirefnetDecoderBlock::mixed(const at::Tensor& x, const at::Tensor& mix) const {
  const nn::Affine folded = norm_out_.fold(conv_out_.weight(), conv_out_.bias());
  const nn::Affine one = mixed_affine(folded.weight, folded.bias, mix);
  return at::conv2d(inside(x), one.weight, one.bias, 1, 1);
}

Birefnet::PatchBlock::PatchBlock(const nn::Scope& scope, const BirefnetConfig& config,
                                 std::int64_t in, std::int64_t out)
    : first(scope["conv1"], in, config.patch_inner, kThreeByThree),
      second(scope["conv_out"], config.patch_inner, out, kThreeByThree) {}

at::Tensor Birefnet::PatchBlock::operator()(const at::Tensor& x) const { return second(first(x)); }

at::Tensor Birefnet::PatchBlock::mixed(const at::Tensor& x, const at::Tensor& mix) const {
  const nn::Affine one = mixed_affine(second.weight(), second.bias(), mix);
  const std::int64_t height = x.size(2), width = x.size(3);
  const std::int64_t strip =
      std::max<std::int64_t>(1, kStripElements / (width * first.weight().size(0)));
  const at::Tensor tall = at::constant_pad_nd(x, {0, 0, 2, 2}, 0);
  at::Tensor out = at::empty({x.size(0), 1, height, width}, x.options());
  for (std::int64_t begin = 0; begin < height; begin += strip) {
    const std::int64_t count = std::min(strip, height - begin);
    // Rows begin - 1 to begin + count of what lies between; beyond the picture it is zero.
    at::Tensor between = at::conv2d(tall.narrow(2, begin, count + 4), first.weight(), first.bias(),
                                    1, at::IntArrayRef({0, 1}));
    if (begin == 0) {
      between.select(2, 0).zero_();
    }
    if (begin + count == height) {
      between.select(2, count + 1).zero_();
    }
    out.narrow(2, begin, count)
        .copy_(at::conv2d(between, one.weight, one.bias, 1, at::IntArrayRef({0, 1})));
  }
  return out;
}

Birefnet::Level::Level(const nn::Scope& scope, const BirefnetConfig& config, std::int64_t level)
    : patches(scope[fmt::format("ipt_blk{}", level + 2)], config, tiled_colours(level),
              patch_width(config, level)),
      block(scope[fmt::format("decoder_block{}", level + 1)], config,
            encoded_width(config, level) + patch_width(config, level),
            decoded_width(config, level)),
      gate_conv(scope[fmt::format("gdt_convs_{}.0", level + 1)], decoded_width(config, level),
                kGateWidth, kThreeByThree),
      gate_norm(scope[fmt::format("gdt_convs_{}.1", level + 1)], kGateWidth),
      gate(scope[fmt::format("gdt_convs_attn_{}.0", level + 1)], kGateWidth, 1, kOneByOne),
      lateral(scope[fmt::format("lateral_block{}.conv", level + 1)],
              encoded_width(config, level - 1), decoded_width(config, level), kOneByOne) {}

Birefnet::Birefnet(const BirefnetConfig& config, const nn::Scope& scope)
    : config_(config),
      backbone_(config.backbone, scope["bb"]),
      squeeze_(scope["squeeze_module.0"], config,
               encoded_width(config, 0) + encoded_width(config, 1) + encoded_width(config, 2) +
                   encoded_width(config, 3),
               encoded_width(config, 3)),
      levels_([&] {
        std::vector<Level> levels;
        for (std::int64_t level = 3; level > 0; --level) {
          levels.emplace_back(scope["decoder"], config, level);
        }
        return levels;
      }()),
      patches2_(scope["decoder.ipt_blk2"], config, tiled_colours(0), patch_width(config, 0)),
      block1_(scope["decoder.decoder_block1"], config,
              encoded_width(config, 0) + patch_width(config, 0), decoded_width(config, 0)),
      patches1_(scope["decoder.ipt_blk1"], config, 3, encoded_width(config, 0) / 8),
      out_(scope["decoder.conv_out1.0"], decoded_width(config, 0) + encoded_width(config, 0) / 8, 1,
           kOneByOne) {
  LODE_ASSERT(config.backbone.stages() == 4, "BiRefNet's backbone has four stages");
  blocks_ = backbone_.blocks();
  blocks_.push_back(scope.block("squeeze_module", {"squeeze_module."}));
  const nn::Scope decoder = scope["decoder"];
  for (int n = 4; n > 1; --n) {
    blocks_.push_back(
        decoder.block(fmt::format("decoder.{}", n),
                      {fmt::format("ipt_blk{}.", n + 1), fmt::format("decoder_block{}.", n),
                       fmt::format("gdt_convs_{}.", n), fmt::format("gdt_convs_attn_{}.", n),
                       fmt::format("lateral_block{}.", n)}));
  }
  blocks_.push_back(
      decoder.block("decoder.1", {"ipt_blk2.", "decoder_block1.", "ipt_blk1.", "conv_out1."}));
}

std::vector<at::Tensor> Birefnet::encode(const at::Tensor& x, nn::Pass& pass) const {
  std::vector<at::Tensor> features;
  {
    std::vector<Swin::Features> of_scales =
        backbone_({x, resized(x, x.size(2) / 2, x.size(3) / 2)}, pass);
    for (std::size_t i = 0; i < of_scales[0].size(); ++i) {
      at::Tensor& whole = of_scales[0][i];
      at::Tensor& half = of_scales[1][i];
      features.push_back(at::cat({whole, resized_like(half, whole)}, 1));
      whole.reset();
      half.reset();
    }
  }
  at::Tensor& last = features.back();
  const at::Tensor all = at::cat({resized_like(features[0], last), resized_like(features[1], last),
                                  resized_like(features[2], last), last},
                                 1);
  const nn::InBlock inside(pass, blocks_[backbone_.blocks().size()]);
  last = squeeze_(all);
  return features;
}

at::Tensor Birefnet::decode(const Level& level, const at::Tensor& picture, const at::Tensor& x,
                            at::Tensor& finer) const {
  const at::Tensor tiles = birefnet_patches(picture, x.size(2), x.size(3), config_.patch_order);
  at::Tensor made = level.block(at::cat({x, level.patches(tiles)}, 1));
  made.mul_(level.gate(level.gate_conv(made, level.gate_norm).relu_()).sigmoid_());
  at::Tensor next = level.lateral(finer);
  finer.reset();  // the largest tensors there are: not both of them beside the one to come
  next.add_(resized_like(made, next));
  return next;
}

at::Tensor Birefnet::finish(const at::Tensor& picture, const at::Tensor& x) const {
  // What follows the last block is linear: channels are mixed to one before it is enlarged.
  const at::Tensor mix = out_.weight();
  const std::int64_t split = decoded_width(config_, 0);
  const at::Tensor tiles = birefnet_patches(picture, x.size(2), x.size(3), config_.patch_order);
  const at::Tensor coarse =
      block1_.mixed(at::cat({x, patches2_(tiles)}, 1), mix.narrow(1, 0, split));
  at::Tensor logits = resized_like(coarse, picture);
  logits.add_(patches1_.mixed(picture, mix.narrow(1, split, mix.size(1) - split)));
  return logits.add_(out_.bias());
}

at::Tensor Birefnet::operator()(const at::Tensor& x, nn::Pass& pass) const {
  const at::NoGradGuard no_gradient;
  LODE_ASSERT(x.size(2) % kMultiple == 0 && x.size(3) % kMultiple == 0,
              "BiRefNet's pictures have sides of multiples of 32");
  std::vector<at::Tensor> features = encode(x, pass);
  auto block = blocks_.begin() + static_cast<std::ptrdiff_t>(backbone_.blocks().size()) + 1;
  at::Tensor y = std::move(features[3]);
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const nn::InBlock inside(pass, *block++);
    y = decode(levels_[i], x, std::exchange(y, {}), features[2 - i]);
  }
  const nn::InBlock inside(pass, *block);
  return finish(x, y);
}

}  // namespace lode::models
