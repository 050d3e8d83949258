// Draws the distributions of the sandbox's scores for right and for wrong answers.
//
//   score_distributions --pairs 400 --csv scores.csv --svg docs/images/score_distributions.svg
//
// Right answers are what a miner with the sketch would send: the prompt's scene, or a lift of the
// prompt's picture, from another seed than the reference. Wrong ones show another noun or clearly
// another colour. Every answer goes through preconditioning and the SPZ bytes.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>

#include "base/encoding.h"
#include "base/rng.h"
#include "image/codec.h"
#include "sandbox/scorer.h"
#include "sandbox/tasks.h"
#include "splat/precondition.h"
#include "splat/spz.h"

namespace {

using namespace lode;

constexpr double kThreshold = 0.6;

enum class Kind { text_right, text_noun, text_colour, image_right, image_wrong };
struct Series {
  Kind kind;
  const char* name;
  const char* title;
  bool is_right;
  std::vector<double> scores;
};

std::string packed(const splat::GaussianCloud& cloud, std::uint64_t seed) {
  Rng rng(seed);
  const auto conditioned = splat::precondition(cloud, rng);
  if (!conditioned) return {};
  const auto spz = splat::encode_spz(*conditioned);
  return spz ? base64_encode(*spz) : std::string();
}

/// A task of the wanted type.
sandbox::SandboxTask next_task(sandbox::TaskMaker& maker) { return maker.next(); }

sketch::SceneSpec other_noun(const sketch::SceneSpec& scene, Rng& rng) {
  sketch::SceneSpec other;
  do {
    other = sketch::random_scene(rng);
  } while (other.subject.noun == scene.subject.noun);
  return other;
}

/// The same scene in a colour that nobody would call the same.
sketch::SceneSpec other_colour(sketch::SceneSpec scene, Rng& rng) {
  static constexpr std::array<std::string_view, 4> kWarm = {"red", "orange", "yellow", "pink"};
  static constexpr std::array<std::string_view, 4> kCold = {"blue", "green", "teal", "purple"};
  const bool to_cold = rng.uniform() < 0.5;
  scene.subject.colours = {std::string(to_cold ? kWarm[rng.below(4)] : kCold[rng.below(4)])};
  scene.subject.material.clear();
  return scene;
}

}  // namespace
