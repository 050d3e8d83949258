#include "nn/layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sigmoid.h>

namespace lode::nn {

namespace {

const at::Tensor& value_or_nothing(const Parameter* parameter) {
  static const at::Tensor nothing;
  return parameter != nullptr ? parameter->value() : nothing;
}

}  // namespace

Linear::Linear(const Scope& scope, std::int64_t in, std::int64_t out, Bias bias)
    : weight_(&scope.add("weight", {out, in}, ParameterKind::matrix)) {
  if (bias == Bias::added) {
    bias_ = &scope.add("bias", {out});
  }
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  if (weight_->is_quantised()) {
    return quantised_linear(x, weight_->quantised(), value_or_nothing(bias_));
  }
  return at::linear(x, weight_->value(), value_or_nothing(bias_));
}

const at::Tensor& Linear::bias() const { return value_or_nothing(bias_); }

Embedding::Embedding(const Scope& scope, std::int64_t entries, std::int64_t width)
    : weight_(&scope.add("weight", {entries, width})) {}

at::Tensor Embedding::operator()(const at::Tensor& ids) const {
  return at::embedding(weight_->value(), ids);
}

LayerNorm::LayerNorm(const Scope& scope, std::int64_t width, double eps)
    : weight_(&scope.add("weight", {width})), bias_(&scope.add("bias", {width})), eps_(eps) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, weight_->shape(), weight_->value(), bias_->value(), eps_);
}

at::Tensor layer_norm(const at::Tensor& x, double eps) {
  return at::layer_norm(x, {x.size(-1)}, {}, {}, eps);
}

RmsNorm::RmsNorm(const Scope& scope, std::int64_t width, double eps)
    : weight_(&scope.add("weight", {width})), eps_(eps) {}

at::Tensor RmsNorm::operator()(const at::Tensor& x) const {
  const at::Tensor& weight = weight_->value();
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor scale = at::rsqrt(wide.square().mean(-1, true).add_(eps_));
  return (wide * scale).to(weight.scalar_type()).mul_(weight);
}

GroupNorm::GroupNorm(const Scope& scope, std::int64_t groups, std::int64_t channels, double eps)
    : weight_(&scope.add("weight", {channels})),
      bias_(&scope.add("bias", {channels})),
      groups_(groups),
      eps_(eps) {}

at::Tensor GroupNorm::operator()(const at::Tensor& x) const {
  return at::group_norm(x, groups_, weight_->value(), bias_->value(), eps_);
}

BatchNorm2d::BatchNorm2d(const Scope& scope, std::int64_t channels, double eps)
    : weight_(&scope.add("weight", {channels})),
      bias_(&scope.add("bias", {channels})),
      mean_(&scope.add("running_mean", {channels})),
      variance_(&scope.add("running_var", {channels})),
      eps_(eps) {}

Affine BatchNorm2d::scale_and_shift() const {
  const at::Tensor scale =
      weight_->value().to(at::kFloat) * at::rsqrt(variance_->value().to(at::kFloat) + eps_);
  return {scale, bias_->value().to(at::kFloat) - mean_->value().to(at::kFloat) * scale};
}

at::Tensor BatchNorm2d::operator()(const at::Tensor& x) const {
  const Affine affine = scale_and_shift();
  const at::Tensor scale = affine.weight.view({-1, 1, 1}), shift = affine.bias.view({-1, 1, 1});
  return (x.to(at::kFloat) * scale).add_(shift).to(x.scalar_type());
}

Affine BatchNorm2d::fold(const at::Tensor& weight, const at::Tensor& bias) const {
  const Affine affine = scale_and_shift();
  Shape per_row(weight.dim(), 1);
  per_row[0] = -1;
  const at::Tensor shift =
      bias.defined() ? bias.to(at::kFloat) * affine.weight + affine.bias : affine.bias;
  return {(weight.to(at::kFloat) * affine.weight.view(per_row)).to(weight.scalar_type()),
          shift.to(weight.scalar_type())};
}

Conv2d::Conv2d(const Scope& scope, std::int64_t in, std::int64_t out, Options options)
    : weight_(&scope.add("weight", {out, in / options.groups, options.kernel, options.kernel})),
      options_(options) {
  if (options.bias == Bias::added) {
    bias_ = &scope.add("bias", {out});
  }
}

at::Tensor Conv2d::operator()(const at::Tensor& x) const {
  return at::conv2d(x, weight_->value(), value_or_nothing(bias_), options_.stride, options_.padding,
                    1, options_.groups);
}

at::Tensor Conv2d::operator()(const at::Tensor& x, const BatchNorm2d& norm) const {
  const Affine folded = norm.fold(weight(), bias());
  return at::conv2d(x, folded.weight, folded.bias, options_.stride, options_.padding, 1,
                    options_.groups);
}

const at::Tensor& Conv2d::bias() const { return value_or_nothing(bias_); }

at::Tensor quick_gelu(const at::Tensor& x) { return x * at::sigmoid(x * 1.702); }

at::Tensor gelu_tanh(const at::Tensor& x) { return at::gelu(x, "tanh"); }

at::Tensor gelu(const at::Tensor& x) { return at::gelu(x); }

}  // namespace lode::nn
