// lode compare: how two pictures of one size differ.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "image/codec.h"
#include "lode/commands.h"

namespace lode::commands {
namespace {

/// Stands for the infinite PSNR of equal pictures, which JSON cannot express: far above the 131 dB
/// of one value off by one in the largest picture we decode.
constexpr double kEqualPsnrDb = 999;

struct CompareOptions {
  std::string a;
  std::string b;
  std::string diff_out;
  int amplification = 8;
  bool json = false;
};

Result<image::Difference> compare(const CompareOptions& options) {
  LODE_TRY(const image::Image a, image::read_image(options.a));
  LODE_TRY(const image::Image b, image::read_image(options.b));
  LODE_TRY(const image::Difference difference, image::compare(a, b));
  if (!options.diff_out.empty()) {
    LODE_TRY(const image::Image picture, image::difference_picture(a, b, options.amplification));
    LODE_CHECK(image::write_png(options.diff_out, picture));
  }
  return difference;
}

int run(const CompareOptions& options) {
  const auto difference = compare(options);
  if (!difference) {
    return cli::report(difference.error());
  }
  const double psnr_db = std::min(difference->psnr_db, kEqualPsnrDb);
  if (options.json) {
    cli::print_json(
        {{"psnr_db", psnr_db}, {"ssim", difference->ssim}, {"max_abs", difference->max_abs}});
  } else if (difference->max_abs == 0) {
    fmt::print("equal in every pixel\n");
  } else {
    fmt::print("PSNR {:.2f} dB, SSIM {:.5f}, largest difference {} of 255\n", psnr_db,
               difference->ssim, difference->max_abs);
  }
  return cli::kDone;
}

}  // namespace

void add_compare(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* command = app.add_subcommand("compare", "Measure how two pictures of one size differ");
  command->add_option("a", options->a, "A PNG, JPEG or WebP picture")->required();
  command->add_option("b", options->b, "Another one")->required();
  command->add_option("--diff", options->diff_out, "Also write the amplified difference as a PNG");
  command->add_option("--amplify", options->amplification, "What --diff multiplies by")
      ->check(CLI::Range(1, 255))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object; 999 dB when they are equal");
  command->callback([options, &chosen] { chosen = [options] { return run(*options); }; });
}

}  // namespace lode::commands
