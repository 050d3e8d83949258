#include "pipeline/backend.h"

#include "base/encoding.h"
#include "image/codec.h"
#include "pipeline/registry.h"
#include "pipeline/sketch_internal.h"

namespace lode::pipeline {

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

Result<void> check_prompt(std::string_view prompt) {
  if (prompt.size() > kMaxPromptBytes) {
    return fail(Errc::limit_exceeded, "prompt: " + std::to_string(prompt.size()) +
                                          " bytes, at most " + std::to_string(kMaxPromptBytes) +
                                          " are read");
  }
  if (prompt.find_first_not_of(" \t\r\n") == std::string::npos) {
    return fail(Errc::invalid_input, "prompt: empty");
  }
  return {};
}

Result<std::unique_ptr<Backend>> make_backend(std::string_view name) {
  if (name == "sketch") {
    return make_sketch_backend();
  }
  if (name == "chain") {
    return make_weightless_chain({});
  }
  return fail(Errc::not_found, "backend '" + std::string(name) + "': known are: sketch, chain");
}

}  // namespace lode::pipeline
