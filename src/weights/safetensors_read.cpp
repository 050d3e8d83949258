// The reading side of safetensors: the header's JSON as events, then the layout of the data.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "weights/safetensors.h"
#include "weights/tensor_rules_internal.h"

namespace lode::weights {
namespace {

constexpr std::size_t kLengthBytes = 8;
constexpr std::string_view kMetadataKey = "__metadata__";

/// Builds a header from the JSON parser's events and stops it at the first that the format does not
/// have: no tree of values, no recursion, and equal keys are seen.
class HeaderEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader take() { return std::move(header_); }
  Error take_error() { return std::move(error_); }

  bool null() override {
    // The reference reads a null as no metadata.
    return where_ == Where::file && key_ == kMetadataKey ? true : unexpected("null");
  }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    return unexpected("a number that is no 64-bit integer");
  }
  bool binary(binary_t&) override { return unexpected("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ == Where::shape) {
      return add_dimension(value);
    }
    if (where_ == Where::offsets) {
      if (offsets_seen_ == 2) {
        return refuse(Errc::invalid_input, "data_offsets: more than two numbers");
      }
      (offsets_seen_++ == 0 ? tensor().begin : tensor().end) = value;
      return true;
    }
    return unexpected("a number");
  }

  bool string(string_t& value) override {
    if (where_ == Where::metadata) {
      header_.metadata[key_] = std::move(value);
      return true;
    }
    if (where_ != Where::tensor || key_ != "dtype") {
      return unexpected("a string");
    }
    const auto dtype = parse_dtype(value);
    if (!dtype) {
      return refuse(Errc::unsupported, "dtype " + in_quotes(value) + " is not read");
    }
    tensor().dtype = *dtype;
    return true;
  }

  bool start_object(std::size_t) override {
    if (where_ == Where::start) {
      where_ = Where::file;
      return true;
    }
    if (where_ != Where::file) {
      return unexpected("an object");
    }
    if (key_ == kMetadataKey) {
      where_ = Where::metadata;
      return true;
    }
    if (header_.tensors.size() == kMaxTensors) {
      return refuse(Errc::limit_exceeded, "more than " + std::to_string(kMaxTensors) + " tensors");
    }
    header_.tensors.emplace_back().name = key_;
    has_dtype_ = has_shape_ = has_offsets_ = false;
    where_ = Where::tensor;
    return true;
  }

  bool key(string_t& value) override {
    if (where_ != Where::tensor && value.size() > kMaxNameBytes) {
      return refuse(Errc::limit_exceeded, "name " + in_quotes(value) + " is longer than " +
                                              std::to_string(kMaxNameBytes) + " bytes");
    }
    key_ = std::move(value);
    if (where_ == Where::file) {
      return key_ != kMetadataKey || note(has_metadata_);
    }
    return where_ == Where::metadata ? metadata_key() : tensor_key();
  }

  bool end_object() override {
    if (where_ == Where::tensor && !(has_dtype_ && has_shape_ && has_offsets_)) {
      return refuse(Errc::invalid_input, "needs dtype, shape and data_offsets");
    }
    where_ = Where::file;  // or the end of all: whatever follows is refused by the parser
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ == Where::tensor && key_ == "shape") {
      where_ = Where::shape;
      return true;
    }
    if (where_ == Where::tensor && key_ == "data_offsets") {
      where_ = Where::offsets;
      offsets_seen_ = 0;
      return true;
    }
    return unexpected("an array");
  }

  bool end_array() override {
    if (where_ == Where::offsets && offsets_seen_ != 2) {
      return refuse(Errc::invalid_input, "data_offsets: less than two numbers");
    }
    where_ = Where::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    where_ = Where::start;  // a position says it better than the last name
    return refuse(Errc::invalid_input, "not JSON at byte " + std::to_string(position));
  }

 private:
  enum class Where { start, file, metadata, tensor, shape, offsets };

  TensorEntry& tensor() { return header_.tensors.back(); }

  bool add_dimension(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return refuse(Errc::limit_exceeded, "shape: a dimension of more than 63 bits");
    }
    if (tensor().shape.size() == kMaxRank) {
      return refuse(Errc::limit_exceeded,
                    "shape: more than " + std::to_string(kMaxRank) + " dimensions");
    }
    tensor().shape.push_back(static_cast<std::int64_t>(value));
    return true;
  }

  bool metadata_key() {
    if (header_.metadata.size() == kMaxMetadataEntries) {
      return refuse(Errc::limit_exceeded,
                    "metadata: more than " + std::to_string(kMaxMetadataEntries) + " entries");
    }
    bool is_known = !header_.metadata.try_emplace(key_).second;
    return note(is_known);
  }

  bool tensor_key() {
    if (key_ == "dtype") {
      return note(has_dtype_);
    }
    if (key_ == "shape") {
      return note(has_shape_);
    }
    if (key_ == "data_offsets") {
      return note(has_offsets_);
    }
    return refuse(Errc::unsupported, "field " + in_quotes(key_) + " is not known");
  }

  /// Notes that a key came; no key comes twice.
  bool note(bool& seen) {
    if (seen) {
      return refuse(Errc::invalid_input, in_quotes(key_) + " comes twice");
    }
    return seen = true;
  }

  bool unexpected(std::string_view what) {
    const std::string at = where_ == Where::start ? "" : in_quotes(key_) + ": ";
    return refuse(Errc::invalid_input, at + "unexpected " + std::string(what));
  }

  bool refuse(Errc code, const std::string& why) {
    const bool is_in_tensor =
        where_ == Where::tensor || where_ == Where::shape || where_ == Where::offsets;
    error_ = fail(
        code, is_in_tensor ? "tensor " + in_quotes(tensor().name) + ": " + why : "header: " + why);
    return false;
  }

  SafetensorsHeader header_;
  Error error_;
  Where where_ = Where::start;
  std::string key_;
  bool has_metadata_ = false;
  bool has_dtype_ = false, has_shape_ = false, has_offsets_ = false;
  int offsets_seen_ = 0;
};

