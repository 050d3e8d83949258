#include "lode_worker/setting_names.h"

#include <algorithm>

namespace lode::commands {

std::string SettingNames::operator()(std::string_view setting) const {
  std::string names = are_keys ? "--worker." + std::string(setting) : std::string();
  const auto add = [&](const std::string& name) { names += (names.empty() ? "" : ",") + name; };
  if (are_flags) {
    std::string flag(setting);
    std::ranges::replace(flag, '_', '-');
    add("--" + flag);
  }
  if (const auto alias = aliases.find(setting); alias != aliases.end()) {
    add(alias->second);
  }
  return names;
}

}  // namespace lode::commands
