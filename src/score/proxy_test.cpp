#include "score/proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <string_view>
#include <vector>

#include "base/rng.h"

namespace lode::score {
namespace {

/// A model whose views were all judged.
struct Model {
  std::vector<double> cosines, qualities;  ///< kAllViews each
  double full = 0;
};

Model finish(Model model, Rng& rng) {
  // The sixteenth view is the first again.
  model.cosines.push_back(model.cosines.front());
  model.qualities.push_back(model.qualities.front());
  model.full = *final_score({mean_quality(model.qualities), text_alignment(model.cosines),
                             rng.uniform(0.7, 1), rng.uniform(0.65, 1)})
                    .value;
  return model;
}

/// `wave` of a view's angle is added to quality and, half, to alignment; `noise` to each.
Model waving(Rng& rng, double noise, const std::function<double(int, double)>& wave) {
  const double quality = rng.uniform(0.1, 0.95), alignment = rng.uniform(0.25, 1.1);
  Model model;
  for (int view = 0; view < kDistinctViews; ++view) {
    const double turn = wave(view, 2 * std::numbers::pi * view / kDistinctViews);
    model.qualities.push_back(std::clamp(quality + turn + noise * rng.normal(), 0.0, 1.0));
    model.cosines.push_back(kFullTextCosine *
                            std::max(0.01, alignment + turn / 2 + noise * rng.normal()));
  }
  return finish(std::move(model), rng);
}

struct Kind {
  const char* name;
  std::function<Model(Rng&)> draw;
};

/// What views of a model may look like as it turns.
std::vector<Kind> kinds() {
  const auto still = [](int, double) { return 0.0; };
  return {
      {"alike", [=](Rng& rng) { return waving(rng, 0.02, still); }},
      {"noisy", [=](Rng& rng) { return waving(rng, 0.1, still); }},
      {"very noisy", [=](Rng& rng) { return waving(rng, 0.2, still); }},
      {"a good side",
       [](Rng& rng) {
         const double phase = rng.uniform(0, 6.28), swing = rng.uniform(0, 0.25);
         return waving(rng, 0.04, [=](int, double a) { return swing * std::cos(a + phase); });
       }},
      {"two good sides",
       [](Rng& rng) {
         const double phase = rng.uniform(0, 6.28), swing = rng.uniform(0, 0.25);
         return waving(rng, 0.04, [=](int, double a) { return swing * std::cos(2 * a + phase); });
       }},
      {"four good sides",
       [](Rng& rng) {
         const double phase = rng.uniform(0, 6.28), swing = rng.uniform(0, 0.25);
         return waving(rng, 0.04, [=](int, double a) { return swing * std::cos(4 * a + phase); });
       }},
      {"two bad views",
       [](Rng& rng) {
         const auto first = static_cast<int>(rng.uniform(0, kDistinctViews));
         const auto second = static_cast<int>(rng.uniform(0, kDistinctViews));
         return waving(rng, 0.04, [=](int view, double) {
           return view == first || view == second ? -0.5 : 0;
         });
       }},
  };
}

Glimpse look_at(const Model& model, std::vector<double>& cosines, std::vector<double>& qualities) {
  cosines.clear();
  qualities.clear();
  for (const int view : kProxyViews) {
    cosines.push_back(model.cosines[view]);
    qualities.push_back(model.qualities[view]);
  }
  Glimpse glimpse;
  glimpse.cosines = cosines;
  return glimpse;
}

/// As a scorer asks: of alignments first, then of qualities besides.
bool is_given_up(const Model& model, double floor) {
  std::vector<double> cosines, qualities;
  Glimpse glimpse = look_at(model, cosines, qualities);
  if (reason_to_discard(glimpse, floor)) {
    return true;
  }
  glimpse.qualities = qualities;
  return reason_to_discard(glimpse, floor).has_value();
}

TEST(Proxy, GivesUpFewerGoodModelsThanItSaysHoweverTheirViewsDiffer) {
  constexpr int kModels = 20'000;
  for (const Kind& kind : kinds()) {
    for (const double floor : {0.6, 0.75}) {
      Rng rng(7);
      int good = 0, good_lost = 0, bad = 0, bad_found = 0;
      for (int i = 0; i < kModels; ++i) {
        const Model model = kind.draw(rng);
        const bool gives_up = is_given_up(model, floor);
        good += model.full >= floor ? 1 : 0;
        good_lost += model.full >= floor && gives_up ? 1 : 0;
        bad += model.full < floor - 0.2 ? 1 : 0;
        bad_found += model.full < floor - 0.2 && gives_up ? 1 : 0;
      }
      ASSERT_GT(good, 500) << kind.name;
      ASSERT_GT(bad, 500) << kind.name;
      std::printf("%-16s floor %.2f: lost %5.2f %% of the good, found %3.0f %% of the bad\n",
                  kind.name, floor, 100.0 * good_lost / good, 100.0 * bad_found / bad);
      EXPECT_LE(good_lost, kDiscardRisk * good) << kind.name << " at " << floor;
      EXPECT_GE(bad_found, 0.4 * bad) << kind.name << " at " << floor;
    }
  }
}

TEST(Proxy, EvenModelsJustAboveTheFloorAreSeldomGivenUp) {
  // All others only dilute these. What repeats itself four times a turn looks much the same from
  // the four views, a quarter turn apart: there one in ten of them may go, the limit of such a
  // look.
  constexpr double kBlindSpot = 0.1;
  for (const Kind& kind : kinds()) {
    const double risk =
        kind.name == std::string_view("four good sides") ? kBlindSpot : kDiscardRisk;
    constexpr double kFloor = 0.6, kBand = 0.01;
    Rng rng(8);
    int close = 0, lost = 0;
    while (close < 1000) {
      const Model model = kind.draw(rng);
      if (model.full >= kFloor && model.full < kFloor + kBand) {
        ++close;
        lost += is_given_up(model, kFloor) ? 1 : 0;
      }
    }
    std::printf("%-16s lost %5.2f %% of those within %.2f of the floor\n", kind.name,
                100.0 * lost / close, kBand);
    EXPECT_LE(lost, risk * close) << kind.name;
  }
}

TEST(Proxy, NoViewsToComeScoreMoreThanTheHighestScore) {
  Rng rng(9);
  for (int i = 0; i < 4000; ++i) {
    const bool of_picture = i % 2 == 1;
    const std::size_t seen = 1 + static_cast<std::size_t>(rng.uniform(0, 16));
    const double scale = rng.uniform(0.05, 1);
    std::vector<double> cosines, qualities;
    for (int view = 0; view < kAllViews; ++view) {
      // From every shape of distribution: mostly high to come, mostly low so far, or any.
      const bool comes = static_cast<std::size_t>(view) >= seen;
      cosines.push_back(comes && i % 3 == 0 ? 1 : rng.uniform(-0.1, scale));
      qualities.push_back(comes && i % 3 == 0 ? 1 : rng.uniform());
    }
    Glimpse glimpse;
    glimpse.cosines = std::span(cosines).first(seen);
    glimpse.qualities = std::span(qualities).first(static_cast<std::size_t>(rng.uniform(0, 17)));
    glimpse.of_picture = of_picture;
    const double alignment = of_picture ? image_alignment(cosines) : text_alignment(cosines);
    const double full =
        *final_score({mean_quality(qualities), alignment, rng.uniform(), rng.uniform()}).value;
    EXPECT_LE(full, highest_score(glimpse) + 1e-12) << i;
  }
}

TEST(Proxy, AllAlignmentsBoundTheScoreExactlyButForTheRest) {
  const std::vector<double> cosines(kAllViews, 0.21);
  Glimpse glimpse;
  glimpse.cosines = cosines;
  const double full_ssim = kSsimWeight * sigmoid(1, 35, 0.83);
  const double full_lpips = kLpipsWeight * sigmoid(1, 30, 0.7);
  EXPECT_NEAR(highest_score(glimpse), 0.75 + 0.2 * 0.6 + full_ssim + full_lpips, 1e-12);
  EXPECT_THAT(reason_to_discard(glimpse, 0.93).value_or(""), testing::HasSubstr("0.92 at most"));
  glimpse.ssim = 0.5;
  EXPECT_NEAR(highest_score(glimpse), 0.87 + full_lpips, 1e-6);
  const std::vector<double> low(kAllViews, 0.1);
  glimpse.cosines = low;
  EXPECT_EQ(highest_score(glimpse), 0) << "an alignment of 0.29 is below the engine's floor";
}

TEST(Proxy, AnAlignmentUnderItsFloorIsHopelessHoweverGoodTheModelLooks) {
  const std::vector<double> good(4, 0.99), turned_away(4, 0.01);
  Glimpse glimpse;
  glimpse.cosines = turned_away;
  EXPECT_TRUE(reason_to_discard(glimpse, 0.6));
  glimpse.qualities = good;
  EXPECT_TRUE(reason_to_discard(glimpse, 0.6));
}

TEST(Proxy, NothingSeenGivesNothingUp) {
  EXPECT_FALSE(reason_to_discard({}, 0.99));
  EXPECT_FALSE(foretold_score({}));
  Glimpse data_only;
  data_only.has_alignment = data_only.has_quality = data_only.has_lpips = false;
  data_only.ssim = 0.1;
  EXPECT_FALSE(reason_to_discard(data_only, 0.9)) << "SSIM alone makes no score";
}

TEST(Proxy, WithoutAQualityNetworkAlignmentDecides) {
  const std::vector<double> middling(4, 0.4 * kFullTextCosine);
  Glimpse glimpse;
  glimpse.cosines = middling;
  EXPECT_FALSE(reason_to_discard(glimpse, 0.8)) << "quality may be high";
  glimpse.has_quality = glimpse.has_lpips = false;
  EXPECT_TRUE(reason_to_discard(glimpse, 0.8));
}

}  // namespace
}  // namespace lode::score
