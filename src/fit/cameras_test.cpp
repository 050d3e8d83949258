#include "fit/cameras.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace lode::fit {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// The members of a good entry in Inria's form, one of them replaced.
std::string entry(const std::string& key = "", const std::string& value = "") {
  const std::pair<std::string, std::string> members[] = {
      {"img_name", R"("a.png")"},
      {"width", "400"},
      {"height", "300"},
      {"position", "[1, 2, 3]"},
      {"fx", "500"},
      {"rotation", "[[1, 0, 0], [0, 0, 1], [0, -1, 0]]"}};
  std::string text = "{\"id\": 0";
  for (const auto& [name, standard] : members) {
    const std::string& used = name == key ? value : standard;
    text += used.empty() ? "" : ", \"" + name + "\": " + used;
  }
  return text + (key == "more" ? ", " + value : "") + "}";
}

render::Camera camera_of(const std::string& text, int width, int height) {
  const auto poses = parse_cameras("[" + text + "]");
  EXPECT_TRUE(poses) << poses.error().message();
  const auto camera = camera_for((*poses)[0], width, height);
  EXPECT_TRUE(camera) << camera.error().message();
  return *camera;
}

void expect_near(glm::vec3 a, glm::vec3 b, float tolerance = 1e-5F) {
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(a[axis], b[axis], tolerance);
  }
}

TEST(Cameras, RotationsRowsAreTheWorldsAxesAsTheCameraSeesThem) {
  const render::Camera camera = camera_of(entry(), 400, 300);
  // Camera to world takes forward (0, 0, 1) to the third column, (0, 1, 0).
  expect_near(camera.rotation * glm::vec3(0, 1, 0), {0, 0, 1});
  expect_near(camera.rotation * glm::vec3(1, 2, 3) + camera.translation, {0, 0, 0});
  expect_near(camera.rotation * glm::vec3(1, 7, 3) + camera.translation, {0, 0, 5});
  EXPECT_EQ(camera.fx, 500);
  EXPECT_EQ(camera.fy, 500) << "as fx when absent";
  EXPECT_EQ(camera.cx, 200) << "the middle when absent";
  EXPECT_EQ(camera.cy, 150);
}

TEST(Cameras, ScalesToASmallerPicture) {
  const render::Camera camera = camera_of(entry("more", R"("cx": 190, "cy": 160)"), 200, 150);
  EXPECT_EQ(camera.fx, 250);
  EXPECT_EQ(camera.cx, 95);
  EXPECT_EQ(camera.cy, 80);
  EXPECT_EQ(camera.width, 200);
}

TEST(Cameras, OrbitIsTheCameraOfLodeRender) {
  const render::Camera camera = camera_of(
      R"({"file": "a", "azimuth": 30, "elevation": -15, "radius": 3, "fov": 40})", 65, 65);
  const render::Camera same =
      render::orbit_camera({.azimuth_deg = 30, .radius = 3, .fov_deg = 40, .size = 65});
  EXPECT_EQ(camera.rotation, same.rotation);
  EXPECT_EQ(camera.translation, same.translation);
  EXPECT_EQ(camera.fx, same.fx);
  EXPECT_EQ(camera.cx, 32);
}

TEST(Cameras, AnObjectMayHoldTheArrayAndNamesMayVary) {
  for (const char* key : {"cameras", "frames"}) {
    for (const char* name : {"img_name", "file_path", "file"}) {
      const std::string text = std::string("{\"") + key + "\": [{\"" + name +
                               R"(": "x/y", "azimuth": 0, "elevation": 0}]})";
      const auto poses = parse_cameras(text);
      ASSERT_TRUE(poses) << text;
      EXPECT_EQ((*poses)[0].file, "x/y");
    }
  }
}

