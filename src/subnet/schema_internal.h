// The messages' fields as pydantic declares them, and pydantic's rules for reading them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>

#include "base/result.h"

namespace lode::subnet {

using Json = nlohmann::ordered_json;

/// What a field may hold. In pydantic's lax mode an integer may also be written as a real without
/// fraction, as a decimal string or as a boolean, and likewise for reals and booleans.
enum class FieldKind {
  text,
  integer,       ///< 64 bits, signed
  cast_integer,  ///< the same, read as Python's int() reads it
  real,          ///< finite
  boolean,
  task_type,  ///< "text" or "image"
  object
};

struct Model;

struct Field {
  std::string_view name;
  FieldKind kind = FieldKind::text;
  bool is_nullable = false;
  std::string_view fallback;     ///< JSON text of the default; empty for a required field
  const Model* model = nullptr;  ///< of the object, when kind is object
};

struct Model {
  std::string_view name;
  std::span<const Field> fields;
  const Model* base = nullptr;  ///< whose fields come first
};

// Whole messages, with the fields that every synapse inherits.
extern const Model kPullTaskModel;
extern const Model kSubmitResultsModel;
extern const Model kGetVersionModel;

// Only the fields that a handler sets: what a miner reads from a reply.
extern const Model kPullReplyModel;
extern const Model kSubmitReplyModel;
extern const Model kVersionReplyModel;

/// The whole message called `synapse`, or nullptr.
const Model* find_message(std::string_view synapse);

/// Rewrites `value` as the model has it: fields in the model's order and in their own types, absent
/// ones by default, unknown ones dropped. The error names the field by its path ("task.type").
Result<void> conform(const Model& model, Json& value);

// Texts of numbers as Python's int() and float() read them, without infinities and NaN.
Result<std::int64_t> parse_python_int(std::string_view text);
Result<double> parse_python_float(std::string_view text);

}  // namespace lode::subnet
