// The stages that need no weights.
#include "pipeline/registry.h"
#include "pipeline/sketch_internal.h"
#include "render/camera.h"
#include "render/render.h"
#include "splat/precondition.h"

namespace lode::pipeline {
namespace {

Error cancelled() { return fail(Errc::cancelled, "generation was cancelled"); }

/// Draws what the sketch makes of the prompt, seen from the front and a little above.
class SketchPainter final : public Painter {
 public:
  std::string_view name() const override { return "sketch"; }

  Result<Painting> paint(std::string_view prompt, const StageContext& context) override {
    const splat::GaussianCloud cloud =
        sketch::build(scene_of(prompt), context.seed, {.stop = context.stop});
    if (context.stop.stop_requested()) {
      return cancelled();
    }
    splat::Scene scene = splat::activate(cloud);
    splat::frame(scene);
    const glm::vec3 plain_grey(0.9F);
    const render::Frame frame =
        render::render(scene, render::orbit_camera({.size = 512}), {.background = plain_grey});
    return Painting{render::to_image(frame), {}};
  }
};

class MatterCutter final : public Cutter {
 public:
  explicit MatterCutter(CutterParts parts) : parts_(std::move(parts)) {}

  std::string_view name() const override { return parts_.name; }
  std::uint64_t weight_bytes() const override { return parts_.weight_bytes; }
  void release() override { matters_.clear(); }

  Result<void> open() {
    LODE_TRY(matters_, parts_.open());
    return {};
  }

  Result<cutout::Cutout> cut(const image::Image& picture, const StageContext& context) override {
    if (matters_.empty()) {
      LODE_CHECK(open());
    }
    return cutout::cut_out(picture, matters_, {}, context.stop);
  }

 private:
  CutterParts parts_;
  std::vector<std::unique_ptr<cutout::Matter>> matters_;
};

class NoCutter final : public Cutter {
 public:
  std::string_view name() const override { return "none"; }
  Result<cutout::Cutout> cut(const image::Image& picture, const StageContext&) override {
    if (picture.channels != 4 || picture.width != picture.height) {
      return fail(Errc::invalid_input,
                  "a square picture with transparent ground was expected, for nothing cuts it out");
    }
    cutout::Cutout subject;
    subject.picture = picture;
    subject.report.reason = "by whoever made the picture";
    return subject;
  }
};

class SketchLifter final : public Lifter {
 public:
  std::string_view name() const override { return "sketch"; }
  bool needs_picture() const override { return true; }

  Result<Lifted> lift(const dream::Subject& subject, const StageContext& context) override {
    LODE_TRY(splat::GaussianCloud cloud,
             sketch::lift(subject.picture, context.seed, {.stop = context.stop}));
    return Lifted{std::move(cloud), {}};
  }
};

}  // namespace

sketch::SceneSpec scene_of(std::string_view prompt) {
  constexpr const char* kStandIn = "ball";
  sketch::Understanding understood = sketch::parse_prompt(prompt);
  if (understood.confidence <= 0) {
    understood.scene.subject.noun = kStandIn;
  }
  return understood.scene;
}

std::unique_ptr<Painter> make_sketch_painter() { return std::make_unique<SketchPainter>(); }

std::unique_ptr<Cutter> make_no_cutter() { return std::make_unique<NoCutter>(); }

Result<std::unique_ptr<Cutter>> make_cutter(CutterParts parts) {
  auto cutter = std::make_unique<MatterCutter>(std::move(parts));
  LODE_CHECK(cutter->open());
  return std::unique_ptr<Cutter>(std::move(cutter));
}

std::unique_ptr<Lifter> make_sketch_lifter() { return std::make_unique<SketchLifter>(); }

}  // namespace lode::pipeline
