#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "subnet/dendrite.h"
#include "subnet/wire_internal.h"

namespace lode::subnet {
namespace {

/// `sys.getsizeof` of a header dict with 11 to 21 entries, as every message has; no axon checks it.
constexpr std::string_view kHeaderSize = "464";

/// A field as a header's text, as Python's str() has it.
std::string header_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Whether a text can stand in a header: an axon echoes what a body said, which may hold line
/// breaks or megabytes.
bool is_header_safe(std::string_view text) {
  constexpr std::size_t kMaxHeaderText = 1024;
  return text.size() <= kMaxHeaderText &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

void add_terminal(std::string_view side, const Json& terminal, HttpHeaders& headers) {
  if (terminal.is_null()) {
    return;
  }
  for (const auto& [name, value] : terminal.items()) {
    std::string text = value.is_null() ? "" : header_text(value);
    if (!value.is_null() && is_header_safe(text)) {
      headers.add("bt_header_" + std::string(side) + "_" + name, std::move(text));
    }
  }
}

/// Base64 of the JSON of an empty instance, for every required field: the axon builds a first
/// synapse from headers alone and needs a value of the right type in each.
void add_required_fields(const Model& model, HttpHeaders& headers) {
  if (model.base != nullptr) {
    add_required_fields(*model.base, headers);
  }
  for (const Field& field : model.fields) {
    if (field.fallback.empty()) {
      const std::string_view empty = field.kind == FieldKind::integer ? "0" : "\"\"";
      headers.add("bt_header_input_obj_" + std::string(field.name), base64_encode(as_bytes(empty)));
    }
  }
}

}  // namespace

// The declaration is wire data: validators compare signatures over exactly these 199 bytes.
const std::string_view kLicenseDeclaration =
    "I, as a miner on SN17, have obtained all licenses, rights and consents required to use, "
    "reproduce, modify, display, distribute and make available my submitted results to this "
    "subnet and its end users";

std::string request_text(std::int64_t nonce, std::string_view dendrite_hotkey,
                         std::string_view axon_hotkey, std::string_view uuid,
                         std::string_view body_hash) {
  std::string text = std::to_string(nonce);
  for (const std::string_view part : {dendrite_hotkey, axon_hotkey, uuid, body_hash}) {
    text += '.';
    text += part;
  }
  return text;
}

std::string result_text(std::int64_t submit_time, std::string_view prompt,
                        std::string_view validator_hotkey, std::string_view miner_hotkey) {
  std::string text(kLicenseDeclaration);
  text += std::to_string(submit_time);
  text += prompt;
  text += validator_hotkey;
  text += miner_hotkey;
  return text;
}

bool verify_text(const chain::PublicKey& key, std::string_view text,
                 const chain::Signature& signature) {
  if (chain::verify(key, as_bytes(text), signature)) {
    return true;
  }
  std::string wrapped = "<Bytes>";
  wrapped += text;
  wrapped += "</Bytes>";
  return chain::verify(key, as_bytes(wrapped), signature);
}

HttpHeaders to_headers(const Model& model, const Json& synapse) {
  HttpHeaders headers;
  headers.add("name", std::string(model.name));
  if (!synapse.at("timeout").is_null()) {
    headers.add("timeout", header_text(synapse.at("timeout")));
  }
  add_terminal("axon", synapse.at("axon"), headers);
  add_terminal("dendrite", synapse.at("dendrite"), headers);
  add_required_fields(model, headers);
  headers.add("header_size", std::string(kHeaderSize));
  headers.add("total_size", header_text(synapse.at("total_size")));
  headers.add("computed_body_hash", std::string(kEmptyBodyHash));
  return headers;
}

std::string to_python_json(const Json& value) {
  if (!value.is_structured()) {
    return value.dump(-1, ' ', true);
  }
  std::string text(1, value.is_object() ? '{' : '[');
  for (const auto& [key, item] : value.items()) {
    if (text.size() > 1) {
      text += ", ";
    }
    if (value.is_object()) {
      text += Json(key).dump(-1, ' ', true) + ": ";
    }
    text += to_python_json(item);
  }
  text += value.is_object() ? '}' : ']';
  return text;
}

std::string_view to_string(Task::Type type) { return type == Task::Type::image ? "image" : "text"; }

Json to_json(const Task& task) {
  return {{"type", to_string(task.type)}, {"id", task.id}, {"prompt", task.prompt}};
}

Task task_from(Json&& task) {
  return {task.at("type") == "image" ? Task::Type::image : Task::Type::text,
          std::move(task.at("id").get_ref<std::string&>()),
          std::move(task.at("prompt").get_ref<std::string&>())};
}

std::string make_uuid4() {
  std::array<std::uint8_t, 16> bytes;
  chain::system_entropy(bytes);
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  std::string text = hex_encode(bytes);
  for (const std::size_t dash : {8, 13, 18, 23}) {
    text.insert(dash, 1, '-');
  }
  return text;
}

}  // namespace lode::subnet
