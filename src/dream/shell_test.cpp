#include "dream/shell.h"

#include <gtest/gtest.h>

#include <cmath>
#include <glm/geometric.hpp>

#include "dream/oracle_sampler.h"
#include "dream/test_objects.h"

namespace lode::dream {
namespace {

struct Setting {
  explicit Setting(const splat::GaussianCloud& truth) {
    std::vector<render::Camera> cameras;
    for (const render::Orbit& orbit : four_orbits(96)) {
      cameras.push_back(render::orbit_camera(orbit));
    }
    dataset = fit::make_dataset(splat::activate(truth), cameras);
  }
  splat::GaussianCloud shell(const ShellOptions& options, int threads = 1) const {
    ThreadPool pool(threads);
    const std::vector<float> weights(4, 1.0F);
    return shell_cloud(dataset, std::vector<std::size_t>{0, 1, 2, 3}, weights, options, Rng(5),
                       pool);
  }
  fit::Dataset dataset;
};

const ShellOptions kSmall{.gaussians = 2000, .grid = 64};

TEST(Shell, LiesOnTheObjectAndIsRoundWhereSilhouettesLeaveACorner) {
  const Setting setting(test::banded_egg());
  const auto off = [](const splat::GaussianCloud& cloud) {
    double sum = 0;
    for (const glm::vec3& p : cloud.positions) {
      sum += std::abs(glm::length(p / glm::vec3(0.4F, 0.6F, 0.4F)) - 1);
    }
    return sum / static_cast<double>(cloud.size());
  };
  ShellOptions square = kSmall;
  square.corner = 2;
  const auto round = setting.shell(kSmall);
  EXPECT_EQ(round.size(), 2000U);
  EXPECT_LT(off(round), 0.08);
  EXPECT_GT(off(setting.shell(square)), 1.5 * off(round));
}

TEST(Shell, HasTheColoursOfTheViewsThatSeeIt) {
  const auto cloud = Setting(test::banded_egg()).shell(kSmall);
  int blue = 0, front = 0, blue_behind = 0;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const glm::vec3 colour = 0.5F + splat::kShC0 * cloud.f_dc[i];
    const bool is_blue = colour.b > colour.r;
    if (cloud.positions[i].z > 0.32F) {
      ++front;
      blue += is_blue ? 1 : 0;
    } else if (cloud.positions[i].z < 0) {
      blue_behind += is_blue ? 1 : 0;
    }
  }
  EXPECT_GT(front, 20);
  EXPECT_GT(blue, 0.9 * front);
  EXPECT_EQ(blue_behind, 0);
}

TEST(Shell, IsFlatAlongItsSkin) {
  const auto cloud = Setting(test::banded_egg()).shell(kSmall);
  double facing = 0;
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const glm::vec3 out = glm::normalize(cloud.positions[i] / glm::vec3(0.16F, 0.36F, 0.16F));
    facing += static_cast<double>(glm::dot(cloud.rotations[i] * glm::vec3(0, 0, 1), out));
    EXPECT_LT(cloud.log_scales[i].z, cloud.log_scales[i].x);
  }
  EXPECT_GT(facing / static_cast<double>(cloud.size()), 0.85);
}

TEST(Shell, HasNoRoofOverWhatIsFlat) {
  // A slab: from 15 degrees above, four views leave a pyramid on it.
  splat::GaussianCloud slab;
  for (int i = 0; i < 4096; ++i) {
    const glm::vec3 unit(i % 16, i / 16 % 16, i / 256);
    slab.positions.push_back((unit / 15.0F - 0.5F) * glm::vec3(1, 0.3F, 1));
  }
  const std::size_t count = slab.positions.size();
  slab.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    slab.log_scales[i] = glm::vec3(std::log(0.03F));
    slab.rotations[i] = glm::quat(1, 0, 0, 0);
    slab.opacity_logits[i] = 4;
  }
  const Setting setting(slab);
  const auto top = [](const splat::GaussianCloud& cloud) {
    float most = -1;
    for (const glm::vec3& p : cloud.positions) {
      most = std::max(most, p.y);
    }
    return most;
  };
  ShellOptions square = kSmall, roofed = kSmall;
  square.corner = roofed.corner = 2;
  roofed.is_levelled = false;
  EXPECT_NEAR(top(setting.shell(square)), 0.2F, 0.06F);
  EXPECT_GT(top(setting.shell(roofed)), top(setting.shell(square)) + 0.06F);
}

TEST(Shell, SameSeedGivesTheSameBytesForAnyNumberOfThreads) {
  const Setting setting(test::banded_egg());
  const auto one = setting.shell(kSmall, 1), two = setting.shell(kSmall, 2);
  EXPECT_EQ(one.positions, two.positions);
  EXPECT_EQ(one.f_dc, two.f_dc);
}

TEST(Shell, IsEmptyWhenSilhouettesDoNotMeet) {
  Setting setting(test::banded_egg());
  setting.dataset.views[1].picture = image::Image(96, 96, 4);
  EXPECT_EQ(setting.shell(kSmall).size(), 0U);
}

}  // namespace
}  // namespace lode::dream
