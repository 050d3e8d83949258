#include "lode_worker/guidance_lifters.h"

#include <filesystem>

#include "guidance/mvdream.h"
#include "guidance/stable_diffusion.h"
#include "guidance/zero123.h"
#include "lode_worker/loaded_bytes.h"
#include "lode_worker/stage_setup.h"
#include "pipeline/dream_lifter.h"
#include "pipeline/views_lifter.h"

namespace lode::commands {
namespace {

using dream::GuidanceKind;

/// A lifter's folder and preset, as the text lifter or the other, and how its networks run.
struct Wanted {
  std::string model;
  std::string preset;
  NetworkFlags network;
  guidance::PixelGradient gradient = guidance::PixelGradient::exact;
  int view_steps = 0;
};

Result<Wanted> wanted_for(const WorkerSettings& settings, std::string_view lifter) {
  const bool is_of_texts =
      settings.text_lifter == lifter && stage_choice(settings).lifter != lifter;
  Wanted wanted{is_of_texts ? settings.text_lifter_model : settings.lifter_model,
                is_of_texts ? settings.text_lifter_preset : settings.lifter_preset,
                settings.judge.network,
                settings.lifter_gradient == "linear" ? guidance::PixelGradient::linear
                                                     : guidance::PixelGradient::exact,
                settings.lifter_view_steps};
  if (wanted.model.empty()) {
    return fail(Errc::invalid_input,
                std::string(is_of_texts ? "text_lifter_model" : "lifter_model") +
                    ": a folder of weights was expected");
  }
  return wanted;
}

template <class Options>
Options common_options(const Wanted& wanted) {
  Options options;
  options.device = wanted.network.device;
  options.compute = wanted.network.compute();
  options.memory_budget_bytes = wanted.network.memory_budget();
  options.pixel_gradient = wanted.gradient;
  return options;
}

/// The model with what its preset says of it. A preset that was made for another kind of model
/// says nothing: its scale would not suit.
Result<std::unique_ptr<dream::GuidanceModel>> open_model(GuidanceKind kind, const Wanted& wanted,
                                                         const dream::Preset& preset) {
  const auto set_up = [&](auto& options, bool is_preset_for_it) {
    options.anneal = preset.anneal_timestep;
    if (is_preset_for_it && preset.guidance_scale > 0) {
      options.scale = preset.guidance_scale;
    }
  };
  const GuidanceKind of_preset = preset.guidance();
  std::unique_ptr<dream::GuidanceModel> model;
  if (kind == GuidanceKind::mvdream) {
    auto options = common_options<guidance::MvdreamOptions>(wanted);
    set_up(options, of_preset == kind);
    if (of_preset == kind && !preset.negative_prompt.empty()) {
      options.negative_prompt = preset.negative_prompt;
    }
    LODE_TRY(model, guidance::open_mvdream(wanted.model, options));
  } else if (kind == GuidanceKind::stable_diffusion) {
    auto options = common_options<guidance::StableDiffusionOptions>(wanted);
    set_up(options, of_preset == kind);
    options.negative_prompt = preset.negative_prompt;
    LODE_TRY(model, guidance::open_stable_diffusion(wanted.model, options));
  } else {
    auto options = common_options<guidance::Zero123Options>(wanted);
    const bool is_stable = of_preset == GuidanceKind::stable_zero123;
    set_up(options, is_stable || of_preset == GuidanceKind::zero123_xl);
    if (is_stable) {
      options.variant = guidance::Zero123Variant::stable;
    }
    LODE_TRY(model, guidance::open_zero123(wanted.model, options));
  }
  return model;
}

Result<std::unique_ptr<pipeline::Lifter>> open_dream(const WorkerSettings& settings,
                                                     const std::string& name, GuidanceKind kind,
                                                     const std::string& own_preset) {
  LODE_TRY(const Wanted wanted, wanted_for(settings, name));
  pipeline::DreamParts parts;
  parts.name = name;
  parts.threads = wanted.network.threads;
  LODE_TRY(parts.preset, dream::find_preset(wanted.preset.empty() ? own_preset : wanted.preset));
  LODE_TRY(parts.budget.seconds, read_budget(settings.lifter_budget));
  LODE_TRY(parts.weight_bytes, loaded_bytes(wanted.model, wanted.network));
  parts.open = [kind, wanted, preset = parts.preset] { return open_model(kind, wanted, preset); };
  return pipeline::make_dream_lifter(std::move(parts));
}

/// Zero123's folder has a projection of cameras, MVDream's has not.
Result<pipeline::ViewModels> open_view_models(const Wanted& wanted) {
  std::error_code ec;
  std::shared_ptr<guidance::MultiViewModel> model;
  if (std::filesystem::exists(std::filesystem::path(wanted.model) / "clip_camera_projection", ec)) {
    auto options = common_options<guidance::Zero123Options>(wanted);
    options.sampling.steps = wanted.view_steps;
    LODE_TRY(model, guidance::open_zero123(wanted.model, options));
  } else {
    auto options = common_options<guidance::MvdreamOptions>(wanted);
    options.sampling.steps = wanted.view_steps;
    LODE_TRY(model, guidance::open_mvdream(wanted.model, options));
  }
  return pipeline::ViewModels{model, model};
}

Result<std::unique_ptr<pipeline::Lifter>> open_views(const WorkerSettings& settings) {
  LODE_TRY(const Wanted wanted, wanted_for(settings, "views"));
  pipeline::ViewsParts parts;
  parts.threads = wanted.network.threads;
  parts.is_refined = wanted.preset != "none";
  if (parts.is_refined && !wanted.preset.empty()) {
    LODE_TRY(parts.refining, dream::find_preset(wanted.preset));
  }
  LODE_TRY(parts.budget.seconds, read_budget(settings.lifter_budget));
  LODE_TRY(parts.weight_bytes, loaded_bytes(wanted.model, wanted.network));
  parts.open = [wanted] { return open_view_models(wanted); };
  return pipeline::make_views_lifter(std::move(parts));
}

}  // namespace

void add_guidance_lifters(pipeline::StageRegistry& registry, const WorkerSettings& settings) {
  const auto add = [&](const std::string& name, GuidanceKind kind, const std::string& own_preset) {
    registry.lifters.add(name, [settings, name, kind, own_preset] {
      return open_dream(settings, name, kind, own_preset);
    });
  };
  add("dream", GuidanceKind::zero123_xl, "image");
  add("mvdream", GuidanceKind::mvdream, "text_mv");
  add("stable-diffusion", GuidanceKind::stable_diffusion, "text");
  registry.lifters.add("views", [settings] { return open_views(settings); });
}

}  // namespace lode::commands
