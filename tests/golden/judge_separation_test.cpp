// The judge's threshold keeps right answers from wrong ones: a small version of
// tools/score_distributions, whose plot is in docs/images.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "sandbox/scorer.h"
#include "sandbox/tasks.h"
#include "sketch/sketch.h"
#include "splat/precondition.h"
#include "splat/spz.h"

namespace lode::sandbox {
namespace {

constexpr double kThreshold = 0.6;
constexpr int kScenes = 16;
constexpr int kPictureSide = 256;

std::string packed(const splat::GaussianCloud& cloud) {
  Rng rng(1);
  return base64_encode(*splat::encode_spz(*splat::precondition(cloud, rng)));
}

// A task, and the answer that a miner with the sketch gives to it from a seed of its own.
struct Exhibit {
  SandboxTask task;
  std::string noun;
  std::string answer;
};

std::string answer_to(const TaskPlan& plan, const SandboxTask& task, std::uint64_t seed) {
  if (plan.type == subnet::Task::Type::text) {
    sketch::Options small;
    small.gaussians = 10'000;
    return packed(sketch::build(plan.scene, seed, small));
  }
  return packed(*sketch::lift(reference_picture(task.reference, kPictureSide), seed));
}

// Exhibits of distinct nouns.
std::vector<Exhibit> make_exhibits(subnet::Task::Type type) {
  Rng rng(2024);
  std::vector<Exhibit> exhibits;
  while (exhibits.size() < kScenes) {
    TaskPlan plan;
    plan.type = type;
    plan.picture_side = kPictureSide;
    plan.scene = sketch::random_scene(rng);
    if (type == subnet::Task::Type::image)
      plan.scene = picture_scene(plan.scene);
    plan.reference_seed = rng.next();
    const std::string noun = plan.scene.subject.noun;
    if (std::any_of(exhibits.begin(), exhibits.end(),
                    [&](const Exhibit& other) { return other.noun == noun; })) {
      continue;
    }
    Exhibit exhibit{prepare(plan), noun, {}};
    exhibit.answer = answer_to(plan, exhibit.task, rng.next());
    exhibits.push_back(std::move(exhibit));
  }
  return exhibits;
}

struct Tally {
  int right_accepted = 0;  // of kScenes
  int wrong_accepted = 0;  // of kScenes
};

// Every answer against its own task and against the next one's.
Tally judge(const std::vector<Exhibit>& exhibits) {
  Tally tally;
  for (std::size_t i = 0; i < exhibits.size(); ++i) {
    const SandboxTask& next = exhibits[(i + 1) % exhibits.size()].task;
    tally.right_accepted +=
        score_submission(exhibits[i].task, exhibits[i].answer).value >= kThreshold;
    tally.wrong_accepted += score_submission(next, exhibits[i].answer).value >= kThreshold;
  }
  return tally;
}

TEST(JudgeSeparation, DrawingsPassForTheirOwnPromptsOnly) {
  const Tally tally = judge(make_exhibits(subnet::Task::Type::text));
  EXPECT_GE(tally.right_accepted, kScenes - 1);
  EXPECT_LE(tally.wrong_accepted, 1);
}

TEST(JudgeSeparation, LiftsPassForTheirOwnPicturesMostly) {
  const Tally tally = judge(make_exhibits(subnet::Task::Type::image));
  EXPECT_GE(tally.right_accepted, kScenes * 3 / 4);
  EXPECT_LE(tally.wrong_accepted, 2);
}

}  // namespace
}  // namespace lode::sandbox
