// The backward pass against finite differences of the double-precision reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "render/reference.h"
#include "render/render.h"
#include "tests/support/clouds.h"

namespace lode::render {
namespace {

using splat::GaussianCloud;

constexpr int kWidth = 37, kHeight = 29;
const glm::vec3 kBackground(0.3F, 0.7F, 0.1F);

Camera test_camera() {
  Camera camera = orbit_camera({33, -20, 2.5F, 49.1F, 40});
  camera.width = kWidth;
  camera.height = kHeight;
  camera.cx = 17.5F;
  camera.cy = 15;
  return camera;
}

/// A loss that is linear in the frame, with a random coefficient for every number.
struct LinearLoss {
  std::vector<float> rgb, alpha, depth;

  explicit LinearLoss(Rng& rng) {
    const auto fill = [&rng](std::vector<float>& v, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) {
        v.push_back(static_cast<float>(rng.uniform(-1, 1)));
      }
    };
    fill(rgb, std::size_t{3} * kWidth * kHeight);
    fill(alpha, std::size_t{1} * kWidth * kHeight);
    fill(depth, std::size_t{1} * kWidth * kHeight);
  }

  double of(const Reference::Pixel& pixel, std::size_t at) const {
    return pixel.rgb.x * rgb[at * 3] + pixel.rgb.y * rgb[at * 3 + 1] +
           pixel.rgb.z * rgb[at * 3 + 2] + pixel.alpha * alpha[at] + pixel.depth * depth[at];
  }
};

/// The pixels' contributors at one point, so that differences are taken of the smooth function.
struct Frozen {
  std::vector<std::vector<std::size_t>> contributors;

  Frozen(const splat::Scene& scene, const Camera& camera) {
    const Reference reference(scene, camera);
    for (int y = 0; y < kHeight; ++y) {
      for (int x = 0; x < kWidth; ++x) {
        contributors.push_back(reference.contributors(x, y));
      }
    }
  }

  double loss(const splat::Scene& scene, const Camera& camera, const LinearLoss& by) const {
    const Reference reference(scene, camera);
    double sum = 0;
    for (std::size_t at = 0; at < contributors.size(); ++at) {
      const auto x = static_cast<int>(at % kWidth), y = static_cast<int>(at / kWidth);
      sum += by.of(reference.blend(contributors[at], x, y, kBackground), at);
    }
    return sum;
  }
};

/// The raw parameters of a cloud by name, as lists of numbers.
struct Group {
  const char* name;
  std::function<float*(GaussianCloud&)> numbers;
  std::size_t per_gaussian;
};
std::vector<Group> groups_of(const GaussianCloud& cloud) {
  std::vector<Group> groups = {
      {"positions", [](GaussianCloud& c) { return &c.positions[0].x; }, 3},
      {"log_scales", [](GaussianCloud& c) { return &c.log_scales[0].x; }, 3},
      {"rotations", [](GaussianCloud& c) { return &c.rotations[0].x; }, 4},
      {"opacity_logits", [](GaussianCloud& c) { return c.opacity_logits.data(); }, 1},
      {"f_dc", [](GaussianCloud& c) { return &c.f_dc[0].x; }, 3}};
  if (cloud.sh_degree > 0) {
    groups.push_back({"sh_rest", [](GaussianCloud& c) { return c.sh_rest.data(); },
                      static_cast<std::size_t>(splat::sh_rest_count(cloud.sh_degree)) * 3});
  }
  return groups;
}

GaussianCloud analytic_gradient(const GaussianCloud& cloud, splat::ColourModel colours,
                                const LinearLoss& by, int threads = 1) {
  const splat::Scene scene = splat::activate(cloud, colours);
  ThreadPool pool(threads);
  Renderer renderer(pool);
  Frame frame;
  renderer.draw(scene, test_camera(), {.background = kBackground, .differentiable = true}, frame);
  SceneGradient gradient;
  const auto done = renderer.backward(scene, {by.rgb, by.alpha, by.depth}, gradient);
  EXPECT_TRUE(done) << done.error().message();
  GaussianCloud raw;
  raw_gradient(cloud, scene, gradient, raw);
  return raw;
}

/// Large enough that rounding of the activations, in float, does not show.
constexpr float kStep = 1.0F / 512;

/// Every number within 1e-3 of the central difference, relative to it, with a floor of 3e-4 of the
/// group's largest.
void expect_gradient(GaussianCloud cloud, splat::ColourModel colours, Rng& rng) {
  const LinearLoss by(rng);
  const Camera camera = test_camera();
  GaussianCloud analytic = analytic_gradient(cloud, colours, by);
  const Frozen frozen(splat::activate(cloud, colours), camera);
  for (const Group& group : groups_of(cloud)) {
    SCOPED_TRACE(group.name);
    const std::size_t count = cloud.size() * group.per_gaussian;
    std::vector<double> numeric(count);
    double largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      float& number = group.numbers(cloud)[i];
      const float before = number;
      const auto slope = [&](float step) {
        number = before + step;
        const float above = number;
        const double up = frozen.loss(splat::activate(cloud, colours), camera, by);
        number = before - step;
        const double down = frozen.loss(splat::activate(cloud, colours), camera, by);
        return (up - down) / (double{above} - number);
      };
      const double fine = slope(kStep), coarse = slope(2 * kStep);
      numeric[i] = (4 * fine - coarse) / 3;  // Richardson: the error is of fourth order
      number = before;
      largest = std::max(largest, std::abs(numeric[i]));
    }
    EXPECT_GT(largest, 1e-3) << "the loss does not depend on this group";
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_NEAR(group.numbers(analytic)[i], numeric[i],
                  1e-3 * std::abs(numeric[i]) + 3e-4 * largest)
          << "gaussian " << i / group.per_gaussian;
    }
  }
}

