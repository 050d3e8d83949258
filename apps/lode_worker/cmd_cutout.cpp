// lode-worker cutout: subjects of pictures on transparent ground, one picture or many.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "cutout/cutout.h"
#include "image/codec.h"
#include "lode_worker/commands.h"
#include "lode_worker/cutout_network.h"

namespace lode::commands {
namespace {

namespace fs = std::filesystem;

struct CutoutArguments {
  std::vector<std::string> in;
  std::string out;
  std::string matter = "auto";
  CutoutNetwork network;
  std::string keep = "largest";
  std::vector<int> background;
  int size = cutout::FrameOptions().side;
  double ratio = cutout::FrameOptions().ratio;
  bool keep_size = false;
  std::string sheet;
  bool json = false;
};

/// What became of one input.
struct Outcome {
  std::string in, out;
  std::vector<std::string> notes;  ///< of decoding
  cutout::Report report;
  std::optional<Error> error;
};

using Matters = std::vector<std::unique_ptr<cutout::Matter>>;

/// Who is asked, in this order: the picture's alpha, the network, GrabCut.
Result<Matters> matters_of(const CutoutArguments& arguments) {
  const std::string& name = arguments.matter;
  Matters matters;
  if (name == "auto" || name == "alpha") {
    matters.push_back(cutout::alpha_matter());
  }
  if (name == "network" && arguments.network.folder.empty()) {
    return fail(Errc::invalid_input, "--matter network needs --model");
  }
  if ((name == "auto" || name == "network") && !arguments.network.folder.empty()) {
    set_up_linear_algebra(arguments.network.flags);
    LODE_TRY(matters.emplace_back(), open_network(arguments.network));
  }
  if (name == "auto" || name == "grabcut") {
    matters.push_back(cutout::grabcut_matter());
  }
  return matters;
}

cutout::CutoutOptions options_of(const CutoutArguments& arguments, const Clock& clock) {
  cutout::CutoutOptions options;
  options.clock = &clock;
  options.clean.keep = arguments.keep == "parts" ? cutout::Keep::parts : cutout::Keep::largest;
  if (arguments.keep_size) {
    options.frame.reset();
    return options;
  }
  options.frame->side = arguments.size;
  options.frame->ratio = arguments.ratio;
  if (!arguments.background.empty()) {
    image::Rgb& colour = options.frame->background.emplace();
    std::ranges::transform(arguments.background, colour.begin(),
                           [](int value) { return static_cast<std::uint8_t>(value); });
  }
  return options;
}

/// Where each input's result goes: the file named, or a PNG of its name in the folder named.
Result<std::vector<std::string>> outputs_of(const CutoutArguments& arguments) {
  const fs::path out = arguments.out;
  const bool is_folder = arguments.in.size() > 1 || fs::is_directory(out) || !out.has_filename();
  if (!is_folder) {
    return std::vector<std::string>{arguments.out};
  }
  if (fs::exists(out) && !fs::is_directory(out)) {
    return fail(Errc::invalid_input, arguments.out + ": several inputs need a folder to go to");
  }
  std::vector<std::string> outputs;
  std::set<std::string> names;
  for (const std::string& in : arguments.in) {
    const std::string name = fs::path(in).stem().string() + ".png";
    if (!names.insert(name).second) {
      return fail(Errc::invalid_input,
                  in + ": another input would also become " + (out / name).string());
    }
    outputs.push_back((out / name).string());
  }
  std::error_code ec;
  fs::create_directories(out, ec);
  if (ec) {
    return fail(Errc::io_failure, arguments.out + ": " + ec.message());
  }
  return outputs;
}

/// Pictures before and after, side by side, a few pairs in a row.
class Sheet {
 public:
  void add(const image::Image& before, const image::Image& after) {
    cells_.push_back(cell(before));
    cells_.push_back(cell(after));
  }
  /// Errc::invalid_input when no picture was cut out.
  Result<void> write(const std::string& path) const {
    if (cells_.empty()) {
      return fail(Errc::invalid_input, path + ": no picture was cut out, there is nothing to show");
    }
    const int columns = std::min<int>(static_cast<int>(cells_.size()), 2 * kPairs);
    return image::write_png(path, image::tile(cells_, columns, 4, {255, 255, 255}));
  }

 private:
  static constexpr int kCell = 224, kPairs = 3, kSquare = 14;

