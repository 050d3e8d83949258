#include "dream/preset.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <variant>

#include "base/file.h"
#include "base/nearest_word.h"
#include "dream/builtin_presets_internal.h"

namespace lode::dream {
namespace {

/// Longest negative prompt: several times what any text encoder reads.
constexpr std::size_t kMaxPromptBytes = 4096;

/// One key of the file: where it goes, and between what (both ends allowed) it must lie.
struct Key {
  std::string_view name;
  std::variant<bool Preset::*, int Preset::*, double Preset::*, std::string Preset::*> member;
  double least = 0, most = 0;
};

/// Bounds are far outside of any useful value, and inside of what the optimisation can bear: sizes
/// of pictures and clouds are memory, rates beyond 1 throw parameters out of single precision.
constexpr double kMostSteps = 1e6, kMostRate = 1, kLeastRate = 1e-9;
const Key kKeys[] = {
    {"mvdream", &Preset::mvdream},
    {"stable_zero123", &Preset::stable_zero123},
    {"lambda_sd", &Preset::lambda_sd, 0, 1e4},
    {"lambda_zero123", &Preset::lambda_zero123, 0, 1e4},
    {"guidance_scale", &Preset::guidance_scale, 0, 1000},
    {"anneal_timestep", &Preset::anneal_timestep},
    {"negative_prompt", &Preset::negative_prompt},
    {"ref_size", &Preset::ref_size, 16, 2048},
    {"warmup_rgb_loss", &Preset::warmup_rgb_loss},
    {"batch_size", &Preset::batch_size, 1, 64},
    {"iters", &Preset::iters, 1, kMostSteps},
    {"radius", &Preset::radius, 0.6, 20},  // outside of the start's ball
    {"fovy", &Preset::fovy, 5, 120},
    {"min_ver", &Preset::min_ver, -80, 79},
    {"max_ver", &Preset::max_ver, -79, 80},
    {"invert_bg_prob", &Preset::invert_bg_prob, 0, 1},
    {"num_pts", &Preset::num_pts, 4, 500'000},
    {"sh_degree", &Preset::sh_degree, 0, 3},
    {"position_lr_init", &Preset::position_lr_init, kLeastRate, kMostRate},
    {"position_lr_final", &Preset::position_lr_final, kLeastRate, kMostRate},
    {"position_lr_max_steps", &Preset::position_lr_max_steps, 1, kMostSteps},
    {"feature_lr", &Preset::feature_lr, 0, kMostRate},
    {"opacity_lr", &Preset::opacity_lr, 0, kMostRate},
    {"scaling_lr", &Preset::scaling_lr, 0, kMostRate},
    {"rotation_lr", &Preset::rotation_lr, 0, kMostRate},
    {"percent_dense", &Preset::percent_dense, 0, 100},
    {"density_start_iter", &Preset::density_start_iter, 0, kMostSteps},
    {"density_end_iter", &Preset::density_end_iter, 0, kMostSteps},
    {"densification_interval", &Preset::densification_interval, 1, kMostSteps},
    {"opacity_reset_interval", &Preset::opacity_reset_interval, 1, kMostSteps},
    {"densify_grad_threshold", &Preset::densify_grad_threshold, 0, 1e6},
};

/// A key as it may stand in an error: its beginning, without bytes that a terminal would obey.
std::string shown(std::string_view key) {
  constexpr std::size_t kMostShown = 40;
  std::string text(key.substr(0, kMostShown));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return text;
}

std::vector<std::string> known_keys() {
  std::vector<std::string> names;
  for (const Key& key : kKeys) {
    names.emplace_back(key.name);
  }
  return names;
}

Result<double> read_number(const toml::node& node, const Key& key) {
  const auto value = node.value<double>();  // of an integer, too
  if (!node.is_number() || !value || !(*value >= key.least && *value <= key.most)) {
    return fail(Errc::invalid_input, fmt::format("{}: a number from {} to {} was expected",
                                                 key.name, key.least, key.most));
  }
  return *value;
}

Result<void> read_value(const toml::node& node, const Key& key, Preset& preset) {
  if (const auto* flag = std::get_if<bool Preset::*>(&key.member)) {
    if (!node.is_boolean()) {
      return fail(Errc::invalid_input, fmt::format("{}: true or false was expected", key.name));
    }
    preset.** flag = node.value_or(false);
    return {};
  }
  if (const auto* text = std::get_if<std::string Preset::*>(&key.member)) {
    const auto value = node.value<std::string>();
    if (!value || value->size() > kMaxPromptBytes) {
      return fail(Errc::invalid_input, fmt::format("{}: a text of at most {} bytes was expected",
                                                   key.name, kMaxPromptBytes));
    }
    preset.** text = *value;
    return {};
  }
  LODE_TRY(const double value, read_number(node, key));
  if (const auto* whole = std::get_if<int Preset::*>(&key.member)) {
    if (!node.is_integer()) {
      return fail(Errc::invalid_input, fmt::format("{}: a whole number was expected", key.name));
    }
    preset.** whole = static_cast<int>(value);
  } else {
    preset.*std::get<double Preset::*>(key.member) = value;
  }
  return {};
}

/// What no single key can say.
Result<void> check_together(const Preset& preset) {
  if ((preset.lambda_sd > 0) == (preset.lambda_zero123 > 0)) {
    return fail(Errc::invalid_input,
                "either lambda_sd or lambda_zero123 above 0 was expected, not both");
  }
  if (preset.mvdream && preset.lambda_sd <= 0) {
    return fail(Errc::invalid_input, "mvdream: lambda_sd above 0 was expected with it");
  }
  if (preset.stable_zero123 && preset.lambda_zero123 <= 0) {
    return fail(Errc::invalid_input, "stable_zero123: lambda_zero123 above 0 was expected with it");
  }
  if (preset.min_ver >= preset.max_ver) {
    return fail(Errc::invalid_input, "max_ver: more than min_ver was expected");
  }
  return {};
}

std::string at_line(const toml::source_region& source) {
  return fmt::format("line {}", source.begin.line);
}

}  // namespace

std::string_view to_string(GuidanceKind kind) {
  switch (kind) {
    case GuidanceKind::zero123_xl:
      return "zero123-xl";
    case GuidanceKind::stable_zero123:
      return "stable-zero123";
    case GuidanceKind::stable_diffusion:
      return "stable-diffusion";
    case GuidanceKind::mvdream:
      return "mvdream";
  }
  return "?";
}

GuidanceKind Preset::guidance() const {
  if (lambda_zero123 > 0) {
    return stable_zero123 ? GuidanceKind::stable_zero123 : GuidanceKind::zero123_xl;
  }
  return mvdream ? GuidanceKind::mvdream : GuidanceKind::stable_diffusion;
}

Result<Preset> parse_preset(std::string_view text, std::string_view name) {
  if (text.size() > kMaxPresetBytes) {
    return fail(Errc::limit_exceeded,
                fmt::format("{}: at most {} bytes were expected", name, kMaxPresetBytes));
  }
  toml::table document;
  try {
    document = toml::parse(text);
  } catch (const toml::parse_error& error) {
    return fail(Errc::invalid_input, fmt::format("{} {}: {}", name, at_line(error.source()),
                                                 std::string_view(error.description())));
  }
  Preset preset;
  for (const auto& [word, node] : document) {
    const std::string_view name_in_file = word.str();
    const auto* key = std::find_if(std::begin(kKeys), std::end(kKeys),
                                   [&](const Key& known) { return known.name == name_in_file; });
    if (key == std::end(kKeys)) {
      return fail(Errc::invalid_input, fmt::format("{} {}: {}: no such key; the nearest is {}",
                                                   name, at_line(word.source()), shown(word.str()),
                                                   nearest_word(word.str(), known_keys())));
    }
    if (auto read = read_value(node, *key, preset); !read) {
      return annotate(read.error(), fmt::format("{} {}", name, at_line(word.source())));
    }
  }
  if (auto together = check_together(preset); !together) {
    return annotate(together.error(), name);
  }
  preset.name = std::filesystem::path(name).stem().string();
  return preset;
}

Result<Preset> read_preset(const std::filesystem::path& path) {
  LODE_TRY(const Bytes bytes, read_file(path, kMaxPresetBytes));
  return parse_preset(as_text(bytes), path.string());
}

std::vector<std::string_view> preset_names() {
  std::vector<std::string_view> names;
  for (const BuiltinPreset& preset : builtin_presets()) {
    names.push_back(preset.name);
  }
  return names;
}

Result<Preset> find_preset(const std::string& name_or_file) {
  for (const BuiltinPreset& preset : builtin_presets()) {
    if (preset.name == name_or_file) {
      return parse_preset(preset.text, preset.name);
    }
  }
  auto preset = read_preset(name_or_file);
  if (!preset && preset.error().code == Errc::not_found) {
    return fail(Errc::not_found, fmt::format("{}: no such file, and no preset among {}",
                                             shown(name_or_file), fmt::join(preset_names(), ", ")));
  }
  return preset;
}

}  // namespace lode::dream
