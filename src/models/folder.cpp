#include "models/folder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>
#include <system_error>

#include "base/file.h"
#include "base/json.h"

namespace lode::models {

namespace {

// What diffusers writes for a pipeline: its name, or [module, name] for one of a repository's own.
std::string class_name(const nlohmann::ordered_json& json) {
  const auto found = json.is_object() ? json.find("_class_name") : json.end();
  if (!json.is_object() || found == json.end()) {
    return {};
  }
  const nlohmann::ordered_json& name =
      found->is_array() && !found->empty() ? found->back() : *found;
  return name.is_string() ? name.get<std::string>() : std::string();
}

}  // namespace

Result<nlohmann::ordered_json> read_config(const std::filesystem::path& file) {
  LODE_TRY(const Bytes bytes, read_file(file, kMaxConfigBytes));
  auto json = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (!json) {
    return annotate(json.error(), file.string());
  }
  return json;
}

Result<void> check_pipeline_class(const std::filesystem::path& folder, std::string_view what,
                                  std::initializer_list<std::string_view> classes) {
  const std::filesystem::path file = folder / "model_index.json";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return fail(Errc::not_found,
                fmt::format("{}: no such file; a {} folder as diffusers lays it out expected",
                            file.string(), what));
  }
  LODE_TRY(const nlohmann::ordered_json json, read_config(file));
  if (std::ranges::find(classes, class_name(json)) == classes.end()) {
    return fail(Errc::unsupported, fmt::format("{}: _class_name: {} expected", file.string(),
                                               fmt::join(classes, " or ")));
  }
  return {};
}

}  // namespace lode::models
