#include "render/render.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <glm/gtc/quaternion.hpp>

#include "base/file.h"
#include "base/rng.h"
#include "image/codec.h"
#include "render/reference.h"
#include "splat/ply.h"
#include "tests/support/shared_data.h"

namespace lode::render {
namespace {

splat::Scene random_scene(Rng& rng, std::size_t count, double largest_scale) {
  const auto number = [&rng](double low, double high) {
    return static_cast<float>(rng.uniform(low, high));
  };
  splat::Scene scene;
  for (std::size_t i = 0; i < count; ++i) {
    scene.positions.emplace_back(number(-0.8, 0.8), number(-0.8, 0.8), number(-0.8, 0.8));
    glm::vec3 scale;
    for (int axis = 0; axis < 3; ++axis) {
      scale[axis] = static_cast<float>(largest_scale * std::exp(rng.uniform(-3, 0)));
    }
    scene.scales.push_back(scale);
    scene.rotations.push_back(
        glm::normalize(glm::quat(number(-1, 1), number(-1, 1), number(-1, 1), number(0.1, 1))));
    scene.opacities.push_back(number(0, 1));
    scene.colours.emplace_back(number(-0.2, 1.2), number(-0.2, 1.2), number(-0.2, 1.2));
  }
  return scene;
}

splat::Scene single(glm::vec3 position, float scale, float opacity, glm::vec3 colour) {
  return {{position}, {glm::vec3(scale)}, {glm::quat(1, 0, 0, 0)}, {opacity}, {colour}};
}

void append(splat::Scene& scene, const splat::Scene& other) {
  scene.positions.insert(scene.positions.end(), other.positions.begin(), other.positions.end());
  scene.scales.insert(scene.scales.end(), other.scales.begin(), other.scales.end());
  scene.rotations.insert(scene.rotations.end(), other.rotations.begin(), other.rotations.end());
  scene.opacities.insert(scene.opacities.end(), other.opacities.begin(), other.opacities.end());
  scene.colours.insert(scene.colours.end(), other.colours.begin(), other.colours.end());
}

/// Two bands: almost every pixel agrees to rounding; a few may sit on the other side of one of the
/// thresholds (alpha 1/255, transmittance 1e-4), which moves them by little more than 1/255.
void expect_like_reference(const splat::Scene& scene, const Camera& camera) {
  const glm::vec3 background(0.2F, 0.6F, 1.0F);
  const Frame frame = render(scene, camera, {.background = background});
  const Reference reference(scene, camera);
  std::size_t flips = 0;
  for (int y = 0; y < camera.height; ++y) {
    for (int x = 0; x < camera.width; ++x) {
      const Reference::Pixel expected = reference.pixel(x, y, background);
      const std::size_t at = static_cast<std::size_t>(y) * camera.width + x;
      double error = std::abs(frame.alpha[at] - expected.alpha);
      for (int c = 0; c < 3; ++c) {
        error = std::max(error, std::abs(frame.rgb[at * 3 + c] - expected.rgb[c]));
      }
      flips += error > 1e-4 ? 1 : 0;
      ASSERT_LT(error, 0.01) << x << ", " << y;
      if (expected.alpha > 0.05) {
        ASSERT_NEAR(frame.depth[at], expected.depth, 0.02) << x << ", " << y;
      }
    }
  }
  const auto pixels = static_cast<std::size_t>(camera.width) * camera.height;
  EXPECT_LE(flips, 2 + pixels / 200);
}

Camera small_camera(int width, int height) {
  Camera camera = orbit_camera({33, -20, 2.5F, 49.1F, 96});
  camera.width = width;
  camera.height = height;
  camera.cx = static_cast<float>(width) / 2;
  camera.cy = static_cast<float>(height) / 2;
  return camera;
}

TEST(Render, MatchesTheScalarReferenceOnRandomScenes) {
  Rng rng(1);
  for (const double largest_scale : {0.003, 0.03, 0.3}) {
    for (const auto& [width, height] :
         {std::pair(1, 1), std::pair(15, 16), std::pair(17, 33), std::pair(96, 96)}) {
      SCOPED_TRACE(std::to_string(largest_scale) + " at " + std::to_string(width));
      expect_like_reference(random_scene(rng, 400, largest_scale), small_camera(width, height));
    }
  }
}

TEST(Render, MatchesTheScalarReferenceOnDegenerateScenes) {
  Rng rng(2);
  const Camera camera = small_camera(50, 35);
  splat::Scene scene = random_scene(rng, 60, 0.1);
  for (std::size_t i = 0; i < scene.size(); ++i) {
    switch (i % 6) {
      case 0:
        scene.scales[i] = glm::vec3(0);  // a point: the blur alone
        break;
      case 1:
        scene.scales[i] = {0.5F, 1e-6F, 1e-6F};  // a needle
        break;
      case 2:
        scene.positions[i] *= 20;  // far out, some behind the camera
        break;
      case 3:
        scene.opacities[i] = i % 4 == 1 ? 1.0F : 1.0F / 255;
        break;
      case 4:
        scene.scales[i] = glm::vec3(3);  // larger than the view
        scene.opacities[i] = 0.05F;
        break;
      default:
        break;
    }
  }
  expect_like_reference(scene, camera);
}

TEST(Render, DrawsNothingForAnEmptyScene) {
  const Frame frame = render(splat::Scene{}, small_camera(20, 20), {.background = {1, 0.5F, 0}});
  EXPECT_EQ(frame.rgb[1], 0.5F);
  EXPECT_EQ(frame.alpha[399], 0);
  EXPECT_EQ(frame.depth[399], 0);
}

TEST(Render, MatchesTheClosedFormOfOneGaussian) {
  Camera camera = small_camera(33, 33);  // the centre of pixel 16 is the principal point
  camera.rotation = glm::mat3(1);
  camera.translation = {0, 0, 2};
  const float scale = 0.1F, opacity = 0.8F;
  const Frame frame =
      render(single({0, 0, 0}, scale, opacity, {1, 0, 0}), camera, {.background = glm::vec3(0)});
  const double variance = std::pow(camera.fx * scale / 2, 2) + 0.3;
  for (int x = 0; x < 33; ++x) {
    const double expected = opacity * std::exp(-0.5 * (x - 16) * (x - 16) / variance);
    const std::size_t at = 16 * 33 + x;
    EXPECT_NEAR(frame.rgb[at * 3], expected < 1.0 / 255 ? 0 : expected, 1e-6) << x;
    EXPECT_EQ(frame.rgb[at * 3 + 1], 0);
    EXPECT_NEAR(frame.depth[at], frame.alpha[at] > 0 ? 2 : 0, 1e-5);
  }
}

TEST(Render, OrdersByViewDepthAndTiesByIndex) {
  Camera camera = small_camera(1, 1);
  camera.rotation = glm::mat3(1);
  camera.translation = {0, 0, 2};
  splat::Scene scene = single({0, 0, 0.5F}, 0.2F, 0.6F, {1, 0, 0});
  append(scene, single({0, 0, -0.5F}, 0.2F, 0.6F, {0, 1, 0}));  // nearer
  append(scene, single({0, 0, -0.5F}, 0.2F, 0.6F, {0, 0, 1}));  // as near, later in the file
  const Frame frame = render(scene, camera, {.background = glm::vec3(0)});
  EXPECT_NEAR(frame.rgb[1], 0.6, 1e-5);
  EXPECT_NEAR(frame.rgb[2], 0.6 * 0.4, 1e-5);
  EXPECT_NEAR(frame.rgb[0], 0.6 * 0.16, 1e-5);
}

TEST(Render, StopsBeforeTheSplatThatWouldEndTheLight) {
  Camera camera = small_camera(1, 1);
  camera.rotation = glm::mat3(1);
  camera.translation = {0, 0, 2};
  splat::Scene scene = single({0, 0, -0.2F}, 1, 1, {1, 0, 0});  // alpha capped at 0.999
  append(scene, single({0, 0, 0}, 1, 1, {0, 1, 0}));            // would leave 1e-6: not drawn
  append(scene, single({0, 0, 0.2F}, 1, 0.5F, {0, 0, 1}));
  const Frame frame = render(scene, camera, {.background = glm::vec3(0)});
  EXPECT_NEAR(frame.rgb[0], 0.999, 1e-6);
  EXPECT_EQ(frame.rgb[1], 0);
  EXPECT_EQ(frame.rgb[2], 0) << "nothing is drawn after a pixel is finished";
  EXPECT_NEAR(frame.alpha[0], 0.999, 1e-6);
}

TEST(Render, SkipsWhatIsBehindBeyondOrNotFinite) {
  Rng rng(3);
  const Camera camera = small_camera(40, 40);
  const splat::Scene good = random_scene(rng, 50, 0.1);
  splat::Scene scene = good;
  const glm::vec3 towards = glm::transpose(camera.rotation) * glm::vec3(0, 0, 1);
  append(scene, single(-3.0F * towards, 1, 1, glm::vec3(1)));   // behind
  append(scene, single(98.0F * towards, 50, 1, glm::vec3(1)));  // past the far plane
  for (const float bad : {NAN, INFINITY}) {
    append(scene, single({bad, 0, 0}, 1, 1, glm::vec3(1)));
    append(scene, single({0, 0, 0}, bad, 1, glm::vec3(1)));
    append(scene, single({0, 0, 0}, 1, bad, glm::vec3(1)));
    append(scene, single({0, 0, 0}, 1, 1, {0, bad, 0}));
    scene.rotations.back() = glm::quat(1, 0, 0, 0);
    append(scene, single({0, 0, 0}, 1, 1, glm::vec3(1)));
    scene.rotations.back() = glm::quat(bad, 0, 0, 0);
  }
  append(scene, single({0, 0, 0}, 1e30F, 1, glm::vec3(1)));  // covariance overflows
  EXPECT_EQ(render(scene, camera).rgb, render(good, camera).rgb);
}

TEST(Render, GivesTheSameBytesForAnyNumberOfThreads) {
  Rng rng(4);
  const splat::Scene scene = random_scene(rng, 9000, 0.05);
  const Camera camera = small_camera(150, 131);
  const Frame one = render(scene, camera);
  for (const int threads : {0, 2, 3, 7}) {
    const Frame many = render(scene, camera, {.threads = threads});
    EXPECT_EQ(many.rgb, one.rgb) << threads;
    EXPECT_EQ(many.alpha, one.alpha);
    EXPECT_EQ(many.depth, one.depth);
  }
}

TEST(Render, DrawsTheSameInSeveralGoesWhenEntriesAreBounded) {
  Rng rng(8);
  const splat::Scene scene = random_scene(rng, 3000, 0.1);
  const Camera camera = small_camera(90, 70);
  ThreadPool pool(2);
  Renderer renderer(pool);
  Frame whole, pieces;
  renderer.draw(scene, camera, {}, whole);
  renderer.draw(scene, camera, {.differentiable = true, .max_entries = 100}, pieces);
  EXPECT_EQ(pieces.rgb, whole.rgb);
  EXPECT_EQ(pieces.depth, whole.depth);
  SceneGradient gradient;
  const auto refused = renderer.backward(scene, {}, gradient);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::limit_exceeded);
}

TEST(Render, CountsPairsWithoutDisturbingTheFrame) {
  Rng rng(9);
  const splat::Scene scene = random_scene(rng, 500, 0.1);
  const Camera camera = small_camera(40, 30);
  ThreadPool pool(2);
  Renderer renderer(pool);
  Frame frame;
  const std::vector<float> by(std::size_t{3} * 40 * 30, 1.0F);
  SceneGradient before, after;
  renderer.draw(scene, camera, {.differentiable = true}, frame);
  ASSERT_TRUE(renderer.backward(scene, {by, {}, {}}, before));
  const Reference reference(scene, camera);
  std::size_t pairs = 0;
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 40; ++x) {
      pairs += reference.contributors(x, y).size();
    }
  }
  for (int i = 0; i < 2; ++i) {
    const DrawStats stats = renderer.stats();
    EXPECT_NEAR(static_cast<double>(stats.blended_pairs), static_cast<double>(pairs), 3);
    EXPECT_GE(stats.tile_entries, stats.drawn);
  }
  ASSERT_TRUE(renderer.backward(scene, {by, {}, {}}, after));
  EXPECT_EQ(after.positions, before.positions);
}