  /// The picture, made to fit, in the middle of a checkerboard.
  static image::Image cell(const image::Image& picture) {
    const double scale = static_cast<double>(kCell) / std::max(picture.width, picture.height);
    const auto scaled = [&](int length) {
      return std::clamp(static_cast<int>(std::lround(length * scale)), 1, kCell);
    };
    const image::Image small =
        image::resize(picture, scaled(picture.width), scaled(picture.height));
    const int left = (kCell - small.width) / 2, top = (kCell - small.height) / 2;
    image::Image out(kCell, kCell, 3);
    for (int y = 0; y < kCell; ++y) {
      for (int x = 0; x < kCell; ++x) {
        const int ground = (x / kSquare + y / kSquare) % 2 == 0 ? 232 : 188;
        const bool is_inside =
            x >= left && y >= top && x < left + small.width && y < top + small.height;
        const std::uint8_t* source = is_inside ? small.at(x - left, y - top) : nullptr;
        const int alpha = source == nullptr ? 0 : small.channels == 4 ? source[3] : 255;
        for (int c = 0; c < 3; ++c) {
          const int colour = source == nullptr ? 0 : source[c];
          out.at(x, y)[c] =
              static_cast<std::uint8_t>((alpha * colour + (255 - alpha) * ground + 127) / 255);
        }
      }
    }
    return out;
  }

  std::vector<image::Image> cells_;
};

Result<void> cut_one(Outcome& outcome, std::span<const std::unique_ptr<cutout::Matter>> matters,
                     const cutout::CutoutOptions& options, Sheet& sheet) {
  LODE_TRY(image::Decoded decoded, image::read_image_with_notes(outcome.in));
  outcome.notes = std::move(decoded.notes);
  auto result = cutout::cut_out(decoded.image, matters, options);
  if (!result) {
    return annotate(result.error(), outcome.in);
  }
  outcome.report = std::move(result->report);
  sheet.add(decoded.image, result->picture);
  return image::write_png(outcome.out, result->picture);
}

nlohmann::json findings_json(const cutout::Inspection& inspection) {
  nlohmann::json findings = nlohmann::json::array();
  for (const cutout::Finding& finding : inspection.findings) {
    findings.push_back({{"finding", cutout::to_string(finding.oddity)},
                        {"value", finding.value},
                        {"limit", finding.limit},
                        {"text", finding.text}});
  }
  return findings;
}

nlohmann::json outcome_json(const Outcome& outcome) {
  nlohmann::json object = {{"in", outcome.in}, {"notes", outcome.notes}};
  if (outcome.error) {
    object["error"] = outcome.error->message();
    return object;
  }
  const cutout::Report& report = outcome.report;
  nlohmann::json opinions = nlohmann::json::array(), stages = nlohmann::json::object();
  for (const cutout::Opinion& opinion : report.opinions) {
    opinions.push_back({{"matter", opinion.matter},
                        {"note", opinion.note},
                        {"findings", findings_json(opinion.inspection)}});
  }
  for (const auto& [stage, seconds] : report.seconds) {
    stages[stage] = seconds;
  }
  const cutout::MatteMeasures& measures = report.cleaned.measures;
  object.update({{"out", outcome.out},
                 {"matter", report.matter},
                 {"reason", report.reason},
                 {"opinions", opinions},
                 {"findings", findings_json(report.cleaned)},
                 {"coverage", measures.coverage},
                 {"soft", measures.soft_share},
                 {"filled_holes", report.filled_holes},
                 {"removed_parts", report.removed_parts},
                 {"size", {report.width, report.height}},
                 {"box", {report.box.left, report.box.top, report.box.right, report.box.bottom}},
                 {"stages", stages}});
  if (report.agreement) {
    object["agreement"] = *report.agreement;
  }
  return object;
}

void print_line(const Outcome& outcome) {
  const cutout::Report& report = outcome.report;
  fmt::print("{}: {}, {:.1f} % of {}x{} pixels is subject ({})\n", outcome.out, report.matter,
             100 * report.cleaned.measures.coverage, report.width, report.height, report.reason);
}

/// Cuts out every input; one that fails does not keep the others from being done.
std::vector<Outcome> cut_all(const CutoutArguments& arguments, const Matters& matters,
                             const std::vector<std::string>& outputs, Sheet& sheet) {
  const SystemClock clock;
  const cutout::CutoutOptions options = options_of(arguments, clock);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < arguments.in.size(); ++i) {
    Outcome& outcome = outcomes.emplace_back(Outcome{arguments.in[i], outputs[i]});
    const auto done = cut_one(outcome, matters, options, sheet);
    for (const std::string& note : outcome.notes) {
      spdlog::info("{}: {}", outcome.in, note);
    }
    if (!done) {
      outcome.error = done.error();
      cli::report(done.error());
    } else if (!arguments.json) {
      print_line(outcome);
    }
    if (arguments.in.size() > 1) {
      spdlog::info("{} of {} pictures", i + 1, arguments.in.size());
    }
  }
  return outcomes;
}

int run(const CutoutArguments& arguments) {
  const auto outputs = outputs_of(arguments);
  if (!outputs) {
    cli::report(outputs.error());
    return outputs.error().code == Errc::invalid_input ? cli::kUsage
                                                       : cli::exit_code(outputs.error().code);
  }
  const auto matters = matters_of(arguments);
  if (!matters) {
    return cli::report(matters.error());
  }
  const SystemClock clock;
  const Time began = clock.now();
  Sheet sheet;
  const std::vector<Outcome> outcomes = cut_all(arguments, *matters, *outputs, sheet);
  int code = cli::kDone;
  for (const Outcome& outcome : outcomes) {
    code = std::max<int>(code, outcome.error ? cli::exit_code(outcome.error->code) : cli::kDone);
  }
  if (!arguments.sheet.empty()) {
    if (const auto written = sheet.write(arguments.sheet); !written) {
      code = std::max(code, cli::report(written.error()));
    }
  }
  if (arguments.json) {
    nlohmann::json pictures = nlohmann::json::array();
    for (const Outcome& outcome : outcomes) {
      pictures.push_back(outcome_json(outcome));
    }
    cli::print_json({{"seconds", to_seconds(clock.now() - began)}, {"pictures", pictures}});
  }
  return code;
}

void add_network_options(CLI::App& command, CutoutNetwork& network) {
  auto* model = command.add_option("--model", network.folder,
                                   "Folder of BiRefNet's or RMBG-2.0's weights (safetensors)");
  add_network_flags(command, network.flags, {"f32", "bf16", "f16"},
                    "Most bytes of the network's weights on the device");
  command
      .add_option(
          "--patch-order", network.patch_order,
          "How the weights want tiles of the picture: RMBG-2.0 tile_major, BiRefNet trained "
          "since November 2024 channel_major; auto: as the weights or the birefnet.py "
          "beside them tell")
      ->check(CLI::IsMember({"auto", "tile_major", "channel_major"}))
      ->needs(model)
      ->capture_default_str();
  auto* side = command
                   .add_option("--network-side", network.side,
                               "Side of the square it sees, in pixels, a multiple of 32")
                   ->needs(model)
                   ->capture_default_str();
  command
      .add_flag("--native", network.native,
                "It sees the picture's own size, as BiRefNet_dynamic is made for")
      ->needs(model)
      ->excludes(side);
}

}  // namespace

