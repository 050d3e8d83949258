#include "nn/deform_conv.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "base/assert.h"
#include "nn/deform_sample_internal.h"

namespace lode::nn {

namespace {

// Samples that exist at once: 4 MiB of float32, so that the product still finds most of them in the
// caches, and enough pixels (334 for 7x7 taps of 64 channels) to make it efficient.
constexpr std::int64_t kTileElements = 1 << 20;

// Pixels that one thread samples at a time.
constexpr std::int64_t kGrain = 16;

void check_shapes(const DeformOperands& o) {
  LODE_ASSERT(o.x.dim() == 4 && o.weight.dim() == 4,
              "a deformable convolution is over [B, C, H, W]");
  const std::int64_t k = o.weight.size(2);
  LODE_ASSERT(k == o.weight.size(3) && k % 2 == 1, "a deformable convolution's kernel is odd");
  LODE_ASSERT(o.weight.size(1) == o.x.size(1), "a deformable convolution's channels differ");
  LODE_ASSERT(o.offset.size(1) == 2 * k * k && o.mask.size(1) == k * k,
              "a deformable convolution has an offset and a mask for each tap");
  for (const at::Tensor* t : {&o.offset, &o.mask}) {
    LODE_ASSERT(t->size(0) == o.x.size(0) && t->size(2) == o.x.size(2) && t->size(3) == o.x.size(3),
                "a deformable convolution's offsets and masks are per pixel");
  }
}

bool needs_gradient(const DeformOperands& o) {
  if (!at::GradMode::is_enabled()) {
    return false;
  }
  return std::ranges::any_of(
      std::initializer_list<const at::Tensor*>{&o.x, &o.offset, &o.mask, &o.weight, &o.bias},
      [](const at::Tensor* t) { return t->defined() && t->requires_grad(); });
}

/// [B, C, H, W] -> float32 [B, H, W, C] whose pixels follow each other at one stride.
at::Tensor by_pixel(const at::Tensor& t) {
  const at::Tensor pixels = t.to(at::kFloat).permute({0, 2, 3, 1});
  const bool is_regular = (pixels.stride(3) == 1 || pixels.size(3) == 1) &&
                          pixels.stride(1) == pixels.size(2) * pixels.stride(2);
  return is_regular ? pixels : pixels.contiguous();
}

at::Tensor by_samples(const DeformOperands& o) {
  const at::NoGradGuard no_gradient;
  const at::Tensor x = o.x.to(at::kFloat).permute({0, 2, 3, 1}).contiguous();
  const at::Tensor offset = by_pixel(o.offset), mask = by_pixel(o.mask);
  const std::int64_t batch = x.size(0), height = x.size(1), width = x.size(2), channels = x.size(3);
  const std::int64_t out_channels = o.weight.size(0), pixels = height * width;
  const at::Tensor weight =
      o.weight.to(at::kFloat).permute({2, 3, 1, 0}).reshape({-1, out_channels});
  const at::Tensor bias = o.bias.defined() ? o.bias.to(at::kFloat) : at::Tensor();
  const std::int64_t row = weight.size(0);
  const std::int64_t tile = std::clamp<std::int64_t>(kTileElements / row, 1, pixels);
  const at::Tensor columns = at::empty({tile, row}, x.options());
  at::Tensor out = at::empty({batch, pixels, out_channels}, x.options());
  for (std::int64_t b = 0; b < batch; ++b) {
    DeformSamples samples;
    samples.x = x.data_ptr<float>() + b * x.stride(0);
    samples.height = height;
    samples.width = width;
    samples.channels = channels;
    samples.kernel = o.weight.size(2);
    samples.offset = offset.data_ptr<float>() + b * offset.stride(0);
    samples.offset_stride = offset.stride(2);
    samples.mask = mask.data_ptr<float>() + b * mask.stride(0);
    samples.mask_stride = mask.stride(2);
    for (std::int64_t first = 0; first < pixels; first += tile) {
      const std::int64_t count = std::min(tile, pixels - first);
      auto* to = columns.data_ptr<float>();
      at::parallel_for(0, count, kGrain, [&](std::int64_t begin, std::int64_t end) {
        sample_deformed(samples, first + begin, first + end, to + begin * row);
      });
      at::Tensor part = out.select(0, b).narrow(0, first, count);
      if (bias.defined()) {
        at::addmm_out(part, bias, columns.narrow(0, 0, count), weight);
      } else {
        at::mm_out(part, columns.narrow(0, 0, count), weight);
      }
    }
  }
  return out.view({batch, height, width, out_channels}).permute({0, 3, 1, 2}).to(o.x.scalar_type());
}

/// The bilinear samples of one tap: x [B, C, H W] at y, x [B, H W] -> [B, C, H W].
at::Tensor bilinear(const at::Tensor& pixels, at::Tensor y, at::Tensor x, std::int64_t height,
                    std::int64_t width) {
  // From -1 and H on all is zero, so farther makes no difference, and indices stay in their range.
  y = y.clamp(-1.0, static_cast<double>(height));
  x = x.clamp(-1.0, static_cast<double>(width));
  const at::Tensor top = y.detach().floor(), left = x.detach().floor();
  const at::Tensor down = y - top, right = x - left;
  at::Tensor sum;
  for (int i = 0; i < 4; ++i) {
    const at::Tensor r = top + i / 2, c = left + i % 2;
    const at::Tensor is_inside = (r >= 0) & (r < height) & (c >= 0) & (c < width);
    const at::Tensor share = (i / 2 == 0 ? 1 - down : down) * (i % 2 == 0 ? 1 - right : right) *
                             is_inside.to(at::kFloat);
    const at::Tensor index =
        (r.nan_to_num(0).clamp(0, height - 1) * width + c.nan_to_num(0).clamp(0, width - 1))
            .to(at::kLong);
    const at::Tensor corner =
        at::gather(pixels, 2, index.unsqueeze(1).expand(pixels.sizes())) * share.unsqueeze(1);
    sum = sum.defined() ? sum + corner : corner;
  }
  return sum;
}

}  // namespace

at::Tensor deform_conv2d(const DeformOperands& operands) {
  check_shapes(operands);
  if (operands.x.is_cpu() && !needs_gradient(operands)) {
    return by_samples(operands);
  }
  return deform_conv2d_by_operators(operands);
}

at::Tensor deform_conv2d_by_operators(const DeformOperands& o) {
  check_shapes(o);
  const std::int64_t batch = o.x.size(0), height = o.x.size(2), width = o.x.size(3);
  const std::int64_t kernel = o.weight.size(2), half = kernel / 2;
  const at::Tensor pixels = o.x.to(at::kFloat).flatten(2);  // [B, C, H W]
  const at::Tensor offset = o.offset.to(at::kFloat).flatten(2),
                   mask = o.mask.to(at::kFloat).flatten(2);
  const at::TensorOptions options = pixels.options();
  const at::Tensor rows =
      at::arange(height, options).unsqueeze(1).expand({height, width}).reshape({-1});
  const at::Tensor columns =
      at::arange(width, options).unsqueeze(0).expand({height, width}).reshape({-1});
  at::Tensor sum;
  for (std::int64_t tap = 0; tap < kernel * kernel; ++tap) {
    const at::Tensor y = (rows + (tap / kernel - half)) + offset.select(1, 2 * tap);
    const at::Tensor x = (columns + (tap % kernel - half)) + offset.select(1, 2 * tap + 1);
    const at::Tensor samples =
        bilinear(pixels, y, x, height, width) * mask.select(1, tap).unsqueeze(1);
    const at::Tensor weight = o.weight.select(3, tap % kernel).select(2, tap / kernel);
    const at::Tensor part = at::matmul(weight.to(at::kFloat), samples);  // [B, O, H W]
    sum = sum.defined() ? sum + part : part;
  }
  if (o.bias.defined()) {
    sum = sum + o.bias.to(at::kFloat).unsqueeze(1);
  }
  return sum.view({batch, -1, height, width})
      .to(o.x.scalar_type())
      .contiguous(at::MemoryFormat::ChannelsLast);
}

DeformConv2d::DeformConv2d(const Scope& scope, std::int64_t in, std::int64_t out,
                           std::int64_t kernel)
    : kernel_(kernel),
      offset_(scope["offset_conv"], in, 2 * kernel * kernel,
              {.kernel = kernel, .padding = kernel / 2}),
      modulator_(scope["modulator_conv"], in, kernel * kernel,
                 {.kernel = kernel, .padding = kernel / 2}),
      weight_(&scope["regular_conv"].add("weight", {out, in, kernel, kernel})) {}

at::Tensor DeformConv2d::operator()(const at::Tensor& x, const BatchNorm2d& norm) const {
  // One convolution makes both: they read the same picture.
  const at::Tensor both = at::conv2d(x, at::cat({offset_.weight(), modulator_.weight()}),
                                     at::cat({offset_.bias(), modulator_.bias()}), 1, kernel_ / 2);
  const std::int64_t taps = kernel_ * kernel_;
  const Affine folded = norm.fold(weight_->value(), {});
  return deform_conv2d({.x = x,
                        .offset = both.narrow(1, 0, 2 * taps),
                        .mask = both.narrow(1, 2 * taps, taps).sigmoid().mul_(2),
                        .weight = folded.weight,
                        .bias = folded.bias});
}

}  // namespace lode::nn
