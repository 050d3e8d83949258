// The writing side of safetensors: the reference writer's order, header and padding.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/file.h"
#include "weights/safetensors.h"
#include "weights/tensor_rules_internal.h"

namespace lode::weights {
namespace {

constexpr std::size_t kAlignment = 8;

/// The reference's Dtype enumeration, whose order is that of its writer, backwards.
int reference_rank(DType dtype) {
  constexpr DType kOrder[] = {DType::i64,     DType::f64, DType::f32, DType::i32,
                              DType::bf16,    DType::f16, DType::i16, DType::f8_e4m3,
                              DType::f8_e5m2, DType::i8,  DType::u8,  DType::boolean};
  const auto found = std::ranges::find(kOrder, dtype);
  LODE_ASSERT(found != std::end(kOrder), "every type has a rank");
  return static_cast<int>(found - std::begin(kOrder));
}

using Order = std::vector<const TensorToWrite*>;

Order in_reference_order(std::span<const TensorToWrite> tensors) {
  Order order;
  order.reserve(tensors.size());
  for (const TensorToWrite& tensor : tensors) {
    order.push_back(&tensor);
  }
  std::ranges::sort(order, [](const TensorToWrite* a, const TensorToWrite* b) {
    const int rank_a = reference_rank(a->dtype), rank_b = reference_rank(b->dtype);
    return rank_a != rank_b ? rank_a < rank_b : a->name < b->name;
  });
  return order;
}

/// A JSON string; the reference's serialiser (serde_json) escapes the same characters the same way.
Result<std::string> json_string(std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::type_error&) {
    return fail(Errc::invalid_input, in_quotes(text) + ": not UTF-8");
  }
}

Result<std::string> json_name(std::string_view name) {
  if (name.size() > kMaxNameBytes) {
    return fail(Errc::limit_exceeded, "name " + in_quotes(name) + " is longer than " +
                                          std::to_string(kMaxNameBytes) + " bytes");
  }
  return json_string(name);
}

Result<std::string> metadata_json(const std::map<std::string, std::string>& metadata) {
  if (metadata.size() > kMaxMetadataEntries) {
    return fail(Errc::limit_exceeded,
                "metadata: more than " + std::to_string(kMaxMetadataEntries) + " entries");
  }
  std::string json;
  for (const auto& [key, value] : metadata) {
    LODE_TRY(const std::string key_json, json_name(key));
    LODE_TRY(const std::string value_json, json_string(value));
    json += (json.empty() ? "" : ",") + key_json + ":" + value_json;
  }
  return "\"__metadata__\":{" + json + "}";
}

/// `"name":{...}` for a tensor whose bytes start at `begin` of the data section.
Result<std::string> tensor_json(const TensorToWrite& tensor, std::size_t begin) {
  if (tensor.name == "__metadata__") {
    return fail(Errc::invalid_input, "a tensor cannot be called \"__metadata__\"");
  }
  LODE_TRY(const std::string name, json_name(tensor.name));
  auto bytes = bytes_of_shape(tensor.dtype, tensor.shape);
  if (!bytes) {
    return annotate(std::move(bytes).error(), "tensor " + in_quotes(tensor.name));
  }
  if (*bytes != tensor.bytes.size()) {
    return fail(Errc::invalid_input, "tensor " + in_quotes(tensor.name) + ": " +
                                         std::to_string(tensor.bytes.size()) +
                                         " bytes, the shape asks for " + std::to_string(*bytes));
  }
  std::string shape;
  for (const std::int64_t dimension : tensor.shape) {
    shape += (shape.empty() ? "" : ",") + std::to_string(dimension);
  }
  return name + ":{\"dtype\":\"" + std::string(to_string(tensor.dtype)) + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + std::to_string(begin) + "," +
         std::to_string(begin + tensor.bytes.size()) + "]}";
}

Result<std::string> header_json(const Order& order,
                                const std::map<std::string, std::string>& metadata) {
  if (order.size() > kMaxTensors) {
    return fail(Errc::limit_exceeded, "more than " + std::to_string(kMaxTensors) + " tensors");
  }
  std::vector<std::string_view> names;
  names.reserve(order.size());
  for (const TensorToWrite* tensor : order) {
    names.push_back(tensor->name);
  }
  LODE_CHECK(refuse_equal_names(std::move(names)));
  std::string json = "{";
  if (!metadata.empty()) {
    LODE_TRY(const std::string entry, metadata_json(metadata));
    json += entry;
  }
  std::size_t begin = 0;
  for (const TensorToWrite* tensor : order) {
    LODE_TRY(const std::string entry, tensor_json(*tensor, begin));
    json += (json.size() == 1 ? "" : ",") + entry;
    begin += tensor->bytes.size();
  }
  json += '}';
  json.append((kAlignment - json.size() % kAlignment) % kAlignment, ' ');
  if (json.size() > kMaxHeaderBytes) {
    return fail(Errc::limit_exceeded, "header: " + std::to_string(json.size()) +
                                          " bytes, at most " + std::to_string(kMaxHeaderBytes));
  }
  return json;
}

}  // namespace

Result<void> write_safetensors(const std::filesystem::path& path,
                               std::span<const TensorToWrite> tensors,
                               const std::map<std::string, std::string>& metadata) {
  const Order order = in_reference_order(tensors);
  auto json = header_json(order, metadata);
  if (!json) {
    return annotate(std::move(json).error(), path.string());
  }
  ByteWriter header;
  header.write(static_cast<std::uint64_t>(json->size()));
  header.write_bytes(as_bytes(*json));
  std::vector<ByteView> parts = {header.bytes()};
  for (const TensorToWrite* tensor : order) {
    parts.push_back(tensor->bytes);
  }
  return write_file_parts(path, parts);
}

}  // namespace lode::weights
