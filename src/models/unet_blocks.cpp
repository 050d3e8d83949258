#include "models/unet_blocks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/silu.h>
#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/assert.h"
#include "nn/attention.h"

namespace lode::models {

namespace {

constexpr double kTransformerNormEps = 1e-6;  // of the group norm before a transformer
constexpr double kLayerNormEps = 1e-5;
constexpr nn::Conv2d::Options kThreeByThree;

/// Where a unit's layers lie.
struct Places {
  std::string resnet, attention, sampler;
};

/// Of unit `unit` of the way down, block `index` of its level. What halves the size is a unit of
/// its own.
Places down_places(UnetNames names, std::size_t level, std::int64_t index, std::size_t unit) {
  if (names == UnetNames::ldm) {
    const std::string block = fmt::format("input_blocks.{}", unit);
    return {block + ".0", block + ".1", block + ".0"};
  }
  return {fmt::format("down_blocks.{}.resnets.{}", level, index),
          fmt::format("down_blocks.{}.attentions.{}", level, index),
          fmt::format("down_blocks.{}.downsamplers.0", level)};
}

/// Of unit `unit` of the way up, block `index` of the level that is `level` from the coarsest.
Places up_places(UnetNames names, std::size_t level, std::int64_t index, std::size_t unit,
                 bool has_attention) {
  if (names == UnetNames::ldm) {
    const std::string block = fmt::format("output_blocks.{}", unit);
    return {block + ".0", block + ".1", block + (has_attention ? ".2" : ".1")};
  }
  return {fmt::format("up_blocks.{}.resnets.{}", level, index),
          fmt::format("up_blocks.{}.attentions.{}", level, index),
          fmt::format("up_blocks.{}.upsamplers.0", level)};
}

std::string_view first_name(UnetNames names) {
  return names == UnetNames::ldm ? "input_blocks.0.0" : "conv_in";
}
std::string_view last_norm_name(UnetNames names) {
  return names == UnetNames::ldm ? "out.0" : "conv_norm_out";
}
std::string_view last_name(UnetNames names) {
  return names == UnetNames::ldm ? "out.2" : "conv_out";
}

}  // namespace

SpatialTransformer::Attention::Attention(const nn::Scope& scope, const Options& options,
                                         std::int64_t context_width,
                                         const PictureAttention& picture)
    : heads_(options.heads),
      picture_(picture),
      q_(scope["to_q"], options.channels, options.channels, nn::Bias::none),
      k_(scope["to_k"], context_width, options.channels, nn::Bias::none),
      v_(scope["to_v"], context_width, options.channels, nn::Bias::none),
      out_(scope["to_out.0"], options.channels, options.channels) {
  if (picture.tokens > 0) {
    picture_k_.emplace(scope["to_k_ip"], context_width, options.channels, nn::Bias::none);
    picture_v_.emplace(scope["to_v_ip"], context_width, options.channels, nn::Bias::none);
  }
}

at::Tensor SpatialTransformer::Attention::operator()(const at::Tensor& x,
                                                     const at::Tensor& context) const {
  const at::Tensor q = nn::split_heads(q_(x), heads_);
  const auto attended = [&](const nn::Linear& k, const nn::Linear& v, const at::Tensor& to) {
    return nn::attention(q, nn::split_heads(k(to), heads_), nn::split_heads(v(to), heads_));
  };
  if (!picture_k_) {
    return out_(nn::join_heads(attended(k_, v_, context)));
  }
  const std::int64_t prompt = context.size(1) - picture_.tokens;
  LODE_ASSERT(prompt > 0, "a context has a prompt's tokens before the picture's");
  const at::Tensor seen =
      attended(*picture_k_, *picture_v_, context.narrow(1, prompt, picture_.tokens));
  return out_(
      nn::join_heads(attended(k_, v_, context.narrow(1, 0, prompt)) + seen * picture_.weight));
}

SpatialTransformer::SpatialTransformer(const nn::Scope& scope, const Options& options)
    : norm_(scope["norm"], options.groups, options.channels, kTransformerNormEps),
      in_(scope["proj_in"], options.channels, options.channels),
      norm1_(scope["transformer_blocks.0.norm1"], options.channels, kLayerNormEps),
      norm2_(scope["transformer_blocks.0.norm2"], options.channels, kLayerNormEps),
      norm3_(scope["transformer_blocks.0.norm3"], options.channels, kLayerNormEps),
      self_(scope["transformer_blocks.0.attn1"], options, options.channels, {}),
      cross_(scope["transformer_blocks.0.attn2"], options, options.context_width, options.picture),
      feed_forward_(scope["transformer_blocks.0.ff"], options.channels, 4 * options.channels,
                    nn::Activation::geglu),
      out_(scope["proj_out"], options.channels, options.channels) {}

at::Tensor SpatialTransformer::operator()(const at::Tensor& x, const at::Tensor& context,
                                          std::int64_t views) const {
  at::Tensor h = in_(norm_(x).flatten(2).transpose(1, 2));  // [B, hw, C]
  const at::Tensor together = norm1_(h).reshape({h.size(0) / views, views * h.size(1), h.size(2)});
  h = h + self_(together, together).reshape(h.sizes());
  h = h + cross_(norm2_(h), context);
  h = h + feed_forward_(norm3_(h));
  return x + out_(h).transpose(1, 2).reshape(x.sizes());
}

/// Registers a U-Net's layers and blocks unit by unit, keeping count of what the way up will find.
class UnetBody::Builder {
 public:
  Builder(const UnetShape& shape, UnetNames names, const PictureAttention& picture,
          const nn::Scope& scope)
      : shape_(shape),
        names_(names),
        picture_(picture),
        scope_(scope),
        channels_(shape.levels.front().channels),
        skips_{channels_} {}

