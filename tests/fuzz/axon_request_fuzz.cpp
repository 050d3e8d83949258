// Any bytes as a request to an axon: a finished answer of a known status, or a body to handle.
// The input is a target, header lines "name: value", an empty line and the body.
#include <cstdint>
#include <variant>

#include "base/assert.h"
#include "subnet/axon.h"

namespace {

using namespace lode;

/// Cuts the first line off `text`.
std::string take_line(std::string_view& text) {
  const std::string line(text.substr(0, text.find('\n')));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

HttpRequest request_from(std::string_view text) {
  HttpRequest request;
  request.method = "POST";
  request.target = take_line(text);
  for (std::string line = take_line(text); !line.empty(); line = take_line(text)) {
    const std::size_t colon = line.find(": ");
    if (colon != line.npos) {
      request.headers.add(line.substr(0, colon), line.substr(colon + 2));
    }
  }
  request.body = text;
  return request;
}

void answer(const subnet::RequestHead& head, const subnet::RequestBody& body) {
  HttpResponse response;
  if (head.synapse == "PullTask") {
    response = subnet::make_pull_response(body, {});
  } else if (head.synapse == "SubmitResults") {
    response = subnet::make_submit_response(body, {});
    static_cast<void>(subnet::verify_result_signature(body.submission, "prompt", body.axon_hotkey,
                                                      body.dendrite_hotkey));
  } else {
    response = subnet::make_version_response(body, {});
  }
  LODE_ASSERT(response.status == 200, "an accepted request can be answered");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const HttpRequest request = request_from({reinterpret_cast<const char*>(data), size});
  subnet::Axon axon("5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
                    [](const subnet::RequestHead&) { return std::nullopt; });
  const Time now{std::chrono::nanoseconds(1757400000123456789)};
  const auto head = axon.accept_head(request, now);
  if (const auto* accepted = std::get_if<subnet::RequestHead>(&head)) {
    const auto body = axon.accept_body(*accepted, request);
    if (const auto* parsed = std::get_if<subnet::RequestBody>(&body)) {
      answer(*accepted, *parsed);
    }
  }
  return 0;
}