GaussianCloud soft_cloud(Rng& rng, std::size_t count, int sh_degree) {
  GaussianCloud cloud = test::random_cloud(rng, count, sh_degree);
  for (std::size_t i = 0; i < count; ++i) {
    cloud.positions[i] *= 0.7F;
    for (int axis = 0; axis < 3; ++axis) {
      cloud.log_scales[i][axis] = static_cast<float>(rng.uniform(-3.5, -1));
    }
    cloud.opacity_logits[i] = static_cast<float>(rng.uniform(-3, 3));
  }
  return cloud;
}

TEST(Backward, MatchesFiniteDifferencesForFlatColours) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    Rng rng(seed);
    SCOPED_TRACE(seed);
    expect_gradient(soft_cloud(rng, 24, 0), splat::ColourModel::flat, rng);
  }
}

TEST(Backward, MatchesFiniteDifferencesForSphericalHarmonics) {
  for (const int degree : {1, 2, 3}) {
    Rng rng(static_cast<std::uint64_t>(10 + degree));
    SCOPED_TRACE(degree);
    expect_gradient(soft_cloud(rng, 10, degree), splat::ColourModel::view_dependent, rng);
  }
}

TEST(Backward, MatchesFiniteDifferencesForDegenerateGaussians) {
  Rng rng(20);
  GaussianCloud cloud = soft_cloud(rng, 24, 0);
  cloud.opacity_logits[0] = -30;          // invisible
  cloud.log_scales[1] = glm::vec3(1.5F);  // larger than the view
  cloud.opacity_logits[1] = -2;
  cloud.positions[2] = {4, 3, 6};            // behind the camera
  cloud.log_scales[3] = {-1, -9, -9};        // a needle
  cloud.log_scales[4] = glm::vec3(-12);      // a point
  cloud.opacity_logits[5] = 12;              // above the cap in the middle
  cloud.positions[6] = {-2.5F, 0.2F, 1.2F};  // outside the image, its tangent clamped
  cloud.log_scales[6] = glm::vec3(0);
  expect_gradient(cloud, splat::ColourModel::flat, rng);
}

