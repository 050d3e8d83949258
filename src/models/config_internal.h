// Reads a network's config.json field by field, each against its bounds.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lode::models {

/// Inclusive.
struct Range {
  std::int64_t least;
  std::int64_t most;
};

// What a config may ask for. Each is several times what the largest published network of its kind
// has, and together they keep products of any three fields far below 2^63.
inline constexpr Range kLayers{1, 256};
inline constexpr Range kHeads{1, 256};
inline constexpr Range kHeadWidth{1, 1024};
inline constexpr Range kWidth{1, 32'768};
inline constexpr Range kVocabulary{1, 1 << 20};
inline constexpr Range kPositions{1, 1 << 16};
inline constexpr Range kChannels{1, 8192};

/// Fields of one JSON object. The first field that breaks its rule is remembered and named by
/// result(); what is read after it is its fallback or lower bound.
class ConfigReader {
 public:
  /// `json` outlives the reader. Anything but an object is an error.
  explicit ConfigReader(const nlohmann::ordered_json& json);

  /// "_class_name" has to be `name`, as diffusers writes it.
  void expect_class(std::string_view name);
  /// "architectures" has to be a list of one of `names`, as transformers writes it; which one.
  std::string architecture(std::initializer_list<std::string_view> names);

  /// An integer that has to be there.
  std::int64_t integer(std::string_view field, Range range);
  /// An integer, or `fallback` where the field is missing or null.
  std::int64_t integer_or(std::string_view field, Range range, std::int64_t fallback);
  /// Between `least` and `most`, inclusive, or `fallback` where missing or null.
  double number_or(std::string_view field, double least, double most, double fallback);
  bool flag_or(std::string_view field, bool fallback);
  /// One of `known`, or `fallback` where missing or null; Errc::unsupported for any other.
  std::string choice_or(std::string_view field, std::initializer_list<std::string_view> known,
                        std::string_view fallback);
  /// A list of `count` integers, each within `range`, or `fallback` where missing or null; a
  /// fallback of nothing makes the field required.
  std::vector<std::int64_t> integers_or(std::string_view field, Range count, Range range,
                                        std::vector<std::int64_t> fallback);
  /// As integers_or with a list of `count`, for which one integer may stand that is every entry.
  std::vector<std::int64_t> each_or(std::string_view field, std::int64_t count, Range range,
                                    std::int64_t fallback);
  /// A list of `count` of the two names: which entries are `yes`. A missing list is `fallback`.
  /// Errc::unsupported for other names.
  std::vector<bool> which_or(std::string_view field, std::string_view yes, std::string_view no,
                             std::vector<bool> fallback);
  /// Errc::unsupported unless the field is missing or null.
  void expect_absent(std::string_view field);
  /// A list whose every entry is `name` and of which there are `count`: block types of which we
  /// know one. A missing list is accepted. Errc::unsupported for other names.
  void expect_each(std::string_view field, std::string_view name, std::int64_t count);

  /// Errc::unsupported with "FIELD: MESSAGE" unless `holds`.
  void support(bool holds, std::string_view field, std::string_view message);
  /// Errc::invalid_input with "FIELD: MESSAGE" unless `holds`.
  void require(bool holds, std::string_view field, std::string_view message);

  /// The first error.
  Result<void> result() const;

 private:
  const nlohmann::ordered_json* find(std::string_view field) const;
  void fail_once(Errc code, std::string_view field, std::string_view message);

  const nlohmann::ordered_json& json_;
  Result<void> result_;
};

}  // namespace lode::models
