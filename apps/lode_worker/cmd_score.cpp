// lode-worker score: what the validators would say to a splat.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "cli/interrupt.h"
#include "image/codec.h"
#include "judge/judge.h"
#include "lode_worker/commands.h"
#include "lode_worker/judge_flags.h"
#include "lode_worker/progress_line.h"
#include "scorer/scorer.h"
#include "scorer/views.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

using Json = nlohmann::ordered_json;

// A tile of the sheet, and the bar below the picture in it.
constexpr int kTileSide = 259;
constexpr int kBarHeight = 12;

struct ScoreCommand {
  std::string file;
  std::string prompt;
  std::string picture;
  JudgeFlags judge;
  double threshold = 0.6;  // the validators' (protocol of the subnet, validation_threshold)
  std::optional<double> floor;
  std::string sheet;
  bool json = false;
};

/// What either judge says, for people and programs.
struct Outcome {
  std::optional<double> score;
  std::optional<double> alignment;
  bool is_discarded = false;
  std::vector<double> views;
  std::string line;
  std::vector<std::string> notes;
  Json breakdown = Json::object();
  Json stages = Json::object();
};

/// The bytes that would be sent: the file's own, or an SPZ made of it.
Result<Bytes> submission_of(const std::string& file, std::vector<std::string>& notes) {
  LODE_TRY(const splat::SplatFile splat, splat::read_splat(file));
  if (splat.format == splat::FileFormat::spz_zstd) {
    return read_file(file, splat.bytes);
  }
  notes.emplace_back("judged as the SPZ that would be sent of it");
  return splat::encode_spz(splat.cloud);
}

Json part_json(const std::optional<double>& value, const std::vector<double>& views) {
  if (!value) {
    return nullptr;
  }
  return Json{{"value", *value}, {"views", views}};
}

Result<Outcome> judge_by_engine(const ScoreCommand& command, ByteView spz,
                                const scorer::Prompt& prompt, const std::stop_token& stop) {
  LODE_TRY(scorer::Scorer engine, open_scorer(command.judge));
  LODE_TRY(const scorer::Verdict verdict, engine.score(spz, prompt, {stop, command.floor}));
  Outcome outcome;
  outcome.score = verdict.value;
  outcome.is_discarded = verdict.is_discarded;
  outcome.alignment = verdict.components.alignment;
  outcome.views = verdict.view_scores;
  outcome.line = verdict.line;
  outcome.notes = verdict.notes;
  const score::Components& parts = verdict.components;
  outcome.breakdown = {{"quality", part_json(parts.quality, verdict.views.quality)},
                       {"alignment", part_json(parts.alignment, verdict.views.alignment)},
                       {"ssim", part_json(parts.ssim, verdict.views.ssim)},
                       {"lpips", part_json(parts.lpips, verdict.views.lpips)},
                       {"refusals", verdict.refusals}};
  const scorer::StageSeconds& s = verdict.seconds;
  outcome.stages = {{"draw", s.draw},       {"prompt", s.prompt}, {"alignment", s.alignment},
                    {"quality", s.quality}, {"ssim", s.ssim},     {"lpips", s.lpips}};
  return outcome;
}

Result<Outcome> judge_without_weights(ByteView spz, const scorer::Prompt& prompt,
                                      const std::stop_token& stop) {
  LODE_TRY(const judge::Verdict verdict, prompt.picture != nullptr
                                             ? judge::judge_image(spz, *prompt.picture, stop)
                                             : judge::judge_text(spz, prompt.text, stop));
  Outcome outcome;
  outcome.score = verdict.score;
  outcome.alignment = verdict.alignment;
  outcome.views = verdict.views;
  outcome.line = verdict.reason;
  outcome.notes.emplace_back(
      "no weights given (--clip, --quality): judged by the sketch's drawings, "
      "not by the validators' networks");
  return outcome;
}

/// From red for 0 over yellow to green for 1.
image::Rgb colour_of(double value) {
  const auto part = [](double v) {
    return static_cast<std::uint8_t>(std::lround(200 * std::clamp(v, 0.0, 1.0)));
  };
  return {part(2 - 2 * value), part(2 * value), 0};
}

/// A view over a bar as long as its score of 1, with a notch at the threshold.
image::Image tile_of(const image::Image& view, std::optional<double> value, double threshold) {
  image::Image tile(kTileSide, kTileSide + kBarHeight, 3, 235);
  const image::Image small = image::resize(view, kTileSide, kTileSide);
  std::ranges::copy(small.pixels, tile.pixels.begin());
  const auto column = [](double part) {
    return static_cast<int>(std::lround((kTileSide - 1) * std::clamp(part, 0.0, 1.0)));
  };
  for (int y = kTileSide + 2; y < tile.height; ++y) {
    for (int x = 0; value && x <= column(*value); ++x) {
      std::ranges::copy(colour_of(*value), tile.at(x, y));
    }
    std::fill_n(tile.at(column(threshold), y), 3, std::uint8_t{0});
  }
  return tile;
}

