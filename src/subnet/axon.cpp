#include "subnet/axon.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/encoding.h"
#include "base/json.h"
#include "subnet/schema_internal.h"
#include "subnet/wire_internal.h"

namespace lode::subnet {
namespace {

constexpr double kNanosecondsPerSecond = 1e9;
constexpr double kAllowedDeltaSeconds = 4;

/// From SDK 7.2.0 on, first use of an endpoint is bound to a time window.
constexpr std::int64_t kWindowedVersion = 7'002'000;

/// `{"message": text}`; text may hold whatever a header held.
HttpResponse error_response(int status, std::string text) {
  const Json body = {{"message", std::move(text)}};
  return make_response(status, "application/json",
                       body.dump(-1, ' ', false, Json::error_handler_t::replace));
}

/// The integer under a header, nothing when absent.
Result<std::optional<std::int64_t>> int_header(const HttpHeaders& headers, std::string_view name) {
  const std::string* text = headers.find(name);
  if (text == nullptr) {
    return std::optional<std::int64_t>();
  }
  LODE_TRY(const std::int64_t value, parse_python_int(*text));
  return std::optional(value);
}

/// Headers that no later step reads, but whose parse can fail all the same.
Result<void> check_other_numbers(const HttpHeaders& headers) {
  for (const char* name :
       {"header_size", "total_size", "bt_header_axon_port", "bt_header_axon_version",
        "bt_header_axon_nonce", "bt_header_axon_status_code", "bt_header_dendrite_port",
        "bt_header_dendrite_status_code"}) {
    LODE_CHECK(int_header(headers, name));
  }
  for (const char* name : {"bt_header_axon_process_time", "bt_header_dendrite_process_time"}) {
    if (const std::string* text = headers.find(name)) {
      LODE_CHECK(parse_python_float(*text));
    }
  }
  return {};
}

/// The bt_header_input_obj_ headers: base64 of JSON, one for each required field.
Result<void> check_required_fields(const Model& model, const HttpHeaders& headers) {
  Json values = Json::object();
  constexpr std::string_view kPrefix = "bt_header_input_obj_";
  for (const auto& [any_case, text] : headers) {
    std::string name = any_case;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (name.starts_with(kPrefix)) {
      LODE_TRY(const Bytes plain, base64_decode(text));
      LODE_TRY(values[name.substr(kPrefix.size())], parse_json(as_text(plain)));
    }
  }
  return conform(model, values);
}

Result<RequestHead> parse_head(const Model& model, const HttpHeaders& headers) {
  RequestHead head;
  head.synapse = model.name;
  if (const std::string* text = headers.find("timeout")) {
    LODE_TRY(head.timeout, parse_python_float(*text));
  }
  LODE_TRY(head.version, int_header(headers, "bt_header_dendrite_version"));
  LODE_TRY(head.nonce, int_header(headers, "bt_header_dendrite_nonce"));
  LODE_CHECK(check_other_numbers(headers));
  LODE_CHECK(check_required_fields(model, headers));
  const auto text_of = [&](const char* name) {
    const std::string* text = headers.find(name);
    return text == nullptr ? std::string() : *text;
  };
  head.uuid = text_of("bt_header_dendrite_uuid");
  head.hotkey = text_of("bt_header_dendrite_hotkey");
  head.signature = text_of("bt_header_dendrite_signature");
  head.computed_body_hash = text_of("computed_body_hash");
  return head;
}

std::string stale_nonce_text(double acceptable_seconds, double age_seconds) {
  char text[128];
  std::snprintf(text, sizeof(text),
                "Nonce is too old: acceptable delta is %.2f seconds but request was %.2f seconds "
                "old",
                acceptable_seconds, age_seconds);
  return text;
}

/// A signature from decoded bytes; nothing when they are not 64.
std::optional<chain::Signature> signature_from(const Result<Bytes>& bytes) {
  chain::Signature signature;
  if (!bytes || bytes->size() != signature.size()) {
    return std::nullopt;
  }
  std::copy(bytes->begin(), bytes->end(), signature.begin());
  return signature;
}

bool is_json_content(const HttpHeaders& headers) {
  const std::string* type = headers.find("content-type");
  if (type == nullptr) {
    return true;
  }
  const std::string_view media = std::string_view(*type).substr(0, type->find(';'));
  return media == "application/json" ||
         (media.starts_with("application/") && media.ends_with("+json"));
}

/// FastAPI's answer to a body that is no JSON.
HttpResponse unreadable_body() {
  const Json body = {{"detail", Json::array({{{"type", "json_invalid"},
                                              {"loc", Json::array({"body"})},
                                              {"msg", "JSON decode error"}}})}};
  return make_response(422, "application/json", body.dump());
}

/// `terminal.hotkey`, or empty when either is null.
std::string hotkey_of(const Json& terminal) {
  if (terminal.is_null() || terminal.at("hotkey").is_null()) {
    return "";
  }
  return terminal.at("hotkey").get<std::string>();
}

Submission submission_from(const Json& body) {
  Submission submission;
  if (const Json& task = body.at("task"); !task.is_null()) {
    submission.task = task_from(Json(task));
  }
  // The id of its own wins; the echoed task only stands in for an absent one.
  if (const auto& id = body.at("task_id").get_ref<const std::string&>(); !id.empty()) {
    submission.task.id = id;
  }
  submission.results = body.at("results").get<std::string>();
  submission.submit_time = body.at("submit_time").get<std::int64_t>();
  submission.signature = body.at("signature").get<std::string>();
  return submission;
}

}  // namespace

Axon::Axon(std::string hotkey_ss58, Blacklist blacklist)
    : hotkey_(std::move(hotkey_ss58)), blacklist_(std::move(blacklist)) {}

std::variant<RequestHead, HttpResponse> Axon::accept_head(const HttpRequest& request, Time now) {
  std::string_view path = std::string_view(request.target).substr(0, request.target.find('?'));
  path.remove_prefix(path.starts_with('/') ? 1 : 0);
  const Model* model = find_message(path);
  if (model == nullptr) {
    return error_response(404, "Synapse name '" + std::string(path) +
                                   "' not found. Available synapses " +
                                   "['PullTask', 'SubmitResults', 'GetVersion']");
  }
  Result<RequestHead> head = parse_head(*model, request.headers);
  if (!head) {
    return make_internal_error();
  }
  if (const auto reason = blacklist_(*head)) {
    return error_response(403, "Forbidden. Key is blacklisted: " + *reason + ".");
  }
  if (const auto fault = find_verification_fault(*head, now)) {
    return error_response(401, "Not Verified with error: " + *fault);
  }
  if (request.method != "POST" && request.method != "GET") {
    const Json body = {{"detail", "Method Not Allowed"}};
    return make_response(405, "application/json", body.dump());
  }
  return *std::move(head);
}

std::optional<std::string> Axon::find_verification_fault(const RequestHead& head, Time now) {
  const auto key = chain::ss58_decode(head.hotkey);
  if (!key) {
    return key.error().context;
  }
  if (!head.nonce) {
    return "Missing Nonce";
  }
  std::string endpoint = head.hotkey + ":" + head.uuid;
  const auto last = last_nonce_.find(endpoint);
  if (last != last_nonce_.end()) {
    if (*head.nonce <= last->second) {
      return "Nonce is too old, a newer one was last processed";
    }
  } else if (head.version.value_or(0) >= kWindowedVersion) {
    const double delta = kAllowedDeltaSeconds + head.timeout.value_or(0);
    const double age =
        (static_cast<double>(now.time_since_epoch().count()) - static_cast<double>(*head.nonce)) /
        kNanosecondsPerSecond;
    if (age >= delta) {
      return stale_nonce_text(delta, age);
    }
  }
  if (!head.signature.empty()) {  // the SDK lets unsigned requests pass
    const auto signature = signature_from(hex_decode(head.signature));
    if (!signature) {
      return "Signature: 64 bytes of hexadecimal were expected";
    }
    const std::string text =
        request_text(*head.nonce, head.hotkey, hotkey_, head.uuid, head.computed_body_hash);
    if (!verify_text(*key, text, *signature)) {
      return "Signature mismatch with " + text + " and " + head.signature;
    }
  }
  remember_nonce(std::move(endpoint), *head.nonce);
  return std::nullopt;
}

void Axon::remember_nonce(std::string endpoint, std::int64_t nonce) {
  last_nonce_[std::move(endpoint)] = nonce;
  if (last_nonce_.size() <= kMaxEndpoints) {
    return;
  }
  std::vector<std::int64_t> nonces;
  nonces.reserve(last_nonce_.size());
  for (const auto& [name, value] : last_nonce_) {
    nonces.push_back(value);
  }
  const auto middle = nonces.begin() + static_cast<std::ptrdiff_t>(nonces.size() / 2);
  std::nth_element(nonces.begin(), middle, nonces.end());
  std::erase_if(last_nonce_,
                [limit = *middle](const auto& entry) { return entry.second <= limit; });
}

std::variant<RequestBody, HttpResponse> Axon::accept_body(const RequestHead& head,
                                                          const HttpRequest& request) const {
  if (!is_json_content(request.headers) || request.body.empty()) {
    return make_internal_error();
  }
  auto body = parse_json(request.body);
  if (!body) {
    return unreadable_body();
  }
  const Model* model = find_message(head.synapse);
  if (body->is_object()) {
    (*body)["name"] = head.synapse;  // whatever the client called it
  }
  if (model == nullptr || !conform(*model, *body) || head.computed_body_hash != kEmptyBodyHash) {
    return make_internal_error();
  }
  RequestBody parsed;
  parsed.dendrite_hotkey = hotkey_of(body->at("dendrite"));
  parsed.axon_hotkey = hotkey_of(body->at("axon"));
  if (model == &kSubmitResultsModel) {
    parsed.submission = submission_from(*body);
    // The reply empties these, so it need not carry megabytes around.
    (*body)["task_id"] = parsed.submission.task.id;
    (*body)["results"] = "";
    (*body)["signature"] = "";
  }
  parsed.json = body->dump();
  return parsed;
}

HttpResponse make_internal_error() {
  return error_response(500, "Internal Server Error #" + make_uuid4());
}

Result<bool> verify_result_signature(const Submission& submission, std::string_view task_prompt,
                                     std::string_view axon_hotkey,
                                     std::string_view dendrite_hotkey) {
  const auto signature = signature_from(base64_decode(submission.signature));
  if (!signature) {
    return fail(Errc::invalid_input, "signature: base64 of 64 bytes was expected");
  }
  LODE_TRY(const chain::PublicKey key, chain::ss58_decode(dendrite_hotkey));
  return verify_text(key,
                     result_text(submission.submit_time, task_prompt, axon_hotkey, dendrite_hotkey),
                     *signature);
}

}  // namespace lode::subnet