/// Runs `body` once for every instruction set that this machine has and the kernels were built for.
template <class Body>
void for_each_target(const Body& body) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().DeInit();
    body(hwy::TargetName(target));
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().DeInit();
}

TEST(Render, DiffersBetweenInstructionSetsByRoundingOnly) {
  Rng rng(5);
  const splat::Scene scene = random_scene(rng, 2000, 0.1);
  const Camera camera = small_camera(90, 70);
  const Frame expected = render(scene, camera);
  int n_targets = 0;
  for_each_target([&](const char* name) {
    SCOPED_TRACE(name);
    ++n_targets;
    const Frame frame = render(scene, camera);
    std::size_t flips = 0;  // a splat on the other side of a threshold
    for (std::size_t i = 0; i < frame.rgb.size(); ++i) {
      const float error = std::abs(frame.rgb[i] - expected.rgb[i]);
      ASSERT_LT(error, 0.01) << i;
      flips += error > 2e-5F ? 1 : 0;
    }
    EXPECT_LE(flips, 20U);
  });
  EXPECT_GT(n_targets, 1);
}

TEST(Pictures, TruncateAsTheValidatorsDo) {
  Frame frame{1, 1, {0.9999F, -0.5F, 1.5F}, {1}, {1}};
  EXPECT_EQ(to_image(frame).pixels, (std::vector<std::uint8_t>{254, 0, 255}));
}

