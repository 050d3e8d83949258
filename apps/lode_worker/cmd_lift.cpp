// lode-worker lift: a picture, or a prompt, to a splat.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "cli/interrupt.h"
#include "image/codec.h"
#include "lode_worker/commands.h"
#include "lode_worker/progress_line.h"
#include "lode_worker/stage_setup.h"
#include "lode_worker/truth.h"
#include "pipeline/dream_lifter.h"
#include "render/render.h"

namespace lode::commands {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMaxPictureBytes = 64 << 20;
// Of each of the four views in a preview, and of the sixteen in a sheet, pixels.
constexpr int kPreviewSide = 256, kSheetSide = 259;

struct LiftCommand {
  std::string in;
  std::string prompt;
  std::string out;
  std::string guidance;
  std::string truth;
  double oracle_noise = 0;
  std::uint64_t seed = 0;
  std::string preview;
  std::string sheet;
  bool json = false;
  WorkerSettings worker;
};

/// The picture of how it comes along, rewritten about once a second. A reader never sees a part.
class LivePreview {
 public:
  explicit LivePreview(std::string path) : path_(std::move(path)) {}

  void show(const image::Image* picture) {
    constexpr auto kInterval = std::chrono::seconds(1);
    const auto now = std::chrono::steady_clock::now();
    if (path_.empty() || picture == nullptr || now - last_ < kInterval) {
      return;
    }
    last_ = now;
    if (const auto written = image::write_png(path_, *picture); !written) {
      spdlog::warn("no preview: {}", written.error().message());
      path_.clear();
    }
  }

