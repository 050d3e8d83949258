// For tests: a network of a snapshot with its weights, and how far its outputs are from golden
// ones.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "nn/loader.h"
#include "nn/pass.h"
#include "tests/support/golden_tensors.h"
#include "weights/checkpoint.h"

namespace lode::models {

/// What float32 on another build of the same kernels may differ by; measured are 4e-6 and less.
inline constexpr double kExact = 2e-5;

/// How weights are held and computed in.
struct Held {
  at::ScalarType type = at::kFloat;
  nn::WeightFormat format = nn::WeightFormat::native;
  std::vector<std::string> ignored = {};  ///< stored names besides those of the network's rules
};

/// A network with its weights, all of them loaded.
template <class Network>
class Loaded {
 public:
  /// `weights` is a file or a folder; `configs` are what the network is made from.
  template <class... Configs>
  Loaded(const std::filesystem::path& weights, const Held& held, const Configs&... configs)
      : network_(configs..., set_.root()) {
    nn::LoadRules rules = Network::load_rules();
    rules.ignore.insert(rules.ignore.end(), held.ignored.begin(), held.ignored.end());
    const auto bank =
        nn::WeightBank::bind(set_, weights::Checkpoint::open(weights).value(), rules).value();
    nn::Placement placement;
    placement.compute = held.type;
    placement.format = held.format;
    bank.load(set_.block("all", {""}), placement).install();
  }

  const Network* operator->() const { return &network_; }
  const Network& operator*() const { return network_; }
  const nn::ParameterSet& parameters() const { return set_; }

  /// The network of `inputs`.
  template <class... Inputs>
  auto operator()(const Inputs&... inputs) const {
    nn::EverythingLoaded loaded;
    return network_(inputs..., loaded);
  }

 private:
  nn::ParameterSet set_;
  Network network_;
};

inline nlohmann::ordered_json config_file(const std::filesystem::path& file) {
  const Bytes text = read_file(file, 1 << 20).value();
  return parse_json({reinterpret_cast<const char*>(text.data()), text.size()}).value();
}

/// Asserts an error's bound, and prints the error for the README.
inline void expect_within(const std::string& what, const at::Tensor& got, const at::Tensor& want,
                          double bound = kExact) {
  const double error = test::relative_error(got, want);
  EXPECT_LE(error, bound) << what;
  std::printf("%-28s %.2e\n", what.c_str(), error);
}

}  // namespace lode::models
