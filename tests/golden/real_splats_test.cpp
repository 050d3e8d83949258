// The renderer against the double-precision reference on real splats, where they are present.
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "render/reference.h"
#include "splat/splat_file.h"
#include "tests/support/shared_data.h"

namespace lode::render {
namespace {

class RealSplats : public testing::TestWithParam<const char*> {};

/// 200 pixels of each of two views, nearly all where something is drawn. A pixel whose sum crosses
/// a threshold (alpha 1/255 or 0.999, transmittance 1e-4) within float rounding may fall on the
/// other side: those are the counted exceptions.
TEST_P(RealSplats, AgreeWithTheReferenceWithinOneStepOfEightBits) {
  const auto path = test::shared_data(GetParam());
  if (!path) {
    GTEST_SKIP() << GetParam() << " is not among the shared data";
  }
  const auto file = splat::read_splat(*path);
  ASSERT_TRUE(file) << file.error().message();
  splat::Scene scene = splat::activate(file->cloud);
  splat::frame(scene);
  Rng rng(1);
  int exceptions = 0, checked = 0;
  double worst = 0;
  for (const float azimuth : {24.0F, 216.0F}) {
    const Camera camera = orbit_camera({.azimuth_deg = azimuth});
    const Frame frame = render(scene, camera, {.threads = 2});
    const Reference reference(scene, camera);
    for (int i = 0; i < 200;) {
      const auto x = static_cast<int>(rng.below(518)), y = static_cast<int>(rng.below(518));
      const std::size_t at = static_cast<std::size_t>(y) * 518 + x;
      if (frame.alpha[at] == 0 && i % 8 != 0) {
        continue;
      }
      ++i;
      const Reference::Pixel expected = reference.pixel(x, y, glm::dvec3(1));
      double error = std::abs(frame.alpha[at] - expected.alpha);
      for (int c = 0; c < 3; ++c) {
        error = std::max(error, std::abs(frame.rgb[at * 3 + c] - expected.rgb[c]));
      }
      worst = std::max(worst, error);
      ++checked;
      exceptions += error > 1e-4 ? 1 : 0;
      EXPECT_LE(error, 1.0 / 255 + 1e-4) << GetParam() << " at " << x << ", " << y;
    }
  }
  RecordProperty("checked", checked);
  RecordProperty("exceptions", exceptions);
  std::cout << GetParam() << ": " << checked << " pixels, largest error " << worst * 255
            << "/255, beyond 1e-4: " << exceptions << "\n";
  EXPECT_LE(exceptions, checked / 50);
}

INSTANTIATE_TEST_SUITE_P(Files, RealSplats,
                         testing::Values("splats/hamburger.ply", "splats/robocop.spz"),
                         [](const auto& file) {
                           return file.index == 0 ? "Hamburger" : "Robocop";
                         });

}  // namespace
}  // namespace lode::render
