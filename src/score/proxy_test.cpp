#include "score/proxy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/rng.h"

namespace lode::score {
namespace {

constexpr double kThreshold = 0.6;

/// A model whose views differ as a turn differs: a first harmonic, a second one, and noise.
struct Model {
  std::vector<double> quality, alignment;
  double full = 0;
};

Model random_model(Rng& rng) {
  Model model;
  const double quality = rng.uniform(0.1, 0.95), alignment = rng.uniform(0.4, 1);
  const double phase = rng.uniform(0, 6.28), swing = rng.uniform(0, 0.15);
  for (int view = 0; view < 16; ++view) {
    const double angle = 2 * std::numbers::pi * (view % 15) / 15;
    const double turn = swing * (std::cos(angle + phase) + 0.5 * std::cos(2 * angle));
    // The sixteenth view is the first again.
    model.quality.push_back(view == 15 ? model.quality[0]
                                       : std::clamp(quality + turn + 0.04 * rng.normal(), 0., 1.));
    model.alignment.push_back(view == 15
                                  ? model.alignment[0]
                                  : std::max(0.05, alignment + turn / 2 + 0.04 * rng.normal()));
  }
  std::vector<double> cosines = model.alignment;
  for (double& cosine : cosines) {
    cosine *= kFullTextCosine;
  }
  model.full = *final_score({mean_quality(model.quality), text_alignment(cosines),
                             rng.uniform(0.7, 0.95), rng.uniform(0.65, 0.95)})
                    .value;
  return model;
}

ProxyEstimate look_at(const Model& model) {
  std::vector<double> quality, alignment;
  for (const int view : kProxyViews) {
    quality.push_back(model.quality[view]);
    alignment.push_back(model.alignment[view]);
  }
  return estimate_score(quality, alignment);
}

TEST(Proxy, ErrorsCoverTheFullScore) {
  Rng rng(1);
  int inside = 0;
  constexpr int kModels = 4000;
  double bias = 0;
  for (int i = 0; i < kModels; ++i) {
    const Model model = random_model(rng);
    const ProxyEstimate estimate = look_at(model);
    inside += std::abs(estimate.value - model.full) < 2 * estimate.error ? 1 : 0;
    bias += (estimate.value - model.full) / kModels;
  }
  EXPECT_GT(inside, 0.93 * kModels);
  EXPECT_LT(std::abs(bias), 0.02);
}

TEST(Proxy, GivesUpMostHopelessModelsAndHardlyAGoodOne) {
  Rng rng(2);
  int good = 0, good_lost = 0, bad = 0, bad_found = 0;
  for (int i = 0; i < 4000; ++i) {
    const Model model = random_model(rng);
    const bool gives_up = is_hopeless(look_at(model), kThreshold);
    if (model.full >= kThreshold) {
      ++good;
      good_lost += gives_up ? 1 : 0;
    } else if (model.full < kThreshold - 0.1) {
      ++bad;
      bad_found += gives_up ? 1 : 0;
    }
  }
  ASSERT_GT(good, 500);
  ASSERT_GT(bad, 500);
  EXPECT_LT(good_lost, 0.01 * good);
  EXPECT_GT(bad_found, 0.7 * bad);
}

TEST(Proxy, AllViewsLeaveTheRestAlone) {
  const std::vector<double> quality(15, 0.6), alignment(15, 0.8);
  const ProxyEstimate estimate = estimate_score(quality, alignment);
  EXPECT_DOUBLE_EQ(estimate.error, ProxyPrior{}.rest_spread);
  EXPECT_NEAR(estimate.value, 0.75 * 0.6 + 0.2 * 0.8 + 0.03, 1e-12);
}

TEST(Proxy, AnAlignmentUnderTheFloorIsHopelessHoweverGoodItLooks) {
  const std::vector<double> quality(4, 0.99), alignment(4, 0.1);
  EXPECT_GT(estimate_score(quality, alignment).value, kThreshold);
  EXPECT_TRUE(is_hopeless(estimate_score(quality, alignment), kThreshold));
}

TEST(Proxy, FewerViewsKnowLess) {
  const std::vector<double> four(4, 0.5), two(2, 0.5), one(1, 0.5);
  EXPECT_LT(estimate_score(four, four).error, estimate_score(two, two).error);
  EXPECT_LT(estimate_score(two, two).error, estimate_score(one, one).error);
}

}  // namespace
}  // namespace lode::score
