// Poses as the networks are told them.
#include "guidance/cameras.h"

#include <gtest/gtest.h>

#include <array>

#include "guidance/test_support.h"

namespace lode::guidance {
namespace {

TEST(MvdreamCamera, IsTheDemonstrationsAtTheirAngles) {
  const at::Tensor expected =
      test::GoldenTensors(golden_folder() / "mvdream.safetensors")["cameras"];
  for (int view = 0; view < 4; ++view) {
    const auto camera = mvdream_camera(
        {.azimuth_deg = 90.0F * static_cast<float>(view) - 90, .elevation_deg = -15});
    for (int i = 0; i < 16; ++i) {
      EXPECT_NEAR(camera[static_cast<std::size_t>(i)], expected[view][i].item<float>(), 1e-6F)
          << view << " " << i;
    }
  }
}

TEST(MvdreamCamera, IsTheRenderersTurnedByNinetyDegrees) {
  for (const float azimuth : {-170.0F, -33.0F, 0.0F, 12.5F, 90.0F, 181.0F}) {
    for (const float elevation : {-80.0F, -15.0F, 0.0F, 40.0F}) {
      const render::Orbit orbit{.azimuth_deg = azimuth, .elevation_deg = elevation, .radius = 3};
      render::Orbit turned = orbit;
      turned.azimuth_deg += 90;
      const render::Camera camera = render::orbit_camera(turned);
      const auto told = mvdream_camera(orbit);
      // The world of z up: x, -z, y of ours; OpenCV's axes are right, down, forward.
      const std::array<int, 3> from = {0, 2, 1};
      const std::array<float, 3> sign = {1, -1, 1};
      const glm::vec3 place = -glm::transpose(camera.rotation) * camera.translation;
      for (int row = 0; row < 3; ++row) {
        const int world = from[static_cast<std::size_t>(row)];
        const float s = sign[static_cast<std::size_t>(row)];
        const float* values = &told[static_cast<std::size_t>(4 * row)];
        EXPECT_NEAR(values[0], s * camera.rotation[world][0], 1e-5F);
        EXPECT_NEAR(values[1], -s * camera.rotation[world][1], 1e-5F);
        EXPECT_NEAR(values[2], -s * camera.rotation[world][2], 1e-5F);
        EXPECT_NEAR(values[3], s * place[world] / 3, 1e-5F);
      }
      EXPECT_EQ(told[15], 1);
    }
  }
}

TEST(Zero123Pose, IsTheReferences) {
  const test::GoldenTensors golden(golden_folder() / "zero123.safetensors");
  const auto expect = [&](const std::string& name, const std::array<float, 4>& pose) {
    const at::Tensor expected = golden[name + ".pose"].flatten();
    for (int i = 0; i < 4; ++i) {
      EXPECT_NEAR(pose[static_cast<std::size_t>(i)], expected[i].item<float>(), 1e-6F)
          << name << " " << i;
    }
  };
  expect("xl", zero123_pose({.azimuth_deg = 35, .elevation_deg = 10}, 0, Zero123Kind::xl));
  expect("stable",
         zero123_pose({.azimuth_deg = -140, .elevation_deg = -37}, -12, Zero123Kind::stable));
}

}  // namespace
}  // namespace lode::guidance
