// The stages that run networks.
#include <optional>

#include "flux/pipeline.h"
#include "lode_worker/cutout_network.h"
#include "lode_worker/flux_network.h"
#include "lode_worker/guidance_lifters.h"
#include "lode_worker/loaded_bytes.h"
#include "lode_worker/stage_setup.h"

namespace lode::commands {
namespace {

/// Where {} stands the task's prompt goes. Lifters want one object, whole and apart from what is
/// behind it.
constexpr const char* kPaintedPrompt =
    "{}, one single object, whole, in the middle of the picture, on a plain light grey background";

class FluxPainter final : public pipeline::Painter {
 public:
  explicit FluxPainter(const WorkerSettings& settings) : settings_(settings) {}

  Result<void> open() {
    LODE_TRY(pipeline_, flux::FluxPipeline::open(
                            settings_.painter_model,
                            flux_options(settings_.judge.network, settings_.painter_weights)));
    LODE_TRY(weight_bytes_, loaded_bytes(settings_.painter_model, settings_.judge.network));
    return {};
  }

  std::string_view name() const override { return "flux"; }
  std::uint64_t weight_bytes() const override { return weight_bytes_; }
  void release() override { pipeline_.reset(); }

  Result<pipeline::Painting> paint(std::string_view prompt,
                                   const pipeline::StageContext& context) override {
    if (!pipeline_) {
      LODE_CHECK(open());
    }
    flux::FluxRequest request;
    request.prompt = painted_prompt(prompt);
    request.steps = settings_.painter_steps;
    request.width = request.height = settings_.painter_side;
    request.seed = context.seed;
    const auto progress = [&](const flux::FluxProgress& now) {
      if (context.progress) {
        context.progress(
            {.stage = "paint: " + std::string(now.stage), .step = now.step, .of = now.of});
      }
    };
    LODE_TRY(flux::FluxResult result, pipeline_->run(request, progress, context.stop));
    return pipeline::Painting{std::move(result.pictures.front()), std::move(result.notes)};
  }

 private:
  std::string painted_prompt(std::string_view prompt) const {
    std::string text = settings_.painter_prompt.empty() ? kPaintedPrompt : settings_.painter_prompt;
    if (const std::size_t place = text.find("{}"); place != std::string::npos) {
      text.replace(place, 2, prompt);
    }
    return text;
  }

  WorkerSettings settings_;
  std::optional<flux::FluxPipeline> pipeline_;
  std::uint64_t weight_bytes_ = 0;
};

Error model_missing(const char* setting) {
  return fail(Errc::invalid_input, std::string(setting) + ": a folder of weights was expected");
}

Result<std::unique_ptr<pipeline::Painter>> open_flux(const WorkerSettings& settings) {
  if (settings.painter_model.empty()) {
    return model_missing("painter_model");
  }
  auto painter = std::make_unique<FluxPainter>(settings);
  LODE_CHECK(painter->open());
  return std::unique_ptr<pipeline::Painter>(std::move(painter));
}

/// The picture's own alpha, the network, and GrabCut for a second opinion.
Result<std::unique_ptr<pipeline::Cutter>> open_birefnet(const WorkerSettings& settings) {
  if (settings.cutter_model.empty()) {
    return model_missing("cutter_model");
  }
  CutoutNetwork network;
  network.folder = settings.cutter_model;
  network.flags = settings.judge.network;
  network.patch_order = settings.cutter_patch_order;
  network.side = settings.cutter_side;
  pipeline::CutterParts parts;
  parts.name = "birefnet";
  parts.open = [network]() -> Result<std::vector<std::unique_ptr<cutout::Matter>>> {
    std::vector<std::unique_ptr<cutout::Matter>> matters;
    matters.push_back(cutout::alpha_matter());
    LODE_TRY(matters.emplace_back(), open_network(network));
    matters.push_back(cutout::grabcut_matter());
    return matters;
  };
  LODE_TRY(parts.weight_bytes, loaded_bytes(settings.cutter_model, settings.judge.network));
  return pipeline::make_cutter(std::move(parts));
}

}  // namespace

void add_neural_stages(pipeline::StageRegistry& registry, const WorkerSettings& settings) {
  registry.painters.add("flux", [settings] { return open_flux(settings); });
  registry.cutters.add("birefnet", [settings] { return open_birefnet(settings); });
  registry.critics.add("engine", [settings] { return open_engine(settings.judge); });
  add_guidance_lifters(registry, settings);
}

}  // namespace lode::commands
