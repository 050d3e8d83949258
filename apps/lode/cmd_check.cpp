// lode check: whether the validators' data checks accept a splat file.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "splat/checks.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

struct CheckOptions {
  std::string file;
  bool json = false;
};

struct Outcome {
  std::size_t gaussians = 0;
  std::vector<std::string> reasons;
};

void print(const Outcome& outcome, bool as_json) {
  if (as_json) {
    cli::print_json({{"valid", outcome.reasons.empty()},
                     {"gaussians", outcome.gaussians},
                     {"reasons", outcome.reasons}});
    return;
  }
  if (outcome.reasons.empty()) {
    fmt::print("valid: {} gaussians\n", outcome.gaussians);
  }
  for (const std::string& reason : outcome.reasons) {
    fmt::print("invalid: {}\n", reason);
  }
}

int run(const CheckOptions& options) {
  const auto file = splat::read_splat(options.file);
  if (!file) {
    if (options.json) {
      print({0, {file.error().message()}}, true);
    }
    return cli::report(file.error());
  }
  const splat::CheckReport report = splat::check(splat::activate(file->cloud));
  print({file->cloud.size(), report.reasons}, options.json);
  return report.valid() ? cli::kDone : cli::kInvalidInput;
}

}  // namespace

void add_check(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* command =
      app.add_subcommand("check", "Run the validators' data checks on a splat file; exits 0 or 3");
  command->add_option("file", options->file, "A .ply or .spz file")->required();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