  void add_way_down(UnetBody& body) {
    std::size_t unit = 0;
    for (std::size_t level = 0; level < shape_.levels.size(); ++level) {
      const UnetLevel& at = shape_.levels[level];
      for (std::int64_t i = 0; i < at.resnets; ++i) {
        const Places places = down_places(names_, level, i, ++unit);
        Unit& made = body.down_.emplace_back();
        made.resnet.emplace(resnet(places.resnet, channels_, at.channels));
        channels_ = at.channels;
        made.attention = attention(places.attention, at.heads);
        add_block(body, {places.resnet, places.attention});
        skips_.push_back(channels_);
      }
      if (level + 1 < shape_.levels.size()) {
        const Places places = down_places(names_, level, at.resnets, ++unit);
        body.down_.emplace_back().down.emplace(scope_[places.sampler], channels_,
                                               nn::DownsamplePadding::symmetric,
                                               names_ == UnetNames::ldm ? "op" : "conv");
        add_block(body, {places.sampler});
        skips_.push_back(channels_);
      }
    }
  }

  void add_middle(UnetBody& body) {
    const bool ldm = names_ == UnetNames::ldm;
    body.mid_.resnet.emplace(
        resnet(ldm ? "middle_block.0" : "mid_block.resnets.0", channels_, channels_));
    body.mid_.attention =
        attention(ldm ? "middle_block.1" : "mid_block.attentions.0", shape_.mid_heads);
    body.mid_.second.emplace(
        resnet(ldm ? "middle_block.2" : "mid_block.resnets.1", channels_, channels_));
    add_block(body, {ldm ? "middle_block" : "mid_block"});
  }

  void add_way_up(UnetBody& body) {
    std::size_t unit = 0;
    for (std::size_t level = 0; level < shape_.levels.size(); ++level) {
      const UnetLevel& at = shape_.levels[shape_.levels.size() - 1 - level];
      for (std::int64_t i = 0; i <= at.resnets; ++i) {
        const Places places = up_places(names_, level, i, unit++, at.heads > 0);
        Unit& made = body.up_.emplace_back();
        made.resnet.emplace(resnet(places.resnet, channels_ + skips_.back(), at.channels));
        skips_.pop_back();
        channels_ = at.channels;
        made.attention = attention(places.attention, at.heads);
        std::vector<std::string> used = {places.resnet};
        if (made.attention) {
          used.push_back(places.attention);
        }
        if (i == at.resnets && level + 1 < shape_.levels.size()) {
          made.up.emplace(scope_[places.sampler], channels_);
          used.push_back(places.sampler);
        }
        add_block(body, used);
      }
    }
  }

