#include "service/validation.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.h"
#include "base/thread_pool.h"
#include "image/codec.h"
#include "judge/judge.h"
#include "render/camera.h"
#include "render/render.h"
#include "service/responses_internal.h"
#include "splat/checks.h"
#include "splat/ply.h"

namespace lode::service {
namespace {

using Json = nlohmann::json;

constexpr int kCompressionPly = 0;
constexpr int kCompressionSpz = 2;
constexpr int kDuelColumns = 2, kDuelGap = 5;

/// The fields of a request, checked for type alone.
struct Fields {
  std::string data;
  std::int64_t compression = kCompressionPly;
  std::optional<std::string> prompt, prompt_image;
  bool wants_single = false, wants_grid = false;
  double preview_threshold = 0.6;
  std::optional<double> floor;
};

Error wrong(const char* name, const char* expected) {
  return fail(Errc::invalid_input, std::string(name) + ": " + expected + " was expected");
}

Result<void> read(const Json& body, const char* name, std::optional<std::string>& out) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) {
    return {};
  }
  if (!found->is_string()) {
    return wrong(name, "a string");
  }
  out = found->get<std::string>();
  return {};
}

Result<void> read(const Json& body, const char* name, bool& out) {
  const auto found = body.find(name);
  if (found == body.end()) {
    return {};
  }
  if (!found->is_boolean()) {
    return wrong(name, "true or false");
  }
  out = found->get<bool>();
  return {};
}

/// Characters of UTF-8: bytes that begin one.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

Result<Fields> read_fields(const HttpRequest& request) {
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) {
    return fail(Errc::invalid_input, "body: a JSON object was expected");
  }
  Fields fields;
  std::optional<std::string> data;
  LODE_CHECK(read(body, "data", data));
  if (!data) {
    return fail(Errc::invalid_input, "data: required");
  }
  fields.data = *std::move(data);
  if (const auto found = body.find("compression"); found != body.end()) {
    if (!found->is_number_integer()) {
      return wrong("compression", "a whole number");
    }
    fields.compression = found->get<std::int64_t>();
  }
  LODE_CHECK(read(body, "prompt", fields.prompt));
  if (fields.prompt && characters(*fields.prompt) > kMaxScoredPrompt) {
    return fail(Errc::invalid_input, "prompt: at most 1024 characters");
  }
  LODE_CHECK(read(body, "prompt_image", fields.prompt_image));
  LODE_CHECK(read(body, "generate_single_preview", fields.wants_single));
  LODE_CHECK(read(body, "generate_preview", fields.wants_single));  // its alias, which wins
  LODE_CHECK(read(body, "generate_grid_preview", fields.wants_grid));
  if (const auto found = body.find("preview_score_threshold"); found != body.end()) {
    if (!found->is_number()) {
      return wrong("preview_score_threshold", "a number");
    }
    fields.preview_threshold = found->get<double>();
  }
  if (const auto found = body.find("score_floor"); found != body.end() && !found->is_null()) {
    if (!found->is_number()) {
      return wrong("score_floor", "a number");
    }
    fields.floor = found->get<double>();
  }
  return fields;
}

bool is_known_compression(std::int64_t compression) {
  return compression == kCompressionPly || compression == kCompressionSpz;
}

/// The splat, through the data checks.
Result<splat::Scene> open_splat(const Fields& fields) {
  if (!is_known_compression(fields.compression)) {
    return fail(Errc::invalid_input, "compression: 0 (PLY) or 2 (SPZ) was expected");
  }
  const auto bytes = base64_decode(fields.data);
  if (!bytes) {
    return annotate(bytes.error(), "data");
  }
  if (fields.compression == kCompressionSpz) {
    return judge::open_submission(*bytes);
  }
  LODE_TRY(const splat::GaussianCloud cloud, splat::decode_ply(*bytes));
  splat::Scene scene = splat::activate(cloud);
  if (const splat::CheckReport report = splat::check(scene); !report.valid()) {
    return fail(Errc::invalid_input, report.reasons.front());
  }
  return scene;
}

Result<image::Image> open_picture(const std::string& base64) {
  const auto bytes = base64_decode(base64);
  if (!bytes) {
    return annotate(bytes.error(), "prompt_image");
  }
  auto picture = image::decode(*bytes);
  if (!picture) {
    return annotate(picture.error(), "prompt_image");
  }
  return picture;
}

