#include "judge/thumbnail.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/rng.h"
#include "render/render.h"

namespace lode::judge {
namespace {

// A ball of small gaussians, red on the right half and blue on the left, behind one another.
splat::Scene two_coloured_ball(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  splat::Scene scene;
  for (std::size_t i = 0; i < count; ++i) {
    glm::vec3 p(rng.normal(), rng.normal(), rng.normal());
    p *= 0.5F / glm::length(p);
    scene.positions.push_back(p);
    scene.scales.emplace_back(0.02F, 0.03F, 0.01F);
    scene.rotations.push_back(
        glm::normalize(glm::quat(static_cast<float>(rng.normal()), static_cast<float>(rng.normal()),
                                 static_cast<float>(rng.normal()), 0.1F)));
    scene.opacities.push_back(static_cast<float>(rng.uniform(0.3, 1.0)));
    scene.colours.push_back(p.x > 0 ? glm::vec3(0.9F, 0.1F, 0.1F) : glm::vec3(0.1F, 0.2F, 0.9F));
  }
  return scene;
}

render::Frame over_black(const splat::Scene& scene, const render::Camera& camera) {
  render::RenderOptions options;
  options.background = glm::vec3(0);
  return render::render(scene, camera, options);
}

double mean_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

TEST(Thumbnail, AgreesWithTheRendererButForQuantisation) {
  const splat::Scene scene = two_coloured_ball(3000, 1);
  const ThumbnailPainter painter(scene);
  for (const render::Camera& camera : render::duel_cameras(48)) {
    const Cutout quick = painter.draw(camera);
    const render::Frame exact = over_black(scene, camera);
    ASSERT_EQ(quick.alpha.size(), exact.alpha.size());
    EXPECT_LT(mean_difference(quick.alpha, exact.alpha), 0.004);
    EXPECT_LT(mean_difference(quick.rgb, exact.rgb), 0.004);
  }
}

TEST(Thumbnail, ThinningKeepsTheLookOfLargeScenes) {
  const splat::Scene scene = two_coloured_ball(90'000, 2);  // every third is drawn
  const render::Camera camera = render::orbit_camera({.azimuth_deg = 30, .size = 48});
  const Cutout quick = ThumbnailPainter(scene).draw(camera);
  const render::Frame exact = over_black(scene, camera);
  EXPECT_LT(mean_difference(quick.alpha, exact.alpha), 0.04);
  EXPECT_LT(mean_difference(quick.rgb, exact.rgb), 0.04);
}

TEST(Thumbnail, SkipsWhatIsNotFinite) {
  splat::Scene scene = two_coloured_ball(500, 3);
  const render::Camera camera = render::orbit_camera({.size = 32});
  const Cutout before = ThumbnailPainter(scene).draw(camera);
  scene.positions.emplace_back(std::numeric_limits<float>::quiet_NaN(), 0, 0);
  scene.scales.emplace_back(0.5F);
  scene.rotations.emplace_back(1, 0, 0, 0);
  scene.opacities.push_back(1);
  scene.colours.emplace_back(1, 1, 1);
  scene.positions.emplace_back(0, 0, 0);
  scene.scales.emplace_back(std::numeric_limits<float>::infinity());
  scene.rotations.emplace_back(1, 0, 0, 0);
  scene.opacities.push_back(1);
  scene.colours.emplace_back(1, 1, 1);
  const Cutout after = ThumbnailPainter(scene).draw(camera);
  EXPECT_EQ(before.alpha, after.alpha);
  EXPECT_EQ(before.rgb, after.rgb);
}

TEST(Thumbnail, EmptySceneIsAnEmptyPicture) {
  const Cutout picture = ThumbnailPainter(splat::Scene{}).draw(render::orbit_camera({.size = 16}));
  EXPECT_EQ(picture.alpha, std::vector<float>(16 * 16, 0.0F));
}

}  // namespace
}  // namespace lode::judge
