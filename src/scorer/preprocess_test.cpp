// Preprocessing against the validators' engine and transformers' image processor.
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "image/codec.h"
#include "scorer/preprocess_internal.h"
#include "tests/support/golden_tensors.h"

namespace lode::scorer {
namespace {

using test::GoldenTensors;

std::filesystem::path golden_folder() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "score";
}

GoldenTensors golden() { return GoldenTensors(golden_folder() / "preprocess.safetensors"); }

/// A stored uint8 [H, W, 3].
image::Image picture_of(const at::Tensor& bytes) {
  image::Image picture(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)), 3);
  const at::Tensor dense = bytes.contiguous();
  std::copy_n(dense.data_ptr<std::uint8_t>(), dense.numel(), picture.pixels.data());
  return picture;
}

double largest_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return (a - b).abs().max().item<double>();
}

TEST(Preprocess, EngineInFloat32) {
  const GoldenTensors want = golden();
  const image::Image small = picture_of(want["small.image"]);
  for (const int side : {24, 40}) {
    const std::string name = "small." + std::to_string(side);
    EXPECT_LE(
        largest_difference(clip_pixels({&small, 1}, side, Preparation::engine_full), want[name]),
        5e-6)
        << name;
  }
}

TEST(Preprocess, EngineInFloat16RoundsAsAGpu) {
  const GoldenTensors want = golden();
  const image::Image small = picture_of(want["small.image"]);
  const image::Image view = image::read_image(golden_folder() / "view_a.png").value();
  // A step of float16 where float32 sums end on either side of the middle between two.
  constexpr double kStep = 2e-3;
  const at::Tensor of_small = clip_pixels({&small, 1}, 24, Preparation::engine);
  EXPECT_LE(largest_difference(of_small, want["small.24.half_gpu"]), kStep);
  EXPECT_GT((of_small == want["small.24.half_gpu"]).to(at::kFloat).mean().item<double>(), 0.99);
  const at::Tensor of_view = clip_pixels({&view, 1}, 224, Preparation::engine);
  EXPECT_LE(largest_difference(of_view.slice(2, 0, {}, 112), want["view.224.half_gpu"]), kStep);
}

TEST(Preprocess, OfficialResizesAndCropsAsPillow) {
  const GoldenTensors want = golden();
  for (const std::string size : {"41x60", "61x38", "20x27", "32x32", "33x47", "10x95", "47x33"}) {
    const image::Image picture = picture_of(want["clip." + size + ".image"]);
    const at::Tensor pixels = clip_pixels({&picture, 1}, 32, Preparation::official);
    const at::Tensor mean =
        clip_pixels(std::vector{image::Image(32, 32, 3, 0)}, 32, Preparation::official);
    const at::Tensor white =
        clip_pixels(std::vector{image::Image(32, 32, 3, 255)}, 32, Preparation::official);
    const at::Tensor bytes = ((pixels - mean) / (white - mean) * 255)[0].permute({1, 2, 0});
    const at::Tensor cropped = want["clip." + size + ".cropped"].to(at::kFloat);
    // Pillow 13, which made the goldens, takes the columns first for some shapes: one step.
    const at::Tensor expected = cropped.size(0) == 3 ? cropped.permute({1, 2, 0}) : cropped;
    EXPECT_LE(largest_difference(bytes, expected), 1.01) << size;
  }
  const image::Image picture = picture_of(want["clip.41x60.image"]);
  EXPECT_LE(largest_difference(clip_pixels({&picture, 1}, 32, Preparation::official),
                               want["clip.41x60.pixel_values"]),
            0.02);
}

TEST(Preprocess, TransparentPicturesLieOnWhite) {
  const image::Image nothing(8, 8, 4, 0);
  const image::Image white(8, 8, 3, 255);
  EXPECT_TRUE(clip_pixels({&nothing, 1}, 8, Preparation::engine)
                  .equal(clip_pixels({&white, 1}, 8, Preparation::engine)));
}

TEST(Preprocess, LpipsPicturesAreClipped) {
  // A hard edge overshoots under the bicubic.
  image::Image edge(8, 8, 3, 0);
  std::fill(edge.pixels.begin() + 96, edge.pixels.end(), 255);
  const at::Tensor pixels = lpips_pixels({&edge, 1});
  EXPECT_EQ(pixels.min().item<float>(), 0);
  EXPECT_EQ(pixels.max().item<float>(), 1);
}

}  // namespace
}  // namespace lode::scorer
