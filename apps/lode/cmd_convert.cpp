// lode convert: a splat file in another format.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "lode/commands.h"
#include "splat/splat_file.h"

namespace lode::commands {
namespace {

struct ConvertOptions {
  std::string in;
  std::string out;
  splat::SpzOptions spz;
  bool json = false;
};

int run(const ConvertOptions& options) {
  const auto file = splat::read_splat(options.in);
  if (!file) {
    return cli::report(file.error());
  }
  const auto bytes = splat::write_splat(options.out, file->cloud, options.spz);
  if (!bytes) {
    return cli::report(bytes.error());
  }
  if (options.json) {
    cli::print_json({{"gaussians", file->cloud.size()}, {"bytes", *bytes}});
  } else {
    fmt::print("{}: {} gaussians, {} bytes\n", options.out, file->cloud.size(), *bytes);
  }
  return cli::kDone;
}

}  // namespace

void add_convert(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command = app.add_subcommand("convert", "Write a splat file in another format");
  command->add_option("in", options->in, "A .ply or .spz file")->required();
  command
      ->add_option("out", options->out,
                   "The file to write: .ply, .spz, or for viewers .compressed.ply or .splat")
      ->required();
  const std::map<std::string, splat::SpzContainer> containers{{"zstd", splat::SpzContainer::zstd},
                                                              {"gzip", splat::SpzContainer::gzip},
                                                              {"v3", splat::SpzContainer::gzip_v3},
                                                              {"v4", splat::SpzContainer::v4}};
  command
      ->add_option("--spz", options->spz.container,
                   "Form of an .spz: zstd for the subnet; for viewers gzip (Niantic's version 2), "
                   "v3 (the same with finer rotations) or v4 (their current one)")
      ->transform(CLI::CheckedTransformer(containers));
  command
      ->add_option("--level", options->spz.level,
                   "Compression level of an .spz (default: that of the form's own packer)")
      ->check(CLI::Range(1, 19));
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
