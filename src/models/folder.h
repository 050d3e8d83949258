// A network's folder as Hugging Face lays it out: config.json and weights.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "nn/loader.h"
#include "weights/checkpoint.h"

namespace lode::models {

/// Largest config file that is read; real ones are below 20 KB.
inline constexpr std::size_t kMaxConfigBytes = 1 << 20;

/// Errors name the file.
Result<nlohmann::ordered_json> read_config(const std::filesystem::path& file);

/// `parse`d `file`. Errors name it.
template <class Config>
Result<Config> read_config(const std::filesystem::path& file,
                           Result<Config> (*parse)(const nlohmann::ordered_json&)) {
  LODE_TRY(const nlohmann::ordered_json json, read_config(file));
  Result<Config> config = parse(json);
  if (!config) {
    return annotate(config.error(), file.string());
  }
  return config;
}

/// Checks the class that model_index.json of a pipeline's folder names; `what` such a folder is
/// called ("FLUX.1"). Errc::not_found without the file, Errc::unsupported for another class.
Result<void> check_pipeline_class(const std::filesystem::path& folder, std::string_view what,
                                  std::initializer_list<std::string_view> classes);

/// A network without weights.
template <class Network>
struct Described {
  nn::ParameterSet set;
  Network network;
};

/// By `parse`d config.json of `folder`.
template <class Network, class Config>
Result<Described<Network>> describe(const std::filesystem::path& folder,
                                    Result<Config> (*parse)(const nlohmann::ordered_json&)) {
  LODE_TRY(const Config config, read_config(folder / "config.json", parse));
  nn::ParameterSet set;
  Network network(config, set.root());
  return Described<Network>{std::move(set), std::move(network)};
}

/// The weights of a described network; `described` must outlive them.
template <class Network>
Result<nn::WeightBank> bind(Described<Network>& described, const std::filesystem::path& folder) {
  LODE_TRY(const weights::Checkpoint checkpoint, weights::Checkpoint::open(folder));
  return nn::WeightBank::bind(described.set, checkpoint, Network::load_rules());
}

}  // namespace lode::models
