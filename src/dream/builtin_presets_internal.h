// The files of presets/, as the build puts them into the program.
#pragma once

#include <span>
#include <string_view>

namespace lode::dream {

struct BuiltinPreset {
  std::string_view name;  ///< the file's, without its ending
  std::string_view text;
};

/// In alphabetical order.
std::span<const BuiltinPreset> builtin_presets();

}  // namespace lode::dream