/// The four views of a duel; the first is the single preview's. Errc::cancelled between views.
Result<std::vector<image::Image>> duel_views(splat::Scene scene, const std::stop_token& stop) {
  splat::frame(scene);
  ThreadPool alone(1);
  render::Renderer renderer(alone);
  render::Frame frame;
  std::vector<image::Image> views;
  for (const render::Camera& camera : render::duel_cameras()) {
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "drawing was cancelled");
    }
    renderer.draw(scene, camera, {}, frame);
    views.push_back(render::to_image(frame));
  }
  return views;
}

image::Image duel_picture(const std::vector<image::Image>& views) {
  return image::tile(views, kDuelColumns, kDuelGap, {0, 0, 0});
}

Result<std::string> as_base64_png(const image::Image& picture) {
  LODE_TRY(const Bytes png, image::encode_png(picture));
  return base64_encode(png);
}

pipeline::Judgement nothing(const std::string& reason) {
  pipeline::Judgement judgement;
  judgement.judged = {"data"};
  judgement.reason = reason;
  return judgement;
}

/// What cannot be read scores 0; the only error is a cancellation.
Result<pipeline::Judgement> judge_splat(const Result<splat::Scene>& scene, const Fields& fields,
                                        PromptKind kind, pipeline::Critic& judge,
                                        const std::stop_token& stop) {
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "validation was cancelled");
  }
  const auto& prompt = kind == PromptKind::picture ? fields.prompt_image : fields.prompt;
  if (!prompt) {
    return nothing(kind == PromptKind::picture ? "prompt_image: missing" : "prompt: missing");
  }
  if (!scene) {
    return nothing("refused: " + scene.error().message());
  }
  if (kind == PromptKind::text) {
    return judge.judge_text(*scene, *prompt, {stop, fields.floor});
  }
  const auto picture = open_picture(*prompt);
  return picture ? judge.judge_image(*scene, *picture, {stop, fields.floor})
                 : nothing(picture.error().message());
}

Json judgement_json(const pipeline::Judgement& judgement) {
  return {{"score", judgement.score},
          {"iqa", judgement.quality},
          {"alignment_score", judgement.alignment},
          {"ssim", judgement.ssim},
          {"lpips", judgement.lpips},
          {"preview", nullptr},
          {"grid_preview", nullptr},
          {"discarded", judgement.is_discarded},
          {"judged", judgement.judged},
          {"views", judgement.views},
          {"reason", judgement.reason}};
}

Result<Json> score(const Fields& fields, PromptKind kind, pipeline::Critic& judge,
                   const std::stop_token& stop) {
  const Result<splat::Scene> scene = open_splat(fields);
  LODE_TRY(const pipeline::Judgement judgement, judge_splat(scene, fields, kind, judge, stop));
  Json answer = judgement_json(judgement);
  const bool wants_preview = fields.wants_single || fields.wants_grid;
  if (scene && wants_preview && !judgement.is_discarded &&
      judgement.score > fields.preview_threshold) {
    LODE_TRY(const auto views, duel_views(*scene, stop));
    if (fields.wants_single) {
      LODE_TRY(answer["preview"], as_base64_png(views.front()));
    }
    if (fields.wants_grid) {
      LODE_TRY(answer["grid_preview"], as_base64_png(duel_picture(views)));
    }
  }
  return answer;
}

HttpResponse problem_of(const Error& error) {
  return problem(status_of(error.code), error.context);
}

}  // namespace

HttpResponse validate(const HttpRequest& request, PromptKind prompt, pipeline::Critic& judge,
                      const std::stop_token& stop) {
  const auto fields = read_fields(request);
  if (!fields) {
    return problem_of(fields.error());
  }
  const auto answer = score(*fields, prompt, judge, stop);
  return answer ? make_response(200, "application/json", dump(*answer))
                : problem_of(answer.error());
}

HttpResponse render_duel_view(const HttpRequest& request, const std::stop_token& stop) {
  constexpr int kUnsupported = 400, kUnreadable = 500;
  const auto fields = read_fields(request);
  if (!fields) {
    return problem_of(fields.error());
  }
  if (!is_known_compression(fields->compression)) {
    return problem(kUnsupported, "Unsupported compression: " + std::to_string(fields->compression));
  }
  const auto scene = open_splat(*fields);
  if (!scene) {
    return problem(kUnreadable, scene.error().message());
  }
  const auto views = duel_views(*scene, stop);
  if (!views) {
    return problem_of(views.error());
  }
  const auto png = image::encode_png(duel_picture(*views));
  if (!png) {
    return problem(kUnreadable, png.error().message());
  }
  return make_response(200, "image/png", std::string(as_text(*png)));
}

}  // namespace lode::service
