// Builds every object there is. Takes some seconds, so it is apart from the unit tests.
#include "sketch/objects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <glm/geometric.hpp>
#include <string>

#include "sketch/scene.h"
#include "splat/checks.h"

namespace lode::sketch {
namespace {

using glm::vec3;

class EveryNoun : public testing::TestWithParam<std::string> {};

TEST_P(EveryNoun, BuildsAValidCloud) {
  ASSERT_NE(find_object(GetParam()), nullptr) << "in the lexicon, but no family builds it";
  const splat::GaussianCloud cloud = build(parse_prompt(GetParam()).scene, 7, {kFewestGaussians});
  EXPECT_NEAR(static_cast<double>(cloud.size()), kFewestGaussians, 0.1 * kFewestGaussians);
  const splat::CheckReport report = splat::check(splat::activate(cloud));
  EXPECT_TRUE(report.valid()) << (report.valid() ? "" : report.reasons.front());
  const splat::Bounds bounds = splat::bounds(cloud.positions);
  EXPECT_NEAR(bounds.extent(), kSceneExtent, 1e-4F);
  const vec3 centre = 0.5F * (bounds.min + bounds.max);
  EXPECT_LT(glm::length(centre), 1e-4F);
}

INSTANTIATE_TEST_SUITE_P(Sketch, EveryNoun, testing::ValuesIn(nouns()), [](const auto& noun) {
  std::string name = noun.param;
  std::ranges::replace(name, ' ', '_');
  return name;
});

}  // namespace
}  // namespace lode::sketch
