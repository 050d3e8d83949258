// Where the real splats and pictures lie that tests and benchmarks use when they are present.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>

namespace lode::test {

/// The file `name`, e.g. "splats/robocop.spz", under $LODE_SHARED_DATA or, without that variable,
/// under ../shared/data beside the source tree. Nothing when there is no such file.
inline std::optional<std::filesystem::path> shared_data(std::string_view name) {
  const char* root = std::getenv("LODE_SHARED_DATA");
  const std::filesystem::path folder =
      root != nullptr ? std::filesystem::path(root)
                      : std::filesystem::path(LODE_SOURCE_DIR) / ".." / "shared" / "data";
  std::filesystem::path path = folder / name;
  if (!std::filesystem::exists(path)) {
    return std::nullopt;
  }
  return path;
}

}  // namespace lode::test
