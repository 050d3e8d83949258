#include "cutout/cutout.h"
#include "image/codec.h"
#include "pipeline/sketch_internal.h"
#include "sketch/sketch.h"

namespace lode::pipeline {
namespace {

class SketchBackend final : public Backend {
 public:
  std::string_view name() const override { return "sketch"; }

  Result<Asset> generate(const Request& request, std::stop_token stop) override {
    return request.kind == Request::Kind::text ? from_text(request, stop)
                                               : from_picture(request, stop);
  }

 private:
  static Result<Asset> from_text(const Request& request, const std::stop_token& stop) {
    LODE_CHECK(check_prompt(request.prompt));
    StageClock clock;
    const sketch::SceneSpec scene = scene_of(request.prompt);
    clock.lap("parse");
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "generation was cancelled");
    }
    Asset asset;
    asset.cloud = sketch::build(scene, request.seed, {.stop = stop});
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "generation was cancelled");
    }
    clock.lap("build");
    asset.stages = clock.take();
    return asset;
  }

  /// Replaces a photo by its subject. Where none is found the lift gets to look for it; the notes
  /// say which.
  static Result<void> cut_out_subject(image::Image& picture, std::vector<std::string>& notes,
                                      const std::stop_token& stop) {
    Result<cutout::Cutout> subject = cutout::subject_of(picture, stop);
    if (subject) {
      notes.push_back("cut out: " + subject->report.reason);
      picture = std::move(subject->picture);
    } else if (subject.error().code == Errc::cancelled) {
      return fail(Errc::cancelled, "generation was cancelled");
    } else {
      notes.push_back("not cut out: " + subject.error().context);
    }
    return {};
  }

  static Result<Asset> from_picture(const Request& request, const std::stop_token& stop) {
    StageClock clock;
    LODE_TRY(image::Decoded decoded, image::decode_with_notes(request.picture));
    clock.lap("decode");
    Asset asset;
    asset.notes = std::move(decoded.notes);
    if (!cutout::carries_alpha(decoded.image)) {
      LODE_CHECK(cut_out_subject(decoded.image, asset.notes, stop));
      clock.lap("cutout");
    }
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "generation was cancelled");
    }
    LODE_TRY(asset.cloud, sketch::lift(decoded.image, request.seed, {.stop = stop}));
    clock.lap("lift");
    asset.stages = clock.take();
    return asset;
  }
};

}  // namespace

std::unique_ptr<Backend> make_sketch_backend() { return std::make_unique<SketchBackend>(); }

}  // namespace lode::pipeline