TEST(Pictures, CutoutUndoesThePremultiplication) {
  const Frame frame{2, 1, {0.25F, 0.1F, 0, 0, 0, 0}, {0.5F, 0}, {1, 0}};
  EXPECT_EQ(to_cutout(frame).pixels, (std::vector<std::uint8_t>{128, 51, 0, 128, 0, 0, 0, 0}));
}

TEST(Pictures, SheetsHaveTheValidatorsLayout) {
  Rng rng(6);
  const splat::Scene scene = random_scene(rng, 200, 0.05);
  const image::Image sheet = contact_sheet(scene, 20);
  EXPECT_EQ(sheet.width, 80);
  EXPECT_EQ(sheet.height, 80);
  const image::Image view = to_image(render(scene, validator_cameras(20)[6]));
  EXPECT_TRUE(std::equal(view.pixels.begin(), view.pixels.begin() + 60, sheet.at(40, 20)));

  const image::Image grid = duel_grid(scene);
  EXPECT_EQ(grid.width, 1041);
  EXPECT_EQ(grid.height, 1041);
  EXPECT_EQ(grid.at(520, 3)[0], 0) << "a black gap";
  EXPECT_EQ(grid.at(0, 0)[0], 255) << "a white background";
}

TEST(Render, ReproducesTheValidatorsReferencePicture) {
  const auto ply = test::shared_data("splats/hamburger.ply");
  const auto png = test::shared_data("splats/hamburger_az45_el0_r3_box1_1080.png");
  if (!ply || !png) {
    GTEST_SKIP() << "splats/hamburger.ply and its picture are not among the shared data";
  }
  const auto cloud = splat::decode_ply(*read_file(*ply, 1U << 30));
  ASSERT_TRUE(cloud) << cloud.error().message();
  splat::Scene scene = splat::activate(*cloud);
  splat::frame(scene, 1.0F);
  const image::Image picture =
      to_image(render(scene, orbit_camera({45, 0, 3, 49.1F, 1080}), {.threads = 2}));
  const auto difference = image::compare(picture, *image::read_image(*png));
  ASSERT_TRUE(difference);
  EXPECT_GE(difference->psnr_db, 80);
  EXPECT_LE(difference->max_abs, 7);
}

}  // namespace
}  // namespace lode::render