 private:
  nn::ResnetBlock2D resnet(const std::string& place, std::int64_t in, std::int64_t out) const {
    return {scope_[place],
            {.in = in,
             .out = out,
             .groups = shape_.groups,
             .eps = shape_.norm_eps,
             .time_width = shape_.time_width(),
             .names = names_ == UnetNames::ldm ? nn::kLdmResnet : nn::kDiffusersResnet}};
  }

  std::optional<SpatialTransformer> attention(const std::string& place, std::int64_t heads) const {
    if (heads == 0) {
      return std::nullopt;
    }
    return SpatialTransformer(scope_[place], {.channels = channels_,
                                              .heads = heads,
                                              .context_width = shape_.context_width,
                                              .groups = shape_.groups,
                                              .picture = picture_});
  }

  /// Named after the first place. Places of what is not there add nothing.
  void add_block(UnetBody& body, const std::vector<std::string>& places) const {
    nn::Block block{places.front(), {}};
    for (const std::string& place : places) {
      const nn::Block part = scope_.block("", {place + "."});
      block.parameters.insert(block.parameters.end(), part.parameters.begin(),
                              part.parameters.end());
    }
    body.blocks_.push_back(std::move(block));
  }

  const UnetShape& shape_;
  UnetNames names_;
  PictureAttention picture_;
  nn::Scope scope_;
  std::int64_t channels_;            // where the building has come to
  std::vector<std::int64_t> skips_;  // channels of what the way up joins
};

UnetBody::UnetBody(const UnetShape& shape, UnetNames names, const PictureAttention& picture,
                   const nn::Scope& scope)
    : conv_in_(scope[first_name(names)], shape.in_channels, shape.levels.front().channels,
               kThreeByThree),
      norm_out_(scope[last_norm_name(names)], shape.groups, shape.levels.front().channels,
                shape.norm_eps),
      conv_out_(scope[last_name(names)], shape.levels.front().channels, shape.out_channels,
                kThreeByThree) {
  const auto place = [](std::string_view name) { return std::string(name) + '.'; };
  blocks_.push_back(scope.block(std::string(first_name(names)), {place(first_name(names))}));
  Builder builder(shape, names, picture, scope);
  builder.add_way_down(*this);
  builder.add_middle(*this);
  builder.add_way_up(*this);
  blocks_.push_back(scope.block(std::string(last_name(names)),
                                {place(last_norm_name(names)), place(last_name(names))}));
}

at::Tensor UnetBody::operator()(const Input& input, nn::Pass& pass) const {
  LODE_ASSERT(input.views > 0 && input.latents.size(0) % input.views == 0,
              "the views of each object are in the batch");
  auto block = blocks_.begin();
  std::vector<at::Tensor> skips;
  const auto blocks_of = [&](const Unit& unit, at::Tensor x) {
    x = unit.resnet ? (*unit.resnet)(x, input.time) : x;
    x = unit.attention ? (*unit.attention)(x, input.context, input.views) : x;
    return unit.second ? (*unit.second)(x, input.time) : x;
  };
  at::Tensor x;
  {
    const nn::InBlock inside(pass, *block++);
    x = conv_in_(input.latents);
    skips.push_back(x);
  }
  for (const Unit& unit : down_) {
    const nn::InBlock inside(pass, *block++);
    x = unit.down ? (*unit.down)(x) : blocks_of(unit, x);
    skips.push_back(x);
  }
  {
    const nn::InBlock inside(pass, *block++);
    x = blocks_of(mid_, x);
  }
  for (const Unit& unit : up_) {
    const nn::InBlock inside(pass, *block++);
    x = at::cat({x, skips.back()}, 1);
    skips.pop_back();
    x = blocks_of(unit, x);
    if (unit.up) {
      x = (*unit.up)(x, skips.back().size(2), skips.back().size(3));
    }
  }
  const nn::InBlock inside(pass, *block);
  return conv_out_(at::silu(norm_out_(x)));
}

}  // namespace lode::models
