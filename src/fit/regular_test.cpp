#include "fit/regular.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/support/clouds.h"

namespace lode::fit {
namespace {

struct Setting {
  Setting() {
    Rng rng(4);
    cloud = test::random_cloud(rng, 12);
    for (glm::vec3& s : cloud.log_scales) {
      s *= 0.5F;  // lengths of 0.05 to 0.4, which the term of scales can tell
    }
    gradient.resize(cloud.size());
    for (auto* rows : {&gradient.log_scales, &gradient.positions, &gradient.f_dc}) {
      std::fill(rows->begin(), rows->end(), glm::vec3(0));
    }
    std::fill(gradient.opacity_logits.begin(), gradient.opacity_logits.end(), 0.0F);
  }
  splat::GaussianCloud cloud, gradient;
};

/// Against central differences of `term`, in double.
void expect_derivative(const Setting& setting, const Regularisation& terms,
                       const std::function<double(const splat::GaussianCloud&)>& term) {
  splat::GaussianCloud gradient = setting.gradient;
  regularise(setting.cloud, terms, gradient);
  constexpr float kStep = 1e-3F;
  const auto slope = [&](auto&& number) {
    splat::GaussianCloud up = setting.cloud, down = setting.cloud;
    number(up) += kStep;
    number(down) -= kStep;
    return (term(up) - term(down)) / (2 * static_cast<double>(kStep));
  };
  for (std::size_t i = 0; i < setting.cloud.size(); ++i) {
    EXPECT_NEAR(gradient.opacity_logits[i],
                slope([i](splat::GaussianCloud& c) -> float& { return c.opacity_logits[i]; }),
                1e-4);
    for (int axis = 0; axis < 3; ++axis) {
      EXPECT_NEAR(gradient.log_scales[i][axis], slope([i, axis](splat::GaussianCloud& c) -> float& {
                    return c.log_scales[i][axis];
                  }),
                  1e-4);
    }
  }
}

TEST(Regularise, PullsOpacityAsItsMeanFalls) {
  const Setting setting;
  expect_derivative(setting, {.opacity = 0.7F}, [](const splat::GaussianCloud& cloud) {
    double sum = 0;
    for (const float logit : cloud.opacity_logits) {
      sum += 0.7 / (1 + std::exp(-static_cast<double>(logit)));
    }
    return sum / static_cast<double>(cloud.size());
  });
}

TEST(Regularise, PullsScaleAsItsMeanFalls) {
  const Setting setting;
  expect_derivative(setting, {.scale = 3, .extent = 2}, [](const splat::GaussianCloud& cloud) {
    double sum = 0;
    for (const glm::vec3& s : cloud.log_scales) {
      sum += 1.5 * static_cast<double>(std::exp(s.x) + std::exp(s.y) + std::exp(s.z));
    }
    return sum / static_cast<double>(3 * cloud.size());
  });
}

TEST(Regularise, PullsNeedlesAloneTogether) {
  const Setting setting;
  expect_derivative(setting, {.stretch = 2, .most_stretch = 1.5F},
                    [](const splat::GaussianCloud& cloud) {
                      double sum = 0;
                      for (glm::vec3 s : cloud.log_scales) {
                        std::sort(&s.x, &s.x + 3);
                        sum += 2 * std::max(0.0, static_cast<double>(s.z - s.y) - std::log(1.5));
                      }
                      return sum / static_cast<double>(cloud.size());
                    });
}

}  // namespace
}  // namespace lode::fit
