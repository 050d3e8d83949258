#include "nn/blocks.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/upsample_nearest2d.h>

#include "base/assert.h"

namespace lode::nn {

ResnetBlock2D::ResnetBlock2D(const Scope& scope, const ResnetOptions& options)
    : norm1_(scope[options.names.norm1], options.groups, options.in, options.eps),
      conv1_(scope[options.names.conv1], options.in, options.out, {}),
      norm2_(scope[options.names.norm2], options.groups, options.out, options.eps),
      conv2_(scope[options.names.conv2], options.out, options.out, {}) {
  if (options.time_width > 0) {
    time_.emplace(scope[options.names.time], options.time_width, options.out);
  }
  if (options.in != options.out) {
    shortcut_.emplace(scope[options.names.shortcut], options.in, options.out,
                      Conv2d::Options{.kernel = 1, .padding = 0});
  }
}

at::Tensor ResnetBlock2D::operator()(const at::Tensor& x, const at::Tensor& time) const {
  LODE_ASSERT(time.defined() == time_.has_value(), "a block has a time embedding or has none");
  at::Tensor h = conv1_(at::silu(norm1_(x)));
  if (time_) {
    h = h + (*time_)(at::silu(time)).unsqueeze(-1).unsqueeze(-1);
  }
  h = conv2_(at::silu(norm2_(h)));
  return (shortcut_ ? (*shortcut_)(x) : x) + h;
}

Upsample2D::Upsample2D(const Scope& scope, std::int64_t channels, std::string_view conv)
    : conv_(scope[conv], channels, channels, {}) {}

at::Tensor Upsample2D::operator()(const at::Tensor& x) const {
  return (*this)(x, 2 * x.size(2), 2 * x.size(3));
}

at::Tensor Upsample2D::operator()(const at::Tensor& x, std::int64_t height,
                                  std::int64_t width) const {
  return conv_(at::upsample_nearest2d(x, {height, width}));
}

Downsample2D::Downsample2D(const Scope& scope, std::int64_t channels, DownsamplePadding padding,
                           std::string_view conv)
    : padding_(padding),
      conv_(scope[conv], channels, channels,
            {.stride = 2, .padding = padding == DownsamplePadding::symmetric ? 1 : 0}) {}

at::Tensor Downsample2D::operator()(const at::Tensor& x) const {
  return conv_(padding_ == DownsamplePadding::symmetric ? x : at::constant_pad_nd(x, {0, 1, 0, 1}));
}

FeedForward::FeedForward(const Scope& scope, std::int64_t width, std::int64_t inner,
                         Activation activation)
    : activation_(activation),
      in_(scope["net.0.proj"], width, activation == Activation::geglu ? 2 * inner : inner),
      out_(scope["net.2"], inner, width) {}

at::Tensor FeedForward::operator()(const at::Tensor& x) const {
  const at::Tensor h = in_(x);
  switch (activation_) {
    case Activation::gelu_tanh:
      return out_(gelu_tanh(h));
    case Activation::gelu:
      return out_(nn::gelu(h));
    case Activation::geglu:
      break;
  }
  const auto halves = h.chunk(2, -1);
  return out_(halves[0] * nn::gelu(halves[1]));
}

GatedFeedForward::GatedFeedForward(const Scope& scope, std::int64_t width, std::int64_t inner)
    : gate_(scope["wi_0"], width, inner, Bias::none),
      in_(scope["wi_1"], width, inner, Bias::none),
      out_(scope["wo"], inner, width, Bias::none) {}

at::Tensor GatedFeedForward::operator()(const at::Tensor& x) const {
  return out_(gelu_tanh(gate_(x)) * in_(x));
}

EmbeddingMlp::EmbeddingMlp(const Scope& scope, std::int64_t in, std::int64_t out,
                           EmbeddingNames names)
    : first_(scope[names.first], in, out), second_(scope[names.second], out, out) {}

at::Tensor EmbeddingMlp::operator()(const at::Tensor& x) const {
  return second_(at::silu(first_(x)));
}

}  // namespace lode::nn
