#include "service/generation_service.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "service/responses_internal.h"
#include "service/validation.h"
#include "splat/ply.h"

namespace lode::service {
namespace {

using Json = nlohmann::json;

/// Ours, and that of the validators' service whose routes and answers these are.
constexpr std::string_view kVersion = "lode-0.1";
constexpr std::string_view kValidationVersion = "2.4.0";

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

}  // namespace

GenerationService::GenerationService(std::unique_ptr<pipeline::Backend> backend,
                                     std::unique_ptr<pipeline::Critic> judge)
    : backend_(std::move(backend)), judge_(std::move(judge)) {}

RouteKind GenerationService::route_kind(const HttpRequest& request) {
  const std::string_view path = path_of(request);
  if (path == "/health" || path == "/version/") {
    return RouteKind::quick;
  }
  if (path == "/generate/" || path == "/validate_txt_to_3d_ply/" ||
      path == "/validate_img_to_3d_ply/" || path == "/render_duel_view/") {
    return RouteKind::job;
  }
  return RouteKind::unknown;
}

HttpResponse GenerationService::answer_quick(const HttpRequest& request, int queued,
                                             int running) const {
  if (path_of(request) == "/health") {
    const Json health = {{"status", "ok"},
                         {"backend", backend_->name()},
                         {"stages", backend_->description()},
                         {"judge", judge_->name()},
                         {"version", kVersion},
                         {"queued", queued},
                         {"running", running}};
    return make_response(200, "application/json", dump(health));
  }
  if (path_of(request) == "/version/") {
    return make_response(200, "application/json", dump(kValidationVersion));
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
  if (path == "/render_duel_view/") {
    return render_duel_view(request, stop);
  }
  const auto prompt = path == "/validate_img_to_3d_ply/" ? PromptKind::picture : PromptKind::text;
  return validate(request, prompt, *judge_, stop);
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
