#include "render/render.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "image/codec.h"
#include "splat/ply.h"
#include "tests/support/shared_data.h"

namespace lode::render {
namespace {

TEST(Render, ReproducesTheValidatorsReferencePicture) {
  const auto ply = test::shared_data("splats/hamburger.ply");
  const auto png = test::shared_data("splats/hamburger_az45_el0_r3_box1_1080.png");
  if (!ply || !png) {
    GTEST_SKIP() << "the shared hamburger is not here";
  }
  const auto cloud = splat::decode_ply(*read_file(*ply, 1U << 30));
  ASSERT_TRUE(cloud) << cloud.error().message();
  splat::Scene scene = splat::activate(*cloud);
  splat::frame(scene, 1.0F);
  const image::Image picture = to_image(render(scene, orbit_camera({45, 0, 3, 49.1F, 1080})));
  const auto difference = image::compare(picture, *image::read_image(*png));
  ASSERT_TRUE(difference);
  EXPECT_GE(difference->psnr_db, 70);
}

}  // namespace
}  // namespace lode::render