 private:
  std::string path_;
  std::chrono::steady_clock::time_point last_{};
};

std::string line_of(const pipeline::StageProgress& now, double seconds) {
  std::string line = fmt::format("{:9}", now.stage);
  if (now.of > 0) {
    line += fmt::format(" {}/{}", now.step, now.of);
  }
  if (now.loss) {
    line += fmt::format("  loss {:.4g}", *now.loss);
  }
  if (now.gaussians > 0) {
    line += fmt::format("  {} gaussians", now.gaussians);
  }
  return line + fmt::format("  {:.1f} s", seconds);
}

/// --guidance as a lifter; without it what the settings say, or what the model is likely to be.
Result<std::string> lifter_of(const LiftCommand& command) {
  const std::string& wanted = command.guidance;
  if (wanted.empty()) {
    const bool is_left_open = command.worker.lifter == "auto";
    if (is_left_open && command.in.empty() && command.worker.painter_model.empty() &&
        !command.worker.lifter_model.empty()) {
      return std::string(command.worker.lifter_preset.empty() ? "views" : "mvdream");
    }
    return stage_choice(command.worker).lifter;
  }
  const bool has_subject = !command.in.empty() || !command.prompt.empty();
  if (wanted == "oracle" && (command.truth.empty() || has_subject)) {
    return fail(
        Errc::invalid_input,
        "--guidance oracle: a splat that it knows (--truth) was expected, and no picture or "
        "prompt, for it draws its own");
  }
  return wanted == "zero123" ? std::string("dream") : wanted;
}

/// What is lifted: the picture, the prompt, or for want of both the truth as a picture.
Result<pipeline::Request> request_of(const LiftCommand& command,
                                     const std::optional<Truth>& truth) {
  pipeline::Request request{pipeline::Request::Kind::image, {}, {}, command.seed};
  if (!command.in.empty()) {
    LODE_TRY(request.picture, read_file(command.in, kMaxPictureBytes));
  } else if (!command.prompt.empty()) {
    request.kind = pipeline::Request::Kind::text;
    request.prompt = command.prompt;
  } else if (truth) {
    LODE_TRY(request.picture, picture_of(*truth));
  } else {
    return fail(Errc::invalid_input, "a picture, or --prompt, was expected");
  }
  return request;
}

Result<pipeline::ChainBackend> open_chain(const LiftCommand& command, const std::string& lifter,
                                          const std::optional<Truth>& truth) {
  pipeline::StageRegistry registry = stage_registry(command.worker);
  pipeline::StageChoice choice = stage_choice(command.worker);
  choice.lifter = lifter;
  if (choice.lifter == "oracle") {
    choice.cutter = "none";  // the truth's picture is cut out and framed as the optimisation wants
    registry.lifters.add(
        "oracle", [&] { return make_oracle_lifter(*truth, command.worker, command.oracle_noise); });
  }
  if (choice.lifter == "sketch") {
    spdlog::info("no --model: lifted without weights, by inflating the silhouette");
  }
  if (runs_networks(choice)) {
    set_up_linear_algebra(command.worker.judge.network);
  }
  LODE_TRY(pipeline::ChainStages stages, pipeline::open_stages(registry, choice));
  pipeline::ChainOptions options = chain_options(command.worker);
  options.judges_result = true;
  options.preview_side = kPreviewSide;
  options.live_previews = !command.preview.empty();
  return pipeline::ChainBackend(std::move(stages), options, make_keeper(command.worker));
}

Result<void> write_results(const LiftCommand& command, const pipeline::Asset& asset) {
  LODE_CHECK(pipeline::write_prepared(command.out, *asset.prepared));
  if (!command.preview.empty()) {
    LODE_CHECK(image::write_png(command.preview, asset.preview));
  }
  if (!command.sheet.empty()) {
    LODE_TRY(splat::Scene scene, pipeline::open_prepared(*asset.prepared));
    splat::frame(scene);
    LODE_CHECK(image::write_png(command.sheet, render::contact_sheet(scene, kSheetSide)));
  }
  return {};
}

Json report_of(const pipeline::Asset& asset) {
  Json stages = Json::object(), seeds = Json::object();
  for (const auto& [stage, seconds] : asset.stages) {
    stages[stage] = seconds;
  }
  for (const auto& [stage, seed] : asset.seeds) {
    seeds[stage] = seed;
  }
  return {{"gaussians", asset.prepared->cloud.size()},
          {"spz_bytes", asset.prepared->spz.size()},
          {"paintings", asset.paintings},
          {"self_score", asset.judgement->score},
          {"reason", asset.judgement->reason},
          {"notes", asset.notes},
          {"stages", stages},
          {"seeds", seeds}};
}

Result<Json> lift(const LiftCommand& command) {
  const cli::InterruptStop interrupt;
  worker::ProgressLine line;
  LODE_TRY(const std::string lifter, lifter_of(command));
  std::optional<Truth> truth;
  if (!command.truth.empty()) {
    LODE_TRY(truth, open_truth(command.truth, command.worker));
  }
  LODE_TRY(const pipeline::Request request, request_of(command, truth));
  LODE_TRY(pipeline::ChainBackend chain, open_chain(command, lifter, truth));
  LivePreview preview(command.preview);
  LODE_TRY(const pipeline::Asset asset,
           chain.generate(request, interrupt.token(), [&](const pipeline::StageProgress& now) {
             line.show_running(line_of(now, line.seconds()));
             preview.show(now.preview);
           }));
  LODE_CHECK(write_results(command, asset));
  Json report = {
      {"out", command.out}, {"stages_used", chain.description()}, {"seed", command.seed}};
  report.update(report_of(asset));
  if (truth) {
    LODE_TRY(const Likeness likeness, compare_with_truth(asset.cloud, *truth));
    report["psnr_db"] = likeness.psnr_db;
    report["ssim"] = likeness.ssim;
  }
  report["seconds"] = line.seconds();
  return report;
}

int run(const LiftCommand& command) {
  const Result<Json> report = lift(command);
  if (!report) {
    return cli::report(report.error());
  }
  if (command.json) {
    cli::print_json(*report);
    return cli::kDone;
  }
  fmt::print("{}: {} gaussians in {:.1f} s ({})\nself score {:.3f}: {}\n", command.out,
             report->at("gaussians").get<std::size_t>(), report->at("seconds").get<double>(),
             report->at("stages_used").get<std::string>(), report->at("self_score").get<double>(),
             report->at("reason").get<std::string>());
  if (report->contains("psnr_db")) {
    fmt::print("against the truth: {:.2f} dB, SSIM {:.4f}\n", report->at("psnr_db").get<double>(),
               report->at("ssim").get<double>());
  }
  for (const auto& note : report->at("notes")) {
    fmt::print("  {}\n", note.get<std::string>());
  }
  return cli::kDone;
}

void add_files(CLI::App& command, LiftCommand& options) {
  auto* in = command.add_option("in", options.in,
                                "The picture (PNG, JPEG, WebP, GIF); one without alpha is cut out");
  command.add_option("--prompt", options.prompt, "Instead of a picture: what to make")
      ->excludes(in)
      ->configurable(false);
  command.add_option("-o,--out", options.out, "The splat to write, .ply or .spz")
      ->required()
      ->configurable(false);
  command
      .add_option("--preview", options.preview,
                  "PNG that shows how it comes along, rewritten every second")
      ->configurable(false);
  command.add_option("--sheet", options.sheet, "PNG of the validators' sixteen views")
      ->configurable(false);
  command.add_flag("--json", options.json, "Print one JSON object");
}

}  // namespace

void add_lift(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<LiftCommand>();
  CLI::App* command = app.add_subcommand("lift", "Make a splat of a picture, or of a prompt");
  add_files(*command, *options);
  command->add_option("--seed", options->seed, "The same seed makes the same splat")
      ->capture_default_str()
      ->configurable(false);
  command
      ->add_option("--guidance", options->guidance,
                   "What guides it, instead of --lifter: zero123, mvdream, stable-diffusion, or "
                   "oracle, which knows the --truth and needs no weights")
      ->check(CLI::IsMember({"zero123", "mvdream", "stable-diffusion", "oracle"}).description(""))
      ->configurable(false);
  auto* truth = command->add_option("--truth", options->truth,
                                    "A splat to be made again, and to measure the result against");
  truth->configurable(false);
  command
      ->add_option("--oracle-noise", options->oracle_noise,
                   "Noise on what the oracle says, 1 as a diffusion model's")
      ->needs(truth)
      ->check(CLI::Range(0.0, 100.0))
      ->configurable(false);
  add_worker_settings(*command, options->worker,
                      {.are_keys = true,
                       .aliases = {{"lifter_model", "--model"},
                                   {"lifter_preset", "--preset"},
                                   {"lifter_budget", "--budget"}}});
  command->configurable();
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