TEST(Cameras, WhatIsWrittenReadsBack) {
  const std::vector<render::Camera> cameras{
      render::orbit_camera({.azimuth_deg = 200, .elevation_deg = 40, .size = 63}),
      render::orbit_camera({.azimuth_deg = 10, .elevation_deg = -50, .radius = 4, .size = 63})};
  const auto poses = parse_cameras(format_cameras({"a", "b"}, cameras));
  ASSERT_TRUE(poses) << poses.error().message();
  for (std::size_t i = 0; i < 2; ++i) {
    const auto camera = camera_for((*poses)[i], 63, 63);
    ASSERT_TRUE(camera);
    for (int column = 0; column < 3; ++column) {
      expect_near(camera->rotation[column], cameras[i].rotation[column], 1e-6F);
    }
    expect_near(camera->translation, cameras[i].translation);
    EXPECT_EQ(camera->fx, cameras[i].fx);
    EXPECT_EQ(camera->cx, 31);
  }
}

TEST(Cameras, ErrorsNameEntryFieldAndWhatWasExpected) {
  const struct {
    std::string key, value, field, expected;
  } cases[] = {
      {"img_name", "", "img_name", "name"},
      {"img_name", "7", "img_name", "name"},
      {"img_name", R"("/etc/passwd")", "img_name", "inside the folder"},
      {"img_name", R"("a/../../b")", "img_name", "inside the folder"},
      {"img_name", R"("")", "img_name", "inside the folder"},
      {"width", "0", "width", "from 1"},
      {"width", "40000", "width", "32767"},
      {"height", "2.5", "height", "whole number"},
      {"height", "\"300\"", "height", "a number"},
      {"fx", "-1", "fx", "a number"},
      {"fx", "", "fx", "a number"},
      {"position", "", "position", "array of 3"},
      {"position", "[1, 2]", "position", "array of 3"},
      {"position", "[1, 2, null]", "position[2]", "a number"},
      {"position", "[1, 2, 1e9]", "position[2]", "a number"},
      {"rotation", "[1]", "rotation", "3 rows"},
      {"rotation", "[[1,0,0],[0,1,0],7]", "rotation[2]", "array of 3"},
      {"rotation", "[[1,0,0],[0,1,0],[0,0.1,1]]", "rotation", "orthonormal"},
      {"rotation", "[[1,0,0],[0,1,0],[0,0,-1]]", "rotation", "mirrored"},
      {"more", R"("azimuth": 5)", "elevation", "a number"},
      {"more", R"("azimuth": 5, "elevation": 91)", "elevation", "90"},
      {"more", R"("azimuth": 5, "elevation": 1, "fov": 180)", "fov", "170"},
  };
  for (const auto& one : cases) {
    const auto poses = parse_cameras("[" + entry() + ", " + entry(one.key, one.value) + "]");
    ASSERT_FALSE(poses) << one.key << " " << one.value;
    EXPECT_EQ(poses.error().code, Errc::invalid_input);
    EXPECT_THAT(poses.error().context,
                AllOf(HasSubstr("camera 1: " + one.field + ":"), HasSubstr(one.expected)))
        << one.key << " " << one.value;
  }
}

TEST(Cameras, RefusesDocumentsOfAnotherForm) {
  for (const char* text :
       {"", "[", "[]", "{}", "7", "[7]", R"({"cameras": 3})", R"({"frames": []})"}) {
    EXPECT_FALSE(parse_cameras(text)) << text;
  }
  std::string many = "[0";
  for (std::size_t i = 0; i < kMaxViews; ++i) {
    many += ",0";
  }
  const auto poses = parse_cameras(many + "]");
  ASSERT_FALSE(poses);
  EXPECT_EQ(poses.error().code, Errc::limit_exceeded);
}

TEST(Cameras, RefusesPicturesOfOtherProportions) {
  const auto matrix = parse_cameras("[" + entry() + "]");
  ASSERT_TRUE(matrix);
  EXPECT_TRUE(camera_for((*matrix)[0], 41, 30)) << "rounded to whole pixels";
  EXPECT_FALSE(camera_for((*matrix)[0], 300, 300));
  EXPECT_FALSE(camera_for((*matrix)[0], 40000, 30000));
  const auto orbit = parse_cameras(R"([{"file": "a", "azimuth": 0, "elevation": 0}])");
  ASSERT_TRUE(orbit);
  const auto camera = camera_for((*orbit)[0], 64, 63);
  ASSERT_FALSE(camera);
  EXPECT_THAT(camera.error().context, HasSubstr("square"));
}

}  // namespace
}  // namespace lode::fit