void add_cutout(CLI::App& app, cli::Action& chosen) {
  auto arguments = std::make_shared<CutoutArguments>();
  CLI::App* command =
      app.add_subcommand("cutout", "Cut the subjects out of pictures (PNG, JPEG, WebP, GIF)");
  command->add_option("in", arguments->in, "The pictures")->required();
  command
      ->add_option("-o,--out", arguments->out,
                   "The PNG to write; for several pictures, or where it is one, a folder")
      ->required();
  command
      ->add_option("--matter", arguments->matter,
                   "What finds the subject; auto: the picture's alpha, else the network of "
                   "--model, else GrabCut")
      ->check(CLI::IsMember({"auto", "alpha", "network", "grabcut"}))
      ->capture_default_str();
  add_network_options(*command, arguments->network);
  auto* size = command->add_option("--size", arguments->size, "Side of the square in pixels")
                   ->check(CLI::Range(cutout::kLeastSide, cutout::kMostSide))
                   ->capture_default_str();
  auto* ratio =
      command->add_option("--ratio", arguments->ratio, "The subject's longer side, of the square's")
          ->check(CLI::Range(0.01, 1.0))
          ->capture_default_str();
  auto* background = command
                         ->add_option("--background", arguments->background,
                                      "r,g,b from 0 to 255; transparent without it")
                         ->delimiter(',')
                         ->expected(3)
                         ->check(CLI::Range(0, 255));
  command
      ->add_flag("--keep-size", arguments->keep_size,
                 "The picture's own extent instead of a square around the subject")
      ->excludes(size)
      ->excludes(ratio)
      ->excludes(background);
  command
      ->add_option("--keep", arguments->keep,
                   "Of a subject in pieces the largest, or all sizeable parts")
      ->check(CLI::IsMember({"largest", "parts"}))
      ->capture_default_str();
  command->add_option("--sheet", arguments->sheet, "Also write a PNG of all before and after");
  command->add_flag("--json", arguments->json, "Print one JSON object");
  command->callback([arguments, &chosen] { chosen = [arguments] { return run(*arguments); }; });
}

}  // namespace lode::commands
