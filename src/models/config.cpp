#include <fmt/format.h>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "models/config_internal.h"

namespace lode::models {

namespace {

using Json = nlohmann::ordered_json;

// Longest part of a foreign string that an error repeats.
constexpr std::size_t kShownCharacters = 60;

std::string shown(const Json& value) {
  return value.dump(-1, ' ', true).substr(0, kShownCharacters);
}

std::optional<std::int64_t> as_integer(const Json& value, Range range) {
  if (!value.is_number_integer()) {
    return std::nullopt;
  }
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) {
    return std::nullopt;
  }
  const auto number = value.get<std::int64_t>();
  return number >= range.least && number <= range.most ? std::optional(number) : std::nullopt;
}

std::string joined(std::initializer_list<std::string_view> names) {
  return fmt::format("{}", fmt::join(names, " or "));
}

}  // namespace

ConfigReader::ConfigReader(const Json& json) : json_(json) {
  if (!json_.is_object()) {
    result_ = fail(Errc::invalid_input, "the config is no JSON object");
  }
}

const Json* ConfigReader::find(std::string_view field) const {
  if (!json_.is_object()) {
    return nullptr;
  }
  const auto found = json_.find(std::string(field));
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

void ConfigReader::fail_once(Errc code, std::string_view field, std::string_view message) {
  if (result_) {
    result_ = fail(code, fmt::format("{}: {}", field, message));
  }
}

void ConfigReader::support(bool holds, std::string_view field, std::string_view message) {
  if (!holds) {
    fail_once(Errc::unsupported, field, message);
  }
}

void ConfigReader::require(bool holds, std::string_view field, std::string_view message) {
  if (!holds) {
    fail_once(Errc::invalid_input, field, message);
  }
}

void ConfigReader::expect_class(std::string_view name) {
  const Json* value = find("_class_name");
  if (value == nullptr) {
    fail_once(Errc::invalid_input, "_class_name", fmt::format("missing, {} expected", name));
  } else if (*value != name) {
    fail_once(Errc::unsupported, "_class_name",
              fmt::format("{} found, {} expected", shown(*value), name));
  }
}

std::string ConfigReader::architecture(std::initializer_list<std::string_view> names) {
  const Json* value = find("architectures");
  if (value == nullptr || !value->is_array() || value->size() != 1) {
    fail_once(Errc::invalid_input, "architectures",
              fmt::format("a list of one name expected: {}", joined(names)));
    return std::string(*names.begin());
  }
  for (const std::string_view name : names) {
    if ((*value)[0] == name) {
      return std::string(name);
    }
  }
  fail_once(Errc::unsupported, "architectures",
            fmt::format("{} found, {} expected", shown((*value)[0]), joined(names)));
  return std::string(*names.begin());
}

std::int64_t ConfigReader::integer(std::string_view field, Range range) {
  if (find(field) == nullptr) {
    fail_once(Errc::invalid_input, field, "missing");
  }
  return integer_or(field, range, range.least);
}

std::int64_t ConfigReader::integer_or(std::string_view field, Range range, std::int64_t fallback) {
  const Json* value = find(field);
  if (value == nullptr) {
    return fallback;
  }
  if (const auto number = as_integer(*value, range)) {
    return *number;
  }
  fail_once(Errc::invalid_input, field,
            fmt::format("{} found, an integer from {} to {} expected", shown(*value), range.least,
                        range.most));
  return range.least;
}

double ConfigReader::number_or(std::string_view field, double least, double most, double fallback) {
  const Json* value = find(field);
  if (value == nullptr) {
    return fallback;
  }
  if (value->is_number()) {
    const double number = value->get<double>();
    if (number >= least && number <= most) {
      return number;
    }
  }
  fail_once(Errc::invalid_input, field,
            fmt::format("{} found, a number from {} to {} expected", shown(*value), least, most));
  return fallback;
}

bool ConfigReader::flag_or(std::string_view field, bool fallback) {
  const Json* value = find(field);
  if (value == nullptr) {
    return fallback;
  }
  require(value->is_boolean(), field, "true or false expected");
  return value->is_boolean() ? value->get<bool>() : fallback;
}

std::string ConfigReader::choice_or(std::string_view field,
                                    std::initializer_list<std::string_view> known,
                                    std::string_view fallback) {
  const Json* value = find(field);
  if (value == nullptr) {
    return std::string(fallback);
  }
  for (const std::string_view name : known) {
    if (*value == name) {
      return std::string(name);
    }
  }
  fail_once(Errc::unsupported, field,
            fmt::format("{} is not known here, {} expected", shown(*value), joined(known)));
  return std::string(fallback);
}

std::vector<std::int64_t> ConfigReader::integers_or(std::string_view field, Range count,
                                                    Range range,
                                                    std::vector<std::int64_t> fallback) {
  const Json* value = find(field);
  if (value == nullptr) {
    require(!fallback.empty(), field, "missing");
    return fallback;
  }
  const auto size = value->is_array() ? static_cast<std::int64_t>(value->size()) : -1;
  std::vector<std::int64_t> numbers;
  if (size >= count.least && size <= count.most) {
    for (const Json& entry : *value) {
      if (const auto number = as_integer(entry, range)) {
        numbers.push_back(*number);
      }
    }
  }
  if (size < count.least || static_cast<std::int64_t>(numbers.size()) != size) {
    fail_once(Errc::invalid_input, field,
              fmt::format("{} found, a list of {} to {} integers from {} to {} expected",
                          shown(*value), count.least, count.most, range.least, range.most));
    return fallback;
  }
  return numbers;
}

std::vector<std::int64_t> ConfigReader::each_or(std::string_view field, std::int64_t count,
                                                Range range, std::int64_t fallback) {
  const Json* value = find(field);
  std::vector<std::int64_t> same(static_cast<std::size_t>(count), fallback);
  if (value != nullptr && !value->is_array()) {
    std::ranges::fill(same, integer(field, range));
    return same;
  }
  return integers_or(field, {count, count}, range, std::move(same));
}

std::vector<bool> ConfigReader::which_or(std::string_view field, std::string_view yes,
                                         std::string_view no, std::vector<bool> fallback) {
  const Json* value = find(field);
  if (value == nullptr) {
    return fallback;
  }
  if (!value->is_array() || value->size() != fallback.size()) {
    fail_once(Errc::invalid_input, field,
              fmt::format("a list of {} names expected", fallback.size()));
    return fallback;
  }
  std::vector<bool> which;
  for (const Json& entry : *value) {
    support(entry == yes || entry == no, field,
            fmt::format("{} is not known here, {} expected", shown(entry), joined({yes, no})));
    which.push_back(entry == yes);
  }
  return which;
}

void ConfigReader::expect_absent(std::string_view field) {
  support(find(field) == nullptr, field, "is not known here, null expected");
}

void ConfigReader::expect_each(std::string_view field, std::string_view name, std::int64_t count) {
  const Json* value = find(field);
  if (value == nullptr) {
    return;
  }
  if (!value->is_array() || static_cast<std::int64_t>(value->size()) != count) {
    fail_once(Errc::invalid_input, field, fmt::format("a list of {} names expected", count));
    return;
  }
  for (const Json& entry : *value) {
    support(entry == name, field,
            fmt::format("{} is not known here, {} expected", shown(entry), name));
  }
}

Result<void> ConfigReader::result() const { return result_; }

}  // namespace lode::models
