#include <climits>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "weights/checkpoint_index_internal.h"
#include "weights/safetensors.h"
#include "weights/tensor_rules_internal.h"

namespace lode::weights {
namespace {

constexpr std::string_view kMapKey = "weight_map";

/// Whether a name is that of a file in the same folder.
bool is_plain_file_name(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name != "." && name != ".." &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

/// Collects the weight map from the JSON parser's events and skips the rest.
class IndexEvents final : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool has_map() const { return has_map_; }
  WeightMap take() { return std::move(map_); }
  Error take_error() { return std::move(error_); }

  bool null() override { return skip(); }
  bool boolean(bool) override { return skip(); }
  bool number_integer(number_integer_t) override { return skip(); }
  bool number_unsigned(number_unsigned_t) override { return skip(); }
  bool number_float(number_float_t, const string_t&) override { return skip(); }
  bool binary(binary_t&) override { return skip(); }

  bool string(string_t& value) override {
    if (!is_in_map()) {
      return skip();
    }
    if (!is_plain_file_name(value)) {
      return refuse(Errc::invalid_input, "weight_map: tensor " + in_quotes(tensor_) + ": " +
                                             in_quotes(value) + " is no plain file name");
    }
    if (map_.size() == kMaxTensors) {
      return refuse(Errc::limit_exceeded,
                    "weight_map: more than " + std::to_string(kMaxTensors) + " tensors");
    }
    map_.emplace(std::move(tensor_), std::move(value));
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ == 1 && key_ == kMapKey) {
      has_map_ = true;
      return enter();
    }
    return (depth_ == 0 || skip()) && enter();
  }
  bool start_array(std::size_t) override { return skip() && enter(); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }

  bool key(string_t& value) override {
    if (is_in_map()) {
      if (value.size() > kMaxNameBytes) {
        return refuse(Errc::limit_exceeded, "weight_map: name " + in_quotes(value) +
                                                " is longer than " + std::to_string(kMaxNameBytes) +
                                                " bytes");
      }
      if (map_.contains(value)) {
        return refuse(Errc::invalid_input,
                      "weight_map: tensor " + in_quotes(value) + " comes twice");
      }
      tensor_ = std::move(value);
    } else if (depth_ == 1) {
      if (value == kMapKey && has_map_) {
        return refuse(Errc::invalid_input, "weight_map comes twice");
      }
      key_ = std::move(value);
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return refuse(Errc::invalid_input, "not JSON at byte " + std::to_string(position));
  }

 private:
  bool is_in_map() const { return depth_ == 2 && key_ == kMapKey; }

  /// A value that is not read, where one may be.
  bool skip() {
    if (depth_ == 0) {
      return refuse(Errc::invalid_input, "expected an object");
    }
    if (key_ == kMapKey) {
      return refuse(Errc::invalid_input,
                    is_in_map()
                        ? "weight_map: tensor " + in_quotes(tensor_) + ": expected a file name"
                        : std::string("weight_map: expected an object"));
    }
    return true;
  }

  bool enter() {
    return ++depth_ <= kMaxJsonDepth ||
           refuse(Errc::limit_exceeded,
                  "JSON nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }

  bool leave() {
    --depth_;
    return true;
  }

  bool refuse(Errc code, std::string why) {
    error_ = fail(code, std::move(why));
    return false;
  }

  WeightMap map_;
  Error error_;
  std::string key_;     ///< of the outermost object
  std::string tensor_;  ///< of the weight map
  int depth_ = 0;
  bool has_map_ = false;
};

}  // namespace

Result<WeightMap> parse_weight_map(std::string_view text) {
  if (text.find('\0') != text.npos) {
    return fail(Errc::invalid_input, "not JSON");  // the parser takes NUL for the end
  }
  IndexEvents events;
  if (!nlohmann::json::sax_parse(text, &events)) {
    return events.take_error();
  }
  if (!events.has_map()) {
    return fail(Errc::invalid_input, "needs a weight_map");
  }
  return events.take();
}

}  // namespace lode::weights
