#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <glm/common.hpp>

#include "sketch/objects.h"
#include "sketch/scene.h"
#include "sketch/sketch.h"

namespace lode::sketch {
namespace {

using glm::vec3;

const Options kFew{kFewestGaussians};

bool same(const splat::GaussianCloud& a, const splat::GaussianCloud& b) {
  return a.positions == b.positions && a.log_scales == b.log_scales && a.rotations == b.rotations &&
         a.opacity_logits == b.opacity_logits && a.f_dc == b.f_dc;
}

vec3 mean_colour(const splat::GaussianCloud& cloud) {
  vec3 sum(0);
  for (const vec3& f_dc : cloud.f_dc) {
    sum += 0.5F + splat::kShC0 * f_dc;
  }
  return sum / static_cast<float>(cloud.size());
}

SceneSpec scene(std::string_view prompt) { return parse_prompt(prompt).scene; }

TEST(Build, EveryObjectIsInTheLexicon) {
  std::size_t kinds = 0;
  for (const auto family : {kitchen_objects(), furniture_objects(), household_objects(),
                            nature_objects(), food_objects(), building_objects(), vehicle_objects(),
                            tool_objects(), wearable_objects(), toy_objects(), animal_objects()}) {
    for (const ObjectKind& kind : family) {
      EXPECT_EQ(scene(kind.noun).subject.noun, kind.noun);
      ++kinds;
    }
  }
  EXPECT_EQ(kinds, nouns().size());
}

TEST(Build, RepeatsForTheSameSeedOnly) {
  const SceneSpec mug = scene("a blue mug");
  EXPECT_TRUE(same(build(mug, 1, kFew), build(mug, 1, kFew)));
  EXPECT_FALSE(same(build(mug, 1, kFew), build(mug, 2, kFew)));
}

TEST(Build, TakesColoursFromThePrompt) {
  const vec3 red = mean_colour(build(scene("a red mug"), 1, kFew));
  const vec3 green = mean_colour(build(scene("a green mug"), 1, kFew));
  EXPECT_GT(red.r, red.g + 0.2F);
  EXPECT_GT(green.g, green.r + 0.1F);
}

TEST(Build, TakesColourFromTheMaterialUnlessOneIsNamed) {
  const vec3 gold = mean_colour(build(scene("a golden teapot"), 1, kFew));
  EXPECT_GT(gold.r, gold.b + 0.3F);
  const vec3 blue = mean_colour(build(scene("a blue metal teapot"), 1, kFew));
  EXPECT_GT(blue.b, blue.r);
}

TEST(Build, MakesGlassClear) {
  const splat::Scene glass = splat::activate(build(scene("a glass vase"), 1, kFew));
  const splat::Scene clay = splat::activate(build(scene("a clay vase"), 1, kFew));
  EXPECT_LT(glass.opacities.front(), 0.6F);
  EXPECT_GT(clay.opacities.front(), 0.9F);
}

TEST(Build, DrawsAsManyAsCounted) {
  for (int count = 1; count <= 6; ++count) {
    SceneSpec balls = scene("a ball");
    balls.subject.count = count;
    EXPECT_EQ(lay_out(balls, 3).size(), static_cast<std::size_t>(count));
  }
}

TEST(Build, PutsTheSubjectOnTheOther) {
  const auto parts = lay_out(scene("a ball on a table"), 5);
  const Box ball = parts.front().solid.bounds();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    EXPECT_GT(ball.min.y, parts[i].solid.bounds().max.y - 0.02F);
  }
}

TEST(Build, PutsTheOtherBesideTheSubject) {
  const auto parts = lay_out(scene("a ball with a dice"), 5);
  EXPECT_GT(parts.back().solid.bounds().centre().x, parts.front().solid.bounds().centre().x);
  EXPECT_NEAR(parts.back().solid.bounds().min.y, parts.front().solid.bounds().min.y, 0.02F);
}

TEST(Build, ScalesTheSecondObjectBySizeWords) {
  const auto length = [](std::string_view prompt) {
    return lay_out(scene(prompt), 5).back().solid.bounds().size().y;
  };
  EXPECT_GT(length("a ball with a huge dice"), 1.2F * length("a ball with a tiny dice"));
}

TEST(Build, StretchesToProportions) {
  const auto shape = [](std::string_view prompt) {
    const vec3 size = lay_out(scene(prompt), 5).front().solid.bounds().size();
    return size.y / size.x;
  };
  EXPECT_GT(shape("a tall vase"), 1.2F * shape("a vase"));
  EXPECT_LT(shape("a wide vase"), 0.9F * shape("a vase"));
}

TEST(Build, IsEmptyForAnUnknownNoun) {
  SceneSpec unknown;
  unknown.subject.noun = "dragon";
  EXPECT_EQ(build(unknown, 1).size(), 0U);
}

TEST(Build, ClampsTheCount) {
  EXPECT_LT(build(scene("a ball"), 1, {1}).size(), 1.1 * kFewestGaussians);
  EXPECT_GT(build(scene("a ball"), 1, {1}).size(), 0.9 * kFewestGaussians);
}

}  // namespace
}  // namespace lode::sketch
