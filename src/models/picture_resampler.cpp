#include "models/picture_resampler.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>

#include "nn/attention.h"

namespace lode::models {

namespace {

// mv_unet.py, MultiViewUNetModel's Resampler.
constexpr std::int64_t kLayers = 4;
constexpr std::int64_t kHeads = 12;
constexpr std::int64_t kInner = kHeads * 64;
constexpr std::int64_t kFeedForwardMultiple = 4;
constexpr double kNormEps = 1e-5;

}  // namespace

PictureResampler::Layer::Layer(const nn::Scope& scope, std::int64_t width)
    : norm_x(scope["0.norm1"], width, kNormEps),
      norm_latents(scope["0.norm2"], width, kNormEps),
      q(scope["0.to_q"], width, kInner, nn::Bias::none),
      kv(scope["0.to_kv"], width, 2 * kInner, nn::Bias::none),
      out(scope["0.to_out"], kInner, width, nn::Bias::none),
      feed_norm(scope["1.0"], width, kNormEps),
      feed_in(scope["1.1"], width, kFeedForwardMultiple * width, nn::Bias::none),
      feed_out(scope["1.3"], kFeedForwardMultiple * width, width, nn::Bias::none) {}

at::Tensor PictureResampler::Layer::attend(const at::Tensor& x, const at::Tensor& latents) const {
  const at::Tensor queries = norm_latents(latents);
  const auto keys = kv(at::cat({norm_x(x), queries}, 1)).chunk(2, -1);
  return out(nn::join_heads(nn::attention(nn::split_heads(q(queries), kHeads),
                                          nn::split_heads(keys[0], kHeads),
                                          nn::split_heads(keys[1], kHeads))));
}

at::Tensor PictureResampler::Layer::feed(const at::Tensor& latents) const {
  return feed_out(nn::gelu(feed_in(feed_norm(latents))));
}

PictureResampler::PictureResampler(const nn::Scope& scope, std::int64_t tokens, std::int64_t width)
    : latents_(&scope.add("latents", {1, tokens, width})),
      in_(scope["proj_in"], kPictureFeatures, width),
      out_(scope["proj_out"], width, width),
      norm_out_(scope["norm_out"], width, kNormEps) {
  for (std::int64_t i = 0; i < kLayers; ++i) {
    layers_.emplace_back(scope["layers"][i], width);
  }
}

at::Tensor PictureResampler::operator()(const at::Tensor& features) const {
  const at::Tensor x = in_(features);
  at::Tensor latents = latents_->value().expand({x.size(0), -1, -1});
  for (const Layer& layer : layers_) {
    latents = layer.attend(x, latents) + latents;
    latents = layer.feed(latents) + latents;
  }
  return norm_out_(out_(latents));
}

}  // namespace lode::models
