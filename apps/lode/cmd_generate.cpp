// lode generate: one asset from a prompt or a picture, without a subnet.
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/codec.h"
#include "judge/judge.h"
#include "lode/commands.h"
#include "pipeline/backend.h"
#include "pipeline/prepare.h"
#include "pipeline/registry.h"

namespace lode::commands {
namespace {

constexpr std::size_t kMaxPictureBytes = 64 << 20;

struct GenerateOptions {
  std::string prompt;
  std::string image;
  std::string out;
  std::string backend = "sketch";
  pipeline::StageChoice stages;
  std::uint64_t seed = 0;
  bool json = false;
};

struct Generated {
  pipeline::Prepared prepared;
  judge::Verdict verdict;
  std::vector<pipeline::StageTime> stages;
  std::vector<std::string> notes;
};

Result<pipeline::Request> make_request(const GenerateOptions& options) {
  if (options.image.empty()) {
    return pipeline::Request{pipeline::Request::Kind::text, options.prompt, {}, options.seed};
  }
  LODE_TRY(Bytes picture, read_file(options.image, kMaxPictureBytes));
  return pipeline::Request{pipeline::Request::Kind::image, {}, std::move(picture), options.seed};
}

Result<judge::Verdict> judge_it(const pipeline::Request& request, ByteView spz) {
  if (request.kind == pipeline::Request::Kind::text) {
    return judge::judge_text(spz, request.prompt);
  }
  LODE_TRY(const image::Image picture, image::decode(request.picture));
  return judge::judge_image(spz, picture);
}

Result<Generated> generate(const GenerateOptions& options) {
  LODE_TRY(const pipeline::Request request, make_request(options));
  LODE_TRY(const auto backend, options.backend == "chain"
                                   ? pipeline::make_weightless_chain(options.stages)
                                   : pipeline::make_backend(options.backend));
  LODE_TRY(pipeline::Asset asset, backend->generate(request, {}));
  Generated generated;
  generated.stages = std::move(asset.stages);
  generated.notes = std::move(asset.notes);
  pipeline::StageClock clock;
  LODE_TRY(generated.prepared, pipeline::prepare(asset.cloud, options.seed));
  clock.lap("prepare");
  LODE_TRY(generated.verdict, judge_it(request, generated.prepared.spz));
  clock.lap("score");
  for (auto& stage : clock.take()) {
    generated.stages.push_back(std::move(stage));
  }
  return generated;
}

int run(const GenerateOptions& options) {
  const auto generated = generate(options);
  if (!generated) {
    return cli::report(generated.error());
  }
  if (const auto written = pipeline::write_prepared(options.out, generated->prepared); !written) {
    return cli::report(written.error());
  }
  nlohmann::json seconds = nlohmann::json::object();
  for (const auto& [stage, time] : generated->stages) {
    seconds[stage] = time;
  }
  const std::size_t gaussians = generated->prepared.cloud.size();
  if (options.json) {
    cli::print_json({{"backend", options.backend},
                     {"seed", options.seed},
                     {"gaussians", gaussians},
                     {"self_score", generated->verdict.score},
                     {"reason", generated->verdict.reason},
                     {"notes", generated->notes},
                     {"spz_bytes", generated->prepared.spz.size()},
                     {"seconds", seconds}});
    return cli::kDone;
  }
  std::cout << options.out << ": " << gaussians << " gaussians, " << generated->prepared.spz.size()
            << " bytes as SPZ\nself score " << generated->verdict.score << ": "
            << generated->verdict.reason << "\n";
  for (const std::string& note : generated->notes) {
    std::cout << "  " << note << "\n";
  }
  for (const auto& [stage, time] : generated->stages) {
    std::cout << "  " << stage << " " << time << " s\n";
  }
  return cli::kDone;
}

}  // namespace

void add_generate(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App* command = app.add_subcommand("generate", "Make one splat from a prompt or a picture");
  auto* source = command->add_option_group("source");
  source->add_option("--prompt", options->prompt, "What to make");
  source->add_option("--image", options->image, "PNG, JPEG or WebP picture to lift");
  source->require_option(1);
  command->add_option("-o,--out", options->out, "File to write, .ply or .spz")->required();
  command->add_option("--backend", options->backend, "What makes it: sketch or chain")
      ->capture_default_str();
  pipeline::StageChoice& stages = options->stages;
  command->add_option("--painter", stages.painter, "Of the chain: sketch")->capture_default_str();
  command->add_option("--cutter", stages.cutter, "Of the chain: grabcut or none")
      ->capture_default_str();
  command
      ->add_option("--lifter", stages.lifter, "Of the chain: sketch; networks' are lode-worker's")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Same seed, same bytes")->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
