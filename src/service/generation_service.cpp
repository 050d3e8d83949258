#include "service/generation_service.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "image/codec.h"
#include "judge/judge.h"
#include "splat/ply.h"
#include "splat/spz.h"

namespace lode::service {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kVersion = "lode-0.1";
constexpr int kCompressionPly = 0;
constexpr int kCompressionSpz = 2;
/// The longest text prompt that the validators' scorer accepts.
constexpr std::size_t kMaxScoredPrompt = 1024;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

HttpResponse problem(int status, std::string detail) {
  return make_response(status, "application/json", dump({{"detail", std::move(detail)}}));
}

int status_of(Errc code) {
  switch (code) {
    case Errc::limit_exceeded:
      return 413;
    case Errc::cancelled:
      return 503;
    case Errc::invalid_input:
    case Errc::unsupported:
      return 422;
    default:
      return 500;
  }
}

std::string_view path_of(const HttpRequest& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

Result<std::uint64_t> read_seed(const std::string* text) {
  if (text == nullptr || text->empty() || *text == "-1") {
    return 0;  // -1 means "any"; zero keeps the result repeatable
  }
  std::uint64_t seed = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), seed);
  if (ec != std::errc() || end != text->data() + text->size()) {
    return fail(Errc::invalid_input, "seed: a whole number from 0 was expected");
  }
  return seed;
}

Json stages_json(const std::vector<pipeline::StageTime>& stages) {
  Json json = Json::object();
  for (const auto& [stage, seconds] : stages) {
    json[stage] = seconds;
  }
  return json;
}

/// The fields of a validation request, checked for type.
struct ValidationRequest {
  std::string prompt;
  Bytes picture;
  Bytes spz;
};

Result<std::string> string_field(const Json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) {
    return std::string();
  }
  if (!found->is_string()) {
    return fail(Errc::invalid_input, std::string(name) + ": a string was expected");
  }
  return found->get<std::string>();
}

/// The submission's bytes as SPZ: PLY uploads are packed first, so that one scorer serves both.
Result<Bytes> read_splat(const Json& body) {
  LODE_TRY(const std::string data, string_field(body, "data"));
  const auto compression = body.find("compression");
  const Json fallback = kCompressionPly;
  const Json& kind = compression == body.end() ? fallback : *compression;
  if (!kind.is_number_integer() || (kind != kCompressionPly && kind != kCompressionSpz)) {
    return fail(Errc::invalid_input, "compression: 0 (PLY) or 2 (SPZ) was expected");
  }
  LODE_TRY(Bytes bytes, base64_decode(data));
  if (kind == kCompressionSpz) {
    return bytes;
  }
  LODE_TRY(const splat::GaussianCloud cloud, splat::decode_ply(bytes));
  return splat::encode_spz(cloud);
}

Json verdict_json(const judge::Verdict& verdict) {
  return {{"score", verdict.score},
          {"alignment_score", verdict.alignment},
          {"iqa", 0.0},
          {"ssim", 0.0},
          {"lpips", 0.0},
          {"preview", nullptr},
          {"grid_preview", nullptr},
          {"judged", {"data", "alignment"}},
          {"views", verdict.views},
          {"reason", verdict.reason}};
}

/// A splat or prompt that cannot be read scores 0 with status 200, as the validators' service.
Result<judge::Verdict> judge_request(const Json& body, bool from_image,
                                     const std::stop_token& stop) {
  const auto unreadable = [](const Error& error) {
    return judge::Verdict{0, 0, {}, error.message()};
  };
  const auto spz = read_splat(body);
  if (!spz) {
    return unreadable(spz.error());
  }
  const auto prompt = string_field(body, from_image ? "prompt_image" : "prompt");
  if (!prompt) {
    return unreadable(prompt.error());
  }
  if (!from_image) {
    return judge::judge_text(*spz, *prompt, stop);
  }
  if (stop.stop_requested()) {
    return fail(Errc::cancelled, "validation was cancelled");
  }
  const auto bytes = base64_decode(*prompt);
  if (!bytes) {
    return unreadable(annotate(bytes.error(), "prompt_image"));
  }
  const auto picture = image::decode(*bytes);
  if (!picture) {
    return unreadable(annotate(picture.error(), "prompt_image"));
  }
  return judge::judge_image(*spz, *picture, stop);
}

HttpResponse validate(const HttpRequest& request, bool from_image, const std::stop_token& stop) {
  const Json body = Json::parse(request.body, nullptr, false);
  if (!body.is_object()) {
    return problem(422, "body: a JSON object was expected");
  }
  if (body.find("data") == body.end()) {
    return problem(422, "data: required");
  }
  if (!from_image && body.value("prompt", Json()).is_string() &&
      body["prompt"].get_ref<const std::string&>().size() > kMaxScoredPrompt) {
    return problem(422, "prompt: at most 1024 characters");
  }
  const Result<judge::Verdict> verdict = judge_request(body, from_image, stop);
  if (!verdict) {
    return problem(status_of(verdict.error().code), verdict.error().context);
  }
  return make_response(200, "application/json", dump(verdict_json(*verdict)));
}

}  // namespace

GenerationService::GenerationService(std::unique_ptr<pipeline::Backend> backend)
    : backend_(std::move(backend)) {}

RouteKind GenerationService::route_kind(const HttpRequest& request) {
  const std::string_view path = path_of(request);
  if (path == "/health" || path == "/version/") {
    return RouteKind::quick;
  }
  if (path == "/generate/" || path == "/validate_txt_to_3d_ply/" ||
      path == "/validate_img_to_3d_ply/") {
    return RouteKind::job;
  }
  return RouteKind::unknown;
}

HttpResponse GenerationService::answer_quick(const HttpRequest& request, int queued,
                                             int running) const {
  if (path_of(request) == "/health") {
    const Json health = {{"status", "ok"},
                         {"backend", backend_->name()},
                         {"device", "cpu"},
                         {"queued", queued},
                         {"running", running}};
    return make_response(200, "application/json", dump(health));
  }
  if (path_of(request) == "/version/") {
    return make_response(200, "application/json", dump(kVersion));
  }
  return problem(404, "no such route");
}

HttpResponse GenerationService::run_job(const HttpRequest& request, std::stop_token stop) {
  if (request.method != "POST") {
    return problem(405, "POST was expected");
  }
  const std::string_view path = path_of(request);
  if (path == "/generate/") {
    return generate(request, stop);
  }
  return validate(request, path == "/validate_img_to_3d_ply/", stop);
}

HttpResponse GenerationService::generate(const HttpRequest& request, std::stop_token stop) {
  const auto fields = form_decode(request);
  if (!fields) {
    return problem(status_of(fields.error().code), fields.error().context);
  }
  const std::string* prompt = find_field(*fields, "prompt");
  if (prompt == nullptr) {
    return problem(422, "prompt: required");
  }
  const auto seed = read_seed(find_field(*fields, "seed"));
  if (!seed) {
    return problem(422, seed.error().context);
  }
  const auto asset = backend_->generate(pipeline::request_from_prompt(*prompt, *seed), stop);
  if (!asset) {
    return problem(status_of(asset.error().code), asset.error().context);
  }
  const Bytes ply = splat::encode_ply(asset->cloud, {.normals = true});
  HttpResponse response = make_response(200, "application/octet-stream", std::string(as_text(ply)));
  response.headers.add("x-lode-stages", dump(stages_json(asset->stages)));
  return response;
}

}  // namespace lode::service
