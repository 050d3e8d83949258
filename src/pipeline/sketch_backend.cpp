#include <algorithm>

#include "base/encoding.h"
#include "cutout/cutout.h"
#include "image/codec.h"
#include "pipeline/backend.h"
#include "sketch/sketch.h"

namespace lode::pipeline {
namespace {

/// Drawn, in the prompt's colours, for a noun that the sketch does not know.
constexpr const char* kStandIn = "ball";

class SketchBackend final : public Backend {
 public:
  std::string_view name() const override { return "sketch"; }

  Result<Asset> generate(const Request& request, std::stop_token stop) override {
    return request.kind == Request::Kind::text ? from_text(request, stop)
                                               : from_picture(request, stop);
  }

 private:
  static Result<Asset> from_text(const Request& request, const std::stop_token& stop) {
    if (request.prompt.size() > kMaxPromptBytes) {
      return fail(Errc::limit_exceeded, "prompt: " + std::to_string(request.prompt.size()) +
                                            " bytes, at most " + std::to_string(kMaxPromptBytes) +
                                            " are read");
    }
    if (request.prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
      return fail(Errc::invalid_input, "prompt: empty");
    }
    StageClock clock;
    sketch::Understanding understood = sketch::parse_prompt(request.prompt);
    if (understood.confidence <= 0) {
      // Something to look at; the judge knows that the prompt was not understood.
      understood.scene.subject.noun = kStandIn;
    }
    clock.lap("parse");
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "generation was cancelled");
    }
    Asset asset;
    asset.cloud = sketch::build(understood.scene, request.seed, {.stop = stop});
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

Request request_from_prompt(std::string_view prompt, std::uint64_t seed) {
  Request request{Request::Kind::text, std::string(), {}, seed};
  // No text prompt is base64 of a picture's magic bytes, so this cannot misjudge one.
  const bool looks_encoded = prompt.starts_with("iVBORw0KGgo") || prompt.starts_with("/9j/") ||
                             prompt.starts_with("UklGR") || prompt.starts_with("R0lGOD");
  if (looks_encoded) {
    if (auto bytes = base64_decode(prompt); bytes && image::is_image(*bytes)) {
      request.kind = Request::Kind::image;
      request.picture = *std::move(bytes);
      return request;
    }
  }
  request.prompt = std::string(prompt);
  return request;
}

std::vector<std::string> backend_names() { return {"sketch"}; }

Result<std::unique_ptr<Backend>> make_backend(std::string_view name) {
  if (name == "sketch") {
    return std::unique_ptr<Backend>(std::make_unique<SketchBackend>());
  }
  return fail(Errc::not_found, "backend '" + std::string(name) + "': known are: sketch");
}

}  // namespace lode::pipeline
