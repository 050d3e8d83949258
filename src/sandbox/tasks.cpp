#include "sandbox/tasks.h"

#include <fmt/format.h>

#include <array>
#include <glm/gtc/quaternion.hpp>

#include "base/assert.h"
#include "base/encoding.h"
#include "image/codec.h"
#include "render/render.h"

namespace lode::sandbox {
namespace {

constexpr float kPromptElevation = -12;  // negative is above, as in render::Orbit
constexpr int kPictureSides[] = {256, 288, 320};

// Enough for the thumbnails that a text task's answer is compared by, and quicker to build.
constexpr std::size_t kTextReferenceGaussians = 10'000;

// Objects that take more than the sketch's primitives. Those it has learnt meanwhile are left out.
constexpr std::array kUnknownNouns = {
    "accordion",     "bagpipe",     "cathedral",  "chainsaw", "chandelier", "gargoyle",
    "harmonica",     "harpsichord", "locomotive", "mandolin", "octopus",    "pterodactyl",
    "rollercoaster", "saxophone",   "scorpion",   "seahorse", "typewriter", "wheelchair"};
constexpr std::array kUnknownForms = {"a {}", "a detailed {}", "an ornate {} on a stand",
                                      "a single weathered {}"};

// Something that no drawing of a prompt resembles: a random scene tipped over and flattened.
void disguise(splat::Scene& scene) {
  const glm::quat tip = glm::angleAxis(1.2F, glm::normalize(glm::vec3(1.0F, 0.3F, 0.8F)));
  const glm::vec3 stretch(1.6F, 0.5F, 0.9F);
  for (std::size_t i = 0; i < scene.size(); ++i) {
    scene.positions[i] = stretch * (tip * scene.positions[i]);
    scene.rotations[i] = tip * scene.rotations[i];
  }
}

}  // namespace

std::string make_uuid(Rng& rng) {
  const std::uint64_t high = (rng.next() & ~0xF000ULL) | 0x4000ULL;
  const std::uint64_t low = (rng.next() >> 2) | 0x8000000000000000ULL;
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF,
                     high & 0xFFFF, low >> 48, low & 0xFFFFFFFFFFFFULL);
}

image::Image reference_picture(const splat::Scene& reference, int side) {
  render::Orbit front;
  front.elevation_deg = kPromptElevation;
  front.size = side;
  render::RenderOptions over_black;
  over_black.background = glm::vec3(0);
  return render::to_cutout(render::render(reference, render::orbit_camera(front), over_black));
}

TaskMaker::TaskMaker(std::uint64_t seed, TaskShares shares) : rng_(seed), shares_(shares) {
  for (const char* noun : kUnknownNouns) {
    if (sketch::parse_prompt(noun).confidence == 0)
      unknown_nouns_.emplace_back(noun);
  }
}

sketch::SceneSpec picture_scene(sketch::SceneSpec scene) {
  scene.subject.count = 1;
  if (scene.relation == sketch::Relation::with) {
    scene.relation = sketch::Relation::none;
    scene.other = {};
  }
  return scene;
}

TaskPlan TaskMaker::next() {
  const bool is_image = rng_.uniform() < shares_.image;
  const bool is_unknown = rng_.uniform() < shares_.unknown;
  const bool is_first = std::exchange(is_first_, false);
  TaskPlan plan = known_task();
  if (is_image) {
    plan.type = subnet::Task::Type::image;
    plan.text.clear();
    plan.scene = picture_scene(std::move(plan.scene));
    plan.picture_side = kPictureSides[rng_.below(std::size(kPictureSides))];
  } else if (is_unknown && !is_first && !unknown_nouns_.empty()) {
    plan.is_known = false;
    const std::string& noun = unknown_nouns_[rng_.below(unknown_nouns_.size())];
    plan.text = fmt::format(fmt::runtime(kUnknownForms[rng_.below(kUnknownForms.size())]), noun);
  }
  return plan;
}

TaskPlan TaskMaker::known_task() {
  TaskPlan plan;
  plan.id = make_uuid(rng_);
  plan.scene = sketch::random_scene(rng_);
  plan.text = sketch::describe(plan.scene, rng_);
  plan.reference_seed = rng_.next();
  return plan;
}

SandboxTask prepare_without_reference(const TaskPlan& plan) {
  LODE_ASSERT(plan.type == subnet::Task::Type::text, "a picture is drawn from the reference");
  return {{plan.type, plan.id, plan.text}, {}};
}

SandboxTask prepare(const TaskPlan& plan) {
  const bool is_image = plan.type == subnet::Task::Type::image;
  sketch::Options options;
  if (!is_image)
    options.gaussians = kTextReferenceGaussians;
  SandboxTask result;
  result.reference = splat::activate(sketch::build(plan.scene, plan.reference_seed, options));
  if (!plan.is_known)
    disguise(result.reference);
  splat::frame(result.reference);
  result.task = {plan.type, plan.id, plan.text};
  if (is_image) {
    const Result<Bytes> png =
        image::encode_png(reference_picture(result.reference, plan.picture_side));
    LODE_ASSERT(png.has_value(), "a rendered picture can be encoded");
    result.task.prompt = base64_encode(*png);
  }
  return result;
}

}  // namespace lode::sandbox