Result<void> write_sheet(const ScoreCommand& command, ByteView spz, const Outcome& outcome,
                         const std::stop_token& stop) {
  LODE_TRY(const splat::GaussianCloud cloud, splat::decode_spz(spz));
  LODE_TRY(const std::vector<image::Image> views,
           scorer::draw_views(splat::activate(cloud), command.judge.network.threads, stop));
  std::vector<image::Image> tiles;
  for (std::size_t i = 0; i < views.size(); ++i) {
    // The weight-free judge has no value of its own for the view that closes the ring.
    const std::size_t index = i == outcome.views.size() ? 0 : i;
    const bool has_value = outcome.views.size() + 1 >= views.size();
    tiles.push_back(tile_of(views[i],
                            has_value ? std::optional(outcome.views[index]) : std::nullopt,
                            command.threshold));
  }
  return image::write_png(command.sheet, image::tile(tiles, 4, 4, {255, 255, 255}));
}

std::string verdict_of(const Outcome& outcome, double threshold) {
  if (!outcome.score) {
    return "unknown";
  }
  if (outcome.is_discarded) {
    return "discarded";
  }
  return *outcome.score >= threshold ? "pass" : "fail";
}

Result<Json> score_file(const ScoreCommand& command) {
  const cli::InterruptStop interrupt;
  set_up_linear_algebra(command.judge.network);
  const worker::ProgressLine clock;
  std::vector<std::string> notes;
  LODE_TRY(const Bytes spz, submission_of(command.file, notes));
  image::Image picture;
  scorer::Prompt prompt{command.prompt};
  if (!command.picture.empty()) {
    LODE_TRY(picture, image::read_image(command.picture));
    prompt = {{}, &picture};
  }
  LODE_TRY(Outcome outcome, command.judge.has_weights()
                                ? judge_by_engine(command, spz, prompt, interrupt.token())
                                : judge_without_weights(spz, prompt, interrupt.token()));
  const double seconds = clock.seconds();
  if (!command.sheet.empty()) {
    LODE_CHECK(write_sheet(command, spz, outcome, interrupt.token()));
  }
  notes.insert(notes.end(), outcome.notes.begin(), outcome.notes.end());
  const auto or_null = [](const std::optional<double>& v) { return v ? Json(*v) : Json(); };
  return Json{{"score", or_null(outcome.score)},
              {"alignment", or_null(outcome.alignment)},
              {"views", outcome.views},
              {"verdict", verdict_of(outcome, command.threshold)},
              {"threshold", command.threshold},
              {"line", outcome.line},
              {"judge", command.judge.has_weights() ? "networks" : "sketch"},
              {"breakdown", outcome.breakdown},
              {"notes", notes},
              {"seconds", seconds},
              {"stages", outcome.stages}};
}

int run_score(const ScoreCommand& command) {
  const Result<Json> scored = score_file(command);
  if (!scored) {
    return cli::report(scored.error());
  }
  for (const auto& note : scored->at("notes")) {
    spdlog::warn("{}", note.get<std::string>());
  }
  if (command.json) {
    cli::print_json(*scored);
    return cli::kDone;
  }
  fmt::print("{}: {}\n", scored->at("verdict").get<std::string>(),
             scored->at("line").get<std::string>());
  return cli::kDone;
}

}  // namespace

void add_score(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ScoreCommand>();
  CLI::App* command =
      app.add_subcommand("score", "Score a splat as the validators would, with a breakdown");
  command->add_option("file", options->file, "A PLY or SPZ file")->required();
  CLI::Option* prompt = command->add_option("--prompt", options->prompt, "What it should be");
  command->add_option("--image", options->picture, "A picture of what it should be")
      ->excludes(prompt);
  add_judge_flags(*command, options->judge);
  command->add_option("--threshold", options->threshold, "The score that passes")
      ->capture_default_str();
  command->add_option("--floor", options->floor,
                      "Stop judging once it is known that the score will be below, or 0");
  command->add_option("--sheet", options->sheet,
                      "A PNG of the 16 views, each over a bar of its score");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] {
    if (options->prompt.empty() && options->picture.empty()) {
      throw CLI::RequiredError("--prompt or --image");
    }
    chosen = [options] { return run_score(*options); };
  });
}

}  // namespace lode::commands
