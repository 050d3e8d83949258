#include "fit/dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <glm/geometric.hpp>
#include <glm/matrix.hpp>

#include "base/file.h"
#include "image/codec.h"
#include "tests/support/clouds.h"

namespace lode::fit {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DatasetFiles : public testing::Test {
 protected:
  DatasetFiles()
      : folder_(fs::path(testing::TempDir()) /
                ("lode_dataset_" +
                 std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "images");
  }
  ~DatasetFiles() override { fs::remove_all(folder_); }

  void write_cameras(const std::string& text) {
    ASSERT_TRUE(write_file(folder_ / "cameras.json", as_bytes(text)));
  }

  fs::path folder_;
};

std::string orbit_entry(const std::string& file) {
  return R"({"file": ")" + file + R"(", "azimuth": 0, "elevation": 0})";
}

TEST_F(DatasetFiles, WhatIsWrittenReadsBackWithItsPictures) {
  Rng rng(2);
  const splat::Scene scene = splat::activate(test::random_cloud(rng, 50));
  const auto cameras = dataset_cameras(5, {.size = 33});
  ASSERT_TRUE(write_dataset(folder_ / "new", scene, cameras));
  const auto dataset = read_dataset(folder_ / "new");
  ASSERT_TRUE(dataset) << dataset.error().message();
  const Dataset made = make_dataset(scene, cameras);
  ASSERT_EQ(dataset->views.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) {
    const View& view = dataset->views[i];
    EXPECT_EQ(view.name, made.views[i].name);
    EXPECT_EQ(view.picture.channels, 4);
    EXPECT_EQ(view.picture.pixels, made.views[i].picture.pixels);
    EXPECT_NEAR(view.camera.translation.z, cameras[i].translation.z, 1e-5F);
    EXPECT_EQ(view.camera.cx, 16);
  }
}

TEST_F(DatasetFiles, FindsPicturesWithoutExtensionAndUnderImages) {
  const image::Image picture(8, 8, 3, 200);
  ASSERT_TRUE(image::write_png(folder_ / "a.png", picture));
  ASSERT_TRUE(image::write_png(folder_ / "images" / "b.png", picture));
  write_cameras("[" + orbit_entry("./a") + "," + orbit_entry("b.png") + "]");
  const auto dataset = read_dataset(folder_);
  ASSERT_TRUE(dataset) << dataset.error().message();
  EXPECT_EQ(dataset->views[1].picture.pixels, picture.pixels);
}

TEST_F(DatasetFiles, ShrinksPicturesAndTheirCameras) {
  ASSERT_TRUE(image::write_png(folder_ / "a.png", image::Image(40, 20, 3, 200)));
  write_cameras(R"([{"img_name": "a", "width": 40, "height": 20, "position": [0, 0, 0], "fx": 30,
                     "rotation": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}])");
  const auto dataset = read_dataset(folder_, 10);
  ASSERT_TRUE(dataset) << dataset.error().message();
  const View& view = dataset->views[0];
  EXPECT_EQ(view.picture.width, 10);
  EXPECT_EQ(view.picture.height, 5);
  EXPECT_EQ(view.camera.height, 5);
  EXPECT_EQ(view.camera.fx, 7.5F);
}

TEST_F(DatasetFiles, ErrorsNameFileAndEntry) {
  const auto error = [this] {
    const auto dataset = read_dataset(folder_);
    EXPECT_FALSE(dataset);
    return dataset ? "" : dataset.error().context;
  };
  EXPECT_THAT(error(), HasSubstr("cameras.json"));
  write_cameras("[" + orbit_entry("a") + "]");
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("cameras.json: camera 0"), HasSubstr("no such")));
  ASSERT_TRUE(write_file(folder_ / "a.png", as_bytes("not a picture")));
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("camera 0"), HasSubstr("a.png")));
  ASSERT_TRUE(image::write_png(folder_ / "a.png", image::Image(8, 9, 3)));
  EXPECT_THAT(error(), testing::AllOf(HasSubstr("camera 0"), HasSubstr("square")));
}

TEST(DatasetCameras, LookAtTheOriginFromAllSidesBetweenSixtyDegrees) {
  const auto cameras = dataset_cameras(24, {.radius = 3, .size = 64});
  ASSERT_EQ(cameras.size(), 24U);
  std::vector<glm::vec3> centres;
  for (const render::Camera& camera : cameras) {
    EXPECT_NEAR(camera.translation.z, 3, 1e-6F);
    EXPECT_NEAR(camera.translation.x, 0, 1e-6F);
    centres.push_back(-(glm::transpose(camera.rotation) * camera.translation));
    EXPECT_LT(std::abs(centres.back().y), 3 * std::sin(glm::radians(60.0F)));
  }
  // 24 evenly spread points on the band lie some 40 degrees apart: 2 units on this sphere.
  for (std::size_t i = 0; i < centres.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      EXPECT_GT(glm::length(centres[i] - centres[k]), 1.2F) << i << " " << k;
    }
  }
}

TEST(Target, TransparentPicturesLieOverTheBackground) {
  image::Image picture(2, 1, 4, 255);
  picture.at(0, 0)[3] = 51;  // a fifth
  std::vector<float> rgb, alpha;
  to_target(picture, {0.5F, 0, 1}, rgb, alpha);
  EXPECT_NEAR(rgb[0], 0.2F + 0.4F, 1e-6F);
  EXPECT_NEAR(rgb[1], 0.2F, 1e-6F);
  EXPECT_NEAR(rgb[5], 1, 1e-6F);
  EXPECT_NEAR(alpha[0], 0.2F, 1e-6F);
  to_target(image::Image(2, 1, 3, 51), {1, 1, 1}, rgb, alpha);
  EXPECT_NEAR(rgb[0], 0.2F, 1e-6F);
  EXPECT_TRUE(alpha.empty());
}

}  // namespace
}  // namespace lode::fit
