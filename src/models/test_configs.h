// For tests: whether a described network has the published names and shapes, and whether a config's
// parser refuses what it should.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "nn/loader.h"
#include "nn/parameter.h"

namespace lode::models {

using Json = nlohmann::ordered_json;

/// Parameters and tensors of a network that is described, not loaded; every tensor is in exactly
/// one block.
struct Size {
  std::int64_t parameters;
  std::size_t tensors;
  bool operator==(const Size&) const = default;
};

/// Compares with a list of tests/golden/names, of which `prefixes` are this network's. By `rules`
/// matrices may be listed as 1x1 convolutions.
inline void expect_names(const nn::ParameterSet& set, const std::string& list,
                         const std::vector<std::string>& prefixes = {""},
                         const nn::LoadRules& rules = {}) {
  std::set<std::string> expected;
  std::ifstream file(std::filesystem::path(LODE_SOURCE_DIR) / "tests/golden/names" / list);
  for (std::string line; std::getline(file, line);) {
    if (std::ranges::any_of(prefixes, [&](const auto& p) { return line.starts_with(p); })) {
      expected.insert(line);
    }
  }
  std::set<std::string> found;
  for (const nn::Parameter& parameter : set.all()) {
    const std::string line =
        fmt::format("{}\t{}", parameter.name(), fmt::join(parameter.shape(), ","));
    const bool is_convolution = rules.allow_1x1_convolutions && parameter.shape().size() == 2 &&
                                expected.contains(line + ",1,1");
    found.insert(is_convolution ? line + ",1,1" : line);
  }
  EXPECT_EQ(found, expected) << list;
}

inline Size size_of(const nn::ParameterSet& set, std::vector<const std::vector<nn::Block>*> lists) {
  std::int64_t in_blocks = 0;
  std::size_t tensors = 0;
  for (const auto* list : lists) {
    for (const nn::Block& block : *list) {
      in_blocks += block.count();
      tensors += block.parameters.size();
    }
  }
  EXPECT_EQ(in_blocks, set.count());
  EXPECT_EQ(tensors, set.all().size());
  return {set.count(), set.all().size()};
}

template <class Network, class Config>
Size size_by(const Config& config, const std::string& list,
             const std::vector<std::string>& prefixes = {""}) {
  nn::ParameterSet set;
  const Network network(config, set.root());
  expect_names(set, list, prefixes, Network::load_rules());
  return size_of(set, {&network.blocks()});
}

/// What a parser says of a config with one field set.
struct Refusal {
  const char* field;
  Json value;  // discarded: the field is taken away
  Errc code;
};

inline void expect_refusals(const std::function<Result<void>(const Json&)>& parse, const Json& good,
                            const std::vector<Refusal>& refusals) {
  EXPECT_TRUE(parse(good));
  for (const Refusal& refusal : refusals) {
    Json json = good;
    if (refusal.value.is_discarded()) {
      json.erase(refusal.field);
    } else {
      json[refusal.field] = refusal.value;
    }
    const Result<void> result = parse(json);
    ASSERT_FALSE(result) << refusal.field << " " << refusal.value;
    EXPECT_EQ(result.error().code, refusal.code) << result.error().context;
    EXPECT_THAT(result.error().context, testing::HasSubstr(refusal.field));
  }
  for (const Json& other : {Json::array(), Json("text"), Json(nullptr), Json(3)}) {
    EXPECT_EQ(parse(other).error().code, Errc::invalid_input) << other;
  }
}

inline const Json kMissing(Json::value_t::discarded);

template <class Config>
std::function<Result<void>(const Json&)> only_errors(Result<Config> (*parse)(const Json&)) {
  return [parse](const Json& json) -> Result<void> {
    LODE_CHECK(parse(json));
    return {};
  };
}

/// Puts odd values into every field of every config: `accepting`, which counts the parsers that
/// take one, never counts two, and counts one for the configs as they are.
inline void expect_own_parser_alone(const std::vector<Json>& configs,
                                    const std::function<int(const Json&)>& accepting) {
  const std::vector<Json> odd = {Json(nullptr),
                                 Json(true),
                                 -1,
                                 0,
                                 1,
                                 2,
                                 1LL << 40,
                                 0.5,
                                 1e308,
                                 "",
                                 "silu",
                                 Json::array(),
                                 Json::object(),
                                 {1, 2, 3},
                                 {"a", Json()},
                                 {{"a", 1}},
                                 Json(300, 2)};
  for (const Json& good : configs) {
    EXPECT_EQ(accepting(good), 1) << "its own parser's alone";
    for (const auto& [field, value] : good.items()) {
      for (const Json& other : odd) {
        Json json = good;
        json[field] = other;
        EXPECT_LE(accepting(json), 1);
      }
    }
  }
}

}  // namespace lode::models
