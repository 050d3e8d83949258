#include "sandbox/tasks.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "base/encoding.h"
#include "image/codec.h"

namespace lode::sandbox {
namespace {

TEST(Tasks, SameSeedGivesTheSameList) {
  TaskMaker first(5, {0, 0.2});
  TaskMaker again(5, {0, 0.2});
  TaskMaker other(6, {0, 0.2});
  int differing = 0;
  for (int i = 0; i < 50; ++i) {
    const TaskPlan a = first.next();
    const TaskPlan b = again.next();
    EXPECT_EQ(a.id, b.id);
    EXPECT_EQ(a.text, b.text);
    EXPECT_EQ(a.reference_seed, b.reference_seed);
    differing += a.text != other.next().text;
  }
  EXPECT_GT(differing, 45);
}

TEST(Tasks, TextPromptsSayWhatTheReferenceShows) {
  TaskMaker maker(1, {0, 0});
  for (int i = 0; i < 100; ++i) {
    const TaskPlan task = maker.next();
    EXPECT_EQ(task.type, subnet::Task::Type::text);
    const sketch::Understanding understood = sketch::parse_prompt(task.text);
    EXPECT_EQ(understood.scene, task.scene) << task.text;
    EXPECT_EQ(understood.confidence, 1) << task.text;
  }
}

TEST(Tasks, UnknownShareIsKeptButNeverByTheFirstTask) {
  int unknown = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    TaskMaker maker(seed, {0, 0.5});
    EXPECT_TRUE(maker.next().is_known);
    for (int i = 0; i < 20; ++i) {
      const TaskPlan task = maker.next();
      if (task.is_known)
        continue;
      ++unknown;
      EXPECT_EQ(sketch::parse_prompt(task.text).confidence, 0) << task.text;
    }
  }
  EXPECT_NEAR(unknown / 800.0, 0.5, 0.06);
}

TEST(Tasks, IdsAreDistinctVersionFourUuids) {
  Rng rng(3);
  const std::regex form("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  std::set<std::string> ids;
  for (int i = 0; i < 200; ++i) {
    const std::string id = make_uuid(rng);
    EXPECT_TRUE(std::regex_match(id, form)) << id;
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 200U);
}

TEST(Tasks, ImagePromptIsACutOutPictureOfTheReference) {
  TaskMaker maker(2, {1, 0});
  const SandboxTask task = prepare(maker.next());
  EXPECT_EQ(task.task.type, subnet::Task::Type::image);
  const auto file = base64_decode(task.task.prompt);
  ASSERT_TRUE(file.has_value());
  const auto picture = image::decode(*file);
  ASSERT_TRUE(picture.has_value());
  EXPECT_EQ(picture->channels, 4);
  EXPECT_GE(picture->width, 256);
  EXPECT_LE(picture->width, 320);
  EXPECT_EQ(picture->at(0, 0)[3], 0) << "the corner is transparent";
  int opaque = 0;
  for (int y = 0; y < picture->height; ++y) {
    for (int x = 0; x < picture->width; ++x) {
      opaque += picture->at(x, y)[3] > 128 ? 1 : 0;
    }
  }
  EXPECT_GT(opaque, picture->width * picture->height / 20) << "there is a subject";
}

TEST(Tasks, ReferenceOfAnUnknownObjectIsNotTheScene) {
  TaskPlan plan;
  plan.scene.subject.noun = "mug";
  plan.reference_seed = 4;
  const splat::Scene known = prepare(plan).reference;
  plan.is_known = false;
  const splat::Scene disguised = prepare(plan).reference;
  ASSERT_EQ(known.size(), disguised.size());
  EXPECT_NE(known.positions, disguised.positions);
  EXPECT_NEAR(splat::bounds(disguised.positions).extent(), 1.5, 1e-4) << "framed";
}

}  // namespace
}  // namespace lode::sandbox
