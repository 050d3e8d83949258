// The linear map that stands for an encoder.
#include "guidance/linear_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <gtest/gtest.h>

#include "nn/noise.h"
#include "tests/support/golden_tensors.h"

namespace lode::guidance {
namespace {

at::Tensor shrunk(const at::Tensor& picture) {
  return 2 * at::_upsample_bilinear2d_aa(picture, {8, 8}, false) - 1;
}

TEST(LinearEncoder, FindsAnEncoderThatIsLinear) {
  nn::NoiseSource noise(1, "linear encoder test");
  const at::Tensor matrix = noise.normal({4, 3});
  const at::Tensor offset = noise.normal({4});
  const LinearEncoder fitted = fit_linear_encoder(
      [&](const at::Tensor& picture) {
        return at::conv2d(shrunk(picture), matrix.view({4, 3, 1, 1}), offset);
      },
      64);
  EXPECT_LE(test::relative_error(fitted.matrix, matrix), 1e-4);
  EXPECT_LE(test::relative_error(fitted.offset, offset), 1e-4);
  EXPECT_GT(fitted.explained, 0.9999);
}

TEST(LinearEncoder, SaysHowMuchItLeavesOut) {
  nn::NoiseSource noise(1, "linear encoder test");
  const LinearEncoder fitted = fit_linear_encoder(
      [&](const at::Tensor& picture) {
        // Half of the variance has nothing to do with the picture.
        const at::Tensor colour = shrunk(picture).narrow(1, 0, 1);
        return colour + colour.std() * noise.normal(colour.sizes().vec());
      },
      64);
  EXPECT_NEAR(fitted.explained, 0.5, 0.1);
}

TEST(LinearEncoder, CarriesDerivativesToPixelsOfAnySize) {
  LinearEncoder linear;
  nn::NoiseSource noise(1, "linear encoder test");
  linear.matrix = noise.normal({4, 3});
  linear.offset = noise.normal({4});
  for (const std::int64_t side : {5, 8, 24}) {
    const at::Tensor pixels = noise.uniform({2, 3, side, side}).set_requires_grad(true);
    const at::Tensor by_latents = noise.normal({2, 4, 8, 8});
    linear(pixels, 8, 8).backward(by_latents);
    // A shade more everywhere moves every latent by twice the matrix.
    const at::Tensor expected =
        2 * by_latents.sum(at::IntArrayRef{2, 3}).matmul(linear.matrix);  // [2, 3]
    EXPECT_LE(test::relative_error(pixels.grad().sum(at::IntArrayRef{2, 3}), expected), 1e-4)
        << side;
  }
}

}  // namespace
}  // namespace lode::guidance