TEST(Backward, GivesTheSameBytesForAnyNumberOfThreads) {
  Rng rng(30);
  const GaussianCloud cloud = soft_cloud(rng, 400, 2);
  const LinearLoss by(rng);
  const auto one = analytic_gradient(cloud, splat::ColourModel::view_dependent, by, 1);
  for (const int threads : {2, 5}) {
    const auto many = analytic_gradient(cloud, splat::ColourModel::view_dependent, by, threads);
    EXPECT_EQ(many.positions, one.positions);
    EXPECT_EQ(many.rotations, one.rotations);
    EXPECT_EQ(many.sh_rest, one.sh_rest);
  }
}

TEST(Backward, RefusesNotANumberAndNamesTheGaussian) {
  Rng rng(40);
  splat::Scene scene = splat::activate(soft_cloud(rng, 50, 0));
  scene.scales[37].y = NAN;
  scene.positions[41].x = NAN;
  ThreadPool pool(1);
  Renderer renderer(pool);
  Frame frame;
  renderer.draw(scene, test_camera(), {.differentiable = true}, frame);
  SceneGradient gradient;
  const auto refused = renderer.backward(scene, {}, gradient);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("gaussian 37"), std::string::npos)
      << refused.error().message();
}

TEST(Backward, TakesAGaussianExactlyAtTheCamera) {
  Rng rng(41);
  GaussianCloud cloud = soft_cloud(rng, 20, 2);
  Camera camera = test_camera();
  camera.rotation = glm::mat3(1);
  camera.translation = {0, 0, 3};
  cloud.positions[7] = {0, 0, -3};
  const splat::Scene scene = splat::activate(cloud, splat::ColourModel::view_dependent);
  const LinearLoss by(rng);
  ThreadPool pool(1);
  Renderer renderer(pool);
  Frame frame;
  SceneGradient gradient;
  renderer.draw(scene, camera, {.differentiable = true}, frame);
  const auto done = renderer.backward(scene, {by.rgb, by.alpha, by.depth}, gradient);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(gradient.positions[7], glm::vec3(0));
  EXPECT_TRUE(std::all_of(gradient.sh_rest.begin(), gradient.sh_rest.end(),
                          [](float value) { return std::isfinite(value); }));
}

/// One gaussian in front of one pixel's loss: both norms are the length of the same vector; with
/// two pixels that pull apart only absgrad keeps it.
TEST(Backward, DensificationNormsTellPullingApartFromRest) {
  Camera camera = orbit_camera({.size = 32});
  GaussianCloud cloud;
  cloud.resize(1);
  cloud.log_scales[0] = glm::vec3(-1.6F);
  const splat::Scene scene = splat::activate(cloud);
  ThreadPool pool(1);
  Renderer renderer(pool);
  Frame frame;
  renderer.draw(scene, camera, {.background = glm::vec3(0), .differentiable = true}, frame);
  std::vector<float> by_rgb(std::size_t{3} * 32 * 32, 0);
  const auto pull = [&](int x, int y) { by_rgb[(y * 32 + x) * std::size_t{3}] = 1; };
  SceneGradient gradient;
  pull(10, 16);
  ASSERT_TRUE(renderer.backward(scene, {by_rgb, {}, {}, true}, gradient));
  EXPECT_GT(std::abs(gradient.centres[0].x), 1e-3F);
  EXPECT_NEAR(std::abs(gradient.centres[0].x), gradient.centres_abs[0].x, 1e-6);
  EXPECT_NEAR(std::abs(gradient.centres[0].y), gradient.centres_abs[0].y, 1e-6);
  const float alone = gradient.centres_abs[0].x;
  pull(21, 16);  // the mirror image: the centre lies at 16
  ASSERT_TRUE(renderer.backward(scene, {by_rgb, {}, {}, true}, gradient));
  EXPECT_NEAR(gradient.centres[0].x, 0, 1e-5);
  EXPECT_NEAR(gradient.centres_abs[0].x, 2 * alone, 1e-4);
  // Three standard deviations of the larger axis: focal length * scale / distance, and the blur.
  const double deviation = std::sqrt(std::pow(camera.fx * std::exp(-1.6) / 2.5, 2) + 0.3);
  EXPECT_NEAR(gradient.radii[0], 3 * deviation, 0.2);
}

}  // namespace
}  // namespace lode::render
