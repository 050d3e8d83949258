#include "render/camera.h"

#include <gtest/gtest.h>

#include <cmath>
#include <glm/geometric.hpp>
#include <glm/matrix.hpp>

namespace lode::render {
namespace {

TEST(Camera, MatchesTheValidatorsCameraToWorldMatrix) {
  // From their test_gs_camera.py: elevation 30, azimuth 45, radius 1.
  const double expected[3][4] = {{0.7071, -0.3536, -0.6124, 0.6124},
                                 {0, -0.8660, 0.5, -0.5},
                                 {-0.7071, -0.3536, -0.6124, 0.6124}};
  const Camera camera = orbit_camera({45, 30, 1, 49.1F, 518});
  const glm::mat3 to_world = glm::transpose(camera.rotation);
  const glm::vec3 position = to_world * -camera.translation;
  for (int row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      EXPECT_NEAR(to_world[column][row], expected[row][column], 5e-5) << row << column;
    }
    EXPECT_NEAR(position[row], expected[row][3], 5e-5);
  }
}

TEST(Camera, HasTheValidatorsIntrinsics) {
  const Camera camera = orbit_camera({});
  EXPECT_NEAR(camera.fx, 567.01185, 1e-3);
  EXPECT_EQ(camera.fx, camera.fy);
  EXPECT_EQ(camera.cx, 259);
  EXPECT_EQ(orbit_camera({.size = 101}).cy, 50) << "rounded down";
}

TEST(Camera, LooksAtTheOriginFromItsRadiusEverywhere) {
  for (const float azimuth : {0.0F, 24.0F, 133.7F, 270.0F, 360.0F}) {
    for (const float elevation : {-90.0F, -15.0F, 0.0F, 60.0F, 90.0F}) {
      const Camera camera = orbit_camera({azimuth, elevation, 2.5F});
      EXPECT_EQ(camera.translation, glm::vec3(0, 0, 2.5F));
      EXPECT_NEAR(glm::determinant(camera.rotation), 1, 1e-5) << "a proper rotation at the poles";
      const glm::mat3 unit = camera.rotation * glm::transpose(camera.rotation);
      EXPECT_NEAR(unit[0][1], 0, 1e-6);
      EXPECT_NEAR(unit[1][2], 0, 1e-6);
    }
  }
}

TEST(Camera, NegativeElevationIsAbove) {
  const Camera camera = orbit_camera({0, -15, 2.5F});
  const glm::vec3 position = glm::transpose(camera.rotation) * -camera.translation;
  EXPECT_NEAR(position.y, 0.647, 1e-3);
  EXPECT_GT(position.z, 2.4) << "azimuth 0 is at +Z";
  const glm::vec3 up = camera.rotation * glm::vec3(0, 1, 0);
  EXPECT_LT(up.y, -0.9) << "+Y is up in the picture, where y points down";
}

TEST(Camera, AzimuthNinetyIsAtPlusX) {
  const Camera camera = orbit_camera({90, 0, 2});
  const glm::vec3 position = glm::transpose(camera.rotation) * -camera.translation;
  EXPECT_NEAR(position.x, 2, 1e-6);
}

TEST(Camera, ShowsAPointInItsPixelOrNotAtAll) {
  const Camera camera = orbit_camera({.elevation_deg = 0, .radius = 2, .fov_deg = 90, .size = 64});
  EXPECT_EQ(pixel_of(camera, {0, 0, 0}), glm::ivec2(32, 32));
  EXPECT_EQ(pixel_of(camera, {1, 0.5F, 0}), glm::ivec2(48, 24)) << "right and up";
  EXPECT_FALSE(pixel_of(camera, {2.1F, 0, 0})) << "beside the picture";
  EXPECT_FALSE(pixel_of(camera, {0, 0, 3})) << "behind";
}

TEST(ValidatorCameras, AreSixteenStepsOfTwentyFourDegreesWithTheLastLikeTheFirst) {
  const std::vector<Camera> cameras = validator_cameras();
  ASSERT_EQ(cameras.size(), 16U);
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(glm::distance(cameras[15].rotation[axis], cameras[0].rotation[axis]), 0, 1e-6);
    EXPECT_NEAR(
        glm::distance(cameras[5].rotation[axis], orbit_camera({120, -15, 2.5F}).rotation[axis]), 0,
        1e-6);
  }
  EXPECT_EQ(duel_cameras().size(), 4U);
  EXPECT_EQ(duel_cameras()[1].rotation, orbit_camera({120, -15, 2.5F}).rotation);
}

}  // namespace
}  // namespace lode::render
