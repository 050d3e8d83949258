#include "dream/oracle.h"

#include <gtest/gtest.h>

#include <cmath>

#include "dream/test_objects.h"
#include "render/render.h"

namespace lode::dream {
namespace {

using test::knobbed_ball;

/// A frame of the ball, over a background, as the optimiser shows it.
std::vector<float> shown(const render::Orbit& orbit, float background) {
  render::Frame frame = render::render(splat::activate(knobbed_ball()), render::orbit_camera(orbit),
                                       {.background = glm::vec3(background)});
  for (float& value : frame.rgb) {
    value = std::clamp(value, 0.0F, 1.0F);
  }
  return frame.rgb;
}

struct Answer {
  double loss = 0;
  std::vector<float> gradient;
};
Answer ask(Oracle& oracle, const render::Orbit& orbit, const std::vector<float>& rgb,
           int step = 1) {
  const DrawnView view{orbit, rgb};
  std::vector<std::vector<float>> gradients(1);
  const auto loss = oracle.differentiate({&view, 1}, {step, 0.5}, gradients, {});
  EXPECT_TRUE(loss);
  return {*loss, gradients[0]};
}

constexpr render::Orbit kOrbit{.azimuth_deg = 40, .elevation_deg = -10, .radius = 2, .size = 64};

TEST(Oracle, HasNothingToSayOfTheTruthOnEitherBackground) {
  ThreadPool pool(2);
  Oracle oracle(knobbed_ball(), {}, 1, pool);
  for (const float background : {0.0F, 1.0F}) {
    EXPECT_NEAR(ask(oracle, kOrbit, shown(kOrbit, background)).loss, 0, 1e-3);
  }
  EXPECT_GT(ask(oracle, kOrbit, std::vector<float>(64 * 64 * 3, 0.5F)).loss, 100);
}

TEST(Oracle, ItsDerivativeIsThatOfItsLoss) {
  ThreadPool pool(1);
  for (const int cells : {0, 16, 32}) {
    Oracle oracle(knobbed_ball(), {.cells = cells}, 1, pool);
    std::vector<float> rgb = shown(kOrbit, 1);
    for (std::size_t i = 0; i < rgb.size(); ++i) {
      rgb[i] = 0.8F * rgb[i] + 0.1F * static_cast<float>(i % 3);
    }
    const Answer at = ask(oracle, kOrbit, rgb);
    for (const std::size_t i : {5'000U, 6'000U, 6'101U}) {
      constexpr float kStep = 0.05F;
      std::vector<float> up = rgb, down = rgb;
      up[i] += kStep;
      down[i] -= kStep;
      const double slope =
          (ask(oracle, kOrbit, up).loss - ask(oracle, kOrbit, down).loss) / (2 * kStep);
      EXPECT_NEAR(static_cast<double>(at.gradient[i]), slope,
                  0.02 * std::abs(slope) + 2e-3 * (1 + at.loss / 1000))
          << cells << " " << i;
    }
  }
}

TEST(Oracle, ItsNoiseBelongsToSeedAndStep) {
  ThreadPool pool(1);
  Oracle one(knobbed_ball(), {.noise = 1}, 1, pool), same(knobbed_ball(), {.noise = 1}, 1, pool),
      other(knobbed_ball(), {.noise = 1}, 2, pool);
  const std::vector<float> rgb = shown(kOrbit, 1);
  const std::vector<float> first = ask(one, kOrbit, rgb, 3).gradient;
  EXPECT_NE(ask(one, kOrbit, rgb, 4).gradient, first);
  EXPECT_EQ(ask(same, kOrbit, rgb, 3).gradient, first);
  EXPECT_NE(ask(other, kOrbit, rgb, 3).gradient, first);
}

TEST(Oracle, ItsSubjectIsACutOut) {
  ThreadPool pool(1);
  const Subject subject = oracle_subject(knobbed_ball(), kOrbit, pool);
  EXPECT_EQ(subject.picture.channels, 4);
  EXPECT_EQ(subject.elevation_deg, -10);
  EXPECT_EQ(subject.picture.at(0, 0)[3], 0);
  EXPECT_EQ(subject.picture.at(256, 256)[3], 255);
}

}  // namespace
}  // namespace lode::dream
