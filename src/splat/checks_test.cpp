#include "splat/checks.h"

#include <gtest/gtest.h>

#include <cmath>

namespace lode::splat {
namespace {

/// The fewest gaussians that pass, nothing else remarkable about them.
Scene passing_scene() {
  Scene scene;
  scene.positions.assign(kMinGaussians, glm::vec3(0.1F, 0.2F, 0.3F));
  scene.scales.assign(kMinGaussians, glm::vec3(0.01F));
  scene.rotations.assign(kMinGaussians, glm::quat(1, 0, 0, 0));
  scene.rotations[5] = glm::quat(0, 1, 0, 0);
  scene.opacities.assign(kMinGaussians, 0.5F);
  scene.colours.assign(kMinGaussians, glm::vec3(0.5F));
  return scene;
}

TEST(Checks, PassAnOrdinaryScene) { EXPECT_TRUE(check(passing_scene()).valid()); }

TEST(Checks, RefuseFewerThanSevenThousand) {
  Scene scene = passing_scene();
  scene.positions.pop_back();
  scene.scales.pop_back();
  scene.rotations.pop_back();
  scene.opacities.pop_back();
  scene.colours.pop_back();
  const CheckReport report = check(scene);
  ASSERT_EQ(report.reasons.size(), 1U);
  EXPECT_EQ(report.reasons[0], "gaussians: 6999, at least 7000 expected");
}

TEST(Checks, RefuseTheUnitCornerAmongTheFirstThreeOnly) {
  for (const std::size_t index : {0, 1, 2, 3}) {
    Scene scene = passing_scene();
    scene.positions[index] = {1.000009F, 0.999991F, 1};
    EXPECT_EQ(check(scene).valid(), index == 3) << index;
    scene.positions[index].x = 1.00002F;
    EXPECT_TRUE(check(scene).valid()) << "outside allclose's tolerance";
  }
}

TEST(Checks, RefuseMoreThanFourFifthsInvisible) {
  Scene scene = passing_scene();
  std::fill_n(scene.opacities.begin(), 5600, 0.00099F);  // 80 % exactly
  EXPECT_TRUE(check(scene).valid());
  scene.opacities[5600] = 0.00099F;
  EXPECT_FALSE(check(scene).valid());
  scene.opacities[5600] = 0.001F;
  EXPECT_TRUE(check(scene).valid());
}

TEST(Checks, RefuseWhenEveryRotationIsTheIdentity) {
  Scene scene = passing_scene();
  scene.rotations[5] = glm::quat(1, 0, 0, 0);
  EXPECT_FALSE(check(scene).valid());
  scene.rotations[5] = glm::quat(1, 0, 0, 1e-6F);
  EXPECT_TRUE(check(scene).valid()) << "0 is compared with the absolute tolerance, 1e-8";
  scene.rotations[5] = glm::quat(-1, 0, 0, 0);
  EXPECT_TRUE(check(scene).valid()) << "the same rotation, but not the same numbers";
}

TEST(Checks, ReportValuesThatAreNotFinite) {
  for (int field = 0; field < 5; ++field) {
    Scene scene = passing_scene();
    switch (field) {
      case 0:
        scene.positions[9].z = NAN;
        break;
      case 1:
        scene.scales[9].x = INFINITY;
        break;
      case 2:
        scene.rotations[9].w = NAN;
        break;
      case 3:
        scene.opacities[9] = NAN;
        break;
      default:
        scene.colours[9].y = -INFINITY;
    }
    const CheckReport report = check(scene);
    ASSERT_EQ(report.reasons.size(), 1U) << field;
    EXPECT_NE(report.reasons[0].find("gaussian 9"), std::string::npos);
  }
}

TEST(Checks, ListEveryFailure) {
  const CheckReport report =
      check(Scene{{glm::vec3(1)}, {glm::vec3(1)}, {glm::quat(1, 0, 0, 0)}, {0.0F}, {glm::vec3(0)}});
  EXPECT_EQ(report.reasons.size(), 4U);
}

}  // namespace
}  // namespace lode::splat
