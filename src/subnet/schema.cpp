#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "subnet/schema_internal.h"

namespace lode::subnet {
namespace {

using enum FieldKind;

constexpr Field kTerminalFields[] = {
    {"status_code", cast_integer, true, "null"},
    {"status_message", text, true, "null"},
    {"process_time", real, true, "null"},
    {"ip", text, true, "null"},
    {"port", cast_integer, true, "null"},
    {"version", cast_integer, true, "null"},
    {"nonce", cast_integer, true, "null"},
    {"uuid", text, true, "null"},
    {"hotkey", text, true, "null"},
    {"signature", text, true, "null"},
};
constexpr Model kTerminal = {"TerminalInfo", kTerminalFields};

constexpr Field kSynapseFields[] = {
    {"name", text, true, "null"},
    {"timeout", real, true, "12.0"},
    {"total_size", cast_integer, true, "0"},
    {"header_size", cast_integer, true, "0"},
    {"dendrite", object, true, "{}", &kTerminal},
    {"axon", object, true, "{}", &kTerminal},
    {"computed_body_hash", text, true, "\"\""},
};
constexpr Model kSynapse = {"Synapse", kSynapseFields};

/// TextTask and ImageTask in one: they differ in the value of `type` alone.
constexpr Field kTaskFields[] = {
    {"type", task_type, false, "\"text\""},
    {"id", text, false, "\"\""},
    {"prompt", text, false, "\"\""},
};
constexpr Model kTask = {"Task", kTaskFields};

constexpr Field kFeedbackFields[] = {
    {"validation_failed", boolean, false, "false"},
    {"task_fidelity_score", real, false, "0.0"},
    {"average_fidelity_score", real, false, "0.0"},
    {"generations_within_the_window", integer, false, "0"},
    {"current_duel_rating", real, false, "0.0"},
    {"current_miner_reward", real, false, "0.0"},
};
constexpr Model kFeedback = {"Feedback", kFeedbackFields};

constexpr Field kPullFields[] = {
    {"task", object, true, "null", &kTask},       {"validation_threshold", real, false, "0.6"},
    {"throttle_period", integer, false, "0"},     {"cooldown_until", integer, false, "0"},
    {"cooldown_violations", integer, false, "0"},
};

constexpr Field kSubmissionFields[] = {
    {"task", object, true, "null", &kTask}, {"task_id", text, false, "\"\""},
    {"results", text, false, ""},           {"data_format", text, false, "\"ply\""},
    {"data_ver", integer, false, "0"},      {"compression", integer, false, "2"},
    {"submit_time", integer, false, ""},    {"signature", text, false, ""},
};
constexpr Model kSubmission = {"SubmitResults", kSubmissionFields, &kSynapse};

constexpr Field kSubmitReplyFields[] = {
    {"feedback", object, true, "null", &kFeedback},
    {"cooldown_until", integer, false, "0"},
};

constexpr Field kVersionFields[] = {
    {"version", integer, false, "0"},
    {"validation_version", text, false, "\"\""},
};

}  // namespace

constexpr Model kPullTaskModel = {"PullTask", kPullFields, &kSynapse};
constexpr Model kSubmitResultsModel = {"SubmitResults", kSubmitReplyFields, &kSubmission};
constexpr Model kGetVersionModel = {"GetVersion", kVersionFields, &kSynapse};
constexpr Model kPullReplyModel = {"PullTask", kPullFields};
constexpr Model kSubmitReplyModel = {"SubmitResults", kSubmitReplyFields};
constexpr Model kVersionReplyModel = {"GetVersion", kVersionFields};

namespace {

bool equal_without_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const std::size_t first = text.find_first_not_of(kBlank);
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// A whole number as T: std::from_chars and nothing left over.
template <class T>
std::optional<T> parse_whole(std::string_view digits) {
  // from_chars knows no '+', and would take the "-5" of "+-5".
  if (digits.starts_with('+')) {
    digits.remove_prefix(1);
    if (digits.starts_with('-')) {
      return std::nullopt;
    }
  }
  T value{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) {
    return std::nullopt;
  }
  return value;
}

/// The integer that a finite real without fraction stands for.
std::optional<std::int64_t> whole_part(double real_value) {
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (std::trunc(real_value) != real_value || real_value < -kLimit || real_value >= kLimit) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(real_value);
}

std::optional<std::int64_t> as_integer(const Json& value) {
  if (value.is_boolean()) {
    return value.get<bool>() ? 1 : 0;
  }
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) {
    return std::nullopt;
  }
  if (value.is_number_integer()) {
    return value.get<std::int64_t>();
  }
  if (value.is_number_float()) {
    return whole_part(value.get<double>());
  }
  if (value.is_string()) {
    std::string_view digits = trim(value.get_ref<const std::string&>());
    // pydantic takes "12.0" for 12, but neither "12." nor ".0".
    const std::size_t point = digits.find('.');
    if (point != digits.npos && point > 0 && point + 1 < digits.size() &&
        digits.find_first_not_of('0', point + 1) == digits.npos) {
      digits = digits.substr(0, point);
    }
    return parse_whole<std::int64_t>(digits);
  }
  return std::nullopt;
}

/// Python's int(), which the SDK applies to its own integers before pydantic sees them: it cuts
/// fractions off, and takes no point in a string.
std::optional<std::int64_t> as_cast_integer(const Json& value) {
  if (value.is_number_float()) {
    return whole_part(std::trunc(value.get<double>()));
  }
  if (value.is_string()) {
    return parse_whole<std::int64_t>(trim(value.get_ref<const std::string&>()));
  }
  return as_integer(value);
}

std::optional<double> as_real(const Json& value) {
  std::optional<double> number;
  if (value.is_boolean()) {
    number = value.get<bool>() ? 1 : 0;
  } else if (value.is_number()) {
    number = value.get<double>();
  } else if (value.is_string()) {
    number = parse_whole<double>(trim(value.get_ref<const std::string&>()));
  }
  return number && std::isfinite(*number) ? number : std::nullopt;
}

std::optional<bool> as_boolean(const Json& value) {
  if (value.is_boolean()) {
    return value.get<bool>();
  }
  if (value.is_number()) {
    const double number = value.get<double>();
    return number == 0 || number == 1 ? std::optional(number == 1) : std::nullopt;
  }
  if (value.is_string()) {
    const auto& word = value.get_ref<const std::string&>();
    const auto is_word = [&](std::string_view other) { return equal_without_case(word, other); };
    constexpr std::string_view kTrue[] = {"1", "true", "t", "yes", "y", "on"};
    constexpr std::string_view kFalse[] = {"0", "false", "f", "no", "n", "off"};
    if (std::any_of(std::begin(kTrue), std::end(kTrue), is_word)) {
      return true;
    }
    if (std::any_of(std::begin(kFalse), std::end(kFalse), is_word)) {
      return false;
    }
  }
  return std::nullopt;
}

template <class T>
bool assign(Json& value, const std::optional<T>& converted) {
  if (converted) {
    value = *converted;
  }
  return converted.has_value();
}

/// Converts a scalar to the field's own type; false when it cannot be.
bool convert(FieldKind kind, Json& value) {
  switch (kind) {
    case text:
      return value.is_string();
    case integer:
      return assign(value, as_integer(value));
    case cast_integer:
      return assign(value, as_cast_integer(value));
    case real:
      return assign(value, as_real(value));
    case boolean:
      return assign(value, as_boolean(value));
    case task_type:
      return value == "text" || value == "image";
    case object:
      return value.is_object();
  }
  return false;
}

std::string_view describe(FieldKind kind) {
  switch (kind) {
    case text:
      return "a string";
    case integer:
    case cast_integer:
      return "an integer of 64 bits";
    case real:
      return "a finite number";
    case boolean:
      return "true or false";
    case task_type:
      return "\"text\" or \"image\"";
    case object:
      return "an object";
  }
  return "";
}

Result<void> conform_field(const Field& field, Json& value) {
  if (value.is_null() && field.is_nullable) {
    return {};
  }
  if (!convert(field.kind, value)) {
    return fail(Errc::invalid_input, std::string(field.name) + ": " +
                                         std::string(describe(field.kind)) + " was expected");
  }
  if (field.kind == object) {
    if (auto inner = conform(*field.model, value); !inner) {
      Error error = inner.error();
      error.context = std::string(field.name) + "." + error.context;
      return error;
    }
  }
  return {};
}

/// Moves the model's fields from `source` to `out`, base first.
Result<void> take_fields(const Model& model, Json& source, Json& out) {
  if (model.base != nullptr) {
    LODE_CHECK(take_fields(*model.base, source, out));
  }
  for (const Field& field : model.fields) {
    const auto found = source.find(field.name);
    if (found == source.end() && field.fallback.empty()) {
      return fail(Errc::invalid_input, std::string(field.name) + ": missing");
    }
    Json value = found == source.end() ? Json::parse(field.fallback) : std::move(*found);
    LODE_CHECK(conform_field(field, value));
    out[std::string(field.name)] = std::move(value);
  }
  return {};
}

}  // namespace

const Model* find_message(std::string_view synapse) {
  for (const Model* model : {&kPullTaskModel, &kSubmitResultsModel, &kGetVersionModel}) {
    if (model->name == synapse) {
      return model;
    }
  }
  return nullptr;
}

Result<void> conform(const Model& model, Json& value) {
  if (!value.is_object()) {
    return fail(Errc::invalid_input, "an object was expected");
  }
  Json out = Json::object();
  LODE_CHECK(take_fields(model, value, out));
  value = std::move(out);
  return {};
}

Result<std::int64_t> parse_python_int(std::string_view digits) {
  if (const auto value = parse_whole<std::int64_t>(trim(digits))) {
    return *value;
  }
  return fail(Errc::invalid_input, "an integer of 64 bits was expected");
}

Result<double> parse_python_float(std::string_view digits) {
  const auto value = parse_whole<double>(trim(digits));
  if (value && std::isfinite(*value)) {
    return *value;
  }
  return fail(Errc::invalid_input, "a finite number was expected");
}

}  // namespace lode::subnet