/// The header's JSON, which the two first fields of the file bound.
Result<std::string_view> header_text(ByteView prefix, std::uint64_t file_bytes) {
  ByteReader reader(prefix);
  LODE_TRY(const std::uint64_t length, reader.read<std::uint64_t>("header length"));
  if (length > kMaxHeaderBytes) {
    return fail(Errc::limit_exceeded, "header length: " + std::to_string(length) +
                                          " bytes, at most " + std::to_string(kMaxHeaderBytes));
  }
  if (file_bytes < kLengthBytes || length > file_bytes - kLengthBytes) {
    return fail(Errc::invalid_input, "header length: " + std::to_string(length) +
                                         " bytes in a file of " + std::to_string(file_bytes));
  }
  LODE_TRY(const ByteView text, reader.take(length, "header"));
  if (text.empty() || text.front() != '{') {
    return fail(Errc::invalid_input, "header: expected '{' at byte 8");
  }
  if (std::ranges::find(text, 0) != text.end()) {
    return fail(Errc::invalid_input, "header: not JSON");  // the parser takes NUL for the end
  }
  return as_text(text);
}

/// One tensor of the data section of `data_bytes` bytes, all before `begin` being covered.
Result<void> check_place(const TensorEntry& tensor, std::size_t begin, std::uint64_t data_bytes) {
  const std::string range =
      "data_offsets [" + std::to_string(tensor.begin) + ", " + std::to_string(tensor.end) + "]";
  if (tensor.end < tensor.begin) {
    return fail(Errc::invalid_input, range + ": end before begin");
  }
  if (tensor.end > data_bytes) {
    return fail(Errc::invalid_input, range + ": the file has " + std::to_string(data_bytes) +
                                         " bytes of data (is it truncated?)");
  }
  if (tensor.begin != begin) {
    return fail(Errc::invalid_input, range + (tensor.begin < begin ? ": overlaps the tensor before"
                                                                   : ": leaves a hole before"));
  }
  LODE_TRY(const std::size_t bytes, bytes_of_shape(tensor.dtype, tensor.shape));
  if (tensor.end - tensor.begin != bytes) {
    return fail(Errc::invalid_input,
                range + ": the shape asks for " + std::to_string(bytes) + " bytes");
  }
  return {};
}

/// Sorts the tensors by their bytes and checks that they cover the data section exactly.
Result<void> check_layout(std::vector<TensorEntry>& tensors, std::uint64_t data_bytes) {
  std::ranges::sort(tensors, [](const TensorEntry& a, const TensorEntry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  std::size_t covered = 0;
  for (const TensorEntry& tensor : tensors) {
    if (auto placed = check_place(tensor, covered, data_bytes); !placed) {
      return annotate(std::move(placed).error(), "tensor " + in_quotes(tensor.name));
    }
    covered = tensor.end;
  }
  if (covered != data_bytes) {
    return fail(Errc::invalid_input, std::to_string(data_bytes - covered) +
                                         " bytes after the last tensor, expected none");
  }
  return {};
}

}  // namespace

Result<SafetensorsHeader> parse_header(ByteView file_prefix, std::uint64_t file_bytes) {
  LODE_TRY(const std::string_view text, header_text(file_prefix, file_bytes));
  HeaderEvents events;
  if (!nlohmann::json::sax_parse(text, &events)) {
    return events.take_error();
  }
  SafetensorsHeader header = events.take();
  header.data_offset = kLengthBytes + text.size();
  std::vector<std::string_view> names;
  names.reserve(header.tensors.size());
  for (const TensorEntry& tensor : header.tensors) {
    names.push_back(tensor.name);
  }
  LODE_CHECK(refuse_equal_names(std::move(names)));
  LODE_CHECK(check_layout(header.tensors, file_bytes - header.data_offset));
  return header;
}

}  // namespace lode::weights
