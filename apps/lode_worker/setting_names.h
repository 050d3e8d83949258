// How the same setting is called on different command lines.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lode::commands {

/// Names of a worker's settings. A setting "painter_model" has the key `worker.painter_model` in
/// lode.toml and, where it is a command's own business, the flag `--painter-model`.
struct SettingNames {
  bool are_keys = false;  ///< --worker.painter_model: takes part in lode.toml and the environment
  bool are_flags = true;  ///< --painter-model
  std::map<std::string, std::string, std::less<>> aliases;  ///< shorter flags: "--model"

  /// As CLI11 takes them, the key first, since the first is what the settings go by.
  std::string operator()(std::string_view setting) const;
};

}  // namespace lode::commands
