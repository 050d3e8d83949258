// lode-worker image: a prompt to a picture with FLUX.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/interrupt.h"
#include "flux/pipeline.h"
#include "image/codec.h"
#include "lode_worker/commands.h"
#include "lode_worker/flux_network.h"
#include "lode_worker/network_flags.h"
#include "lode_worker/progress_line.h"

namespace lode::commands {
namespace {

struct ImageCommand {
  std::string model;
  std::string size = "512";
  std::string out;
  flux::FluxRequest request;
  NetworkFlags flags;
  std::string weights = "native";
  bool json = false;
};

/// "512" or "640x384" (width by height), pixels.
Result<void> parse_size(const std::string& text, int& width, int& height) {
  const auto number = [](std::string_view digits, int& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  const std::size_t cross = text.find('x');
  const std::string_view first = std::string_view(text).substr(0, cross);
  const std::string_view second =
      cross == std::string::npos ? first : std::string_view(text).substr(cross + 1);
  if (!number(first, width) || !number(second, height)) {
    return fail(Errc::invalid_input,
                "--size " + text + ": SIDE or WIDTHxHEIGHT in pixels expected");
  }
  return {};
}

/// out.png for one picture, out-0.png, out-1.png and so on for several.
std::filesystem::path file_of(const ImageCommand& command, int index) {
  std::filesystem::path path = command.out;
  if (command.request.pictures > 1) {
    const std::string number = "-" + std::to_string(command.request.first_picture + index);
    path.replace_filename(path.stem().string() + number + path.extension().string());
  }
  return path;
}

/// Stages in the order of their first progress, with the seconds that each took.
class StageSeconds {
 public:
  void note(std::string_view stage, double now) {
    seconds_[std::string(stage)] =
        seconds_.value(std::string(stage), 0.0) + now - std::exchange(last_, now);
  }
  const nlohmann::ordered_json& json() const { return seconds_; }

 private:
  nlohmann::ordered_json seconds_ = nlohmann::ordered_json::object();
  double last_ = 0;
};

Result<nlohmann::ordered_json> make_pictures(ImageCommand command) {
  LODE_CHECK(parse_size(command.size, command.request.width, command.request.height));
  const cli::InterruptStop interrupt;
  set_up_linear_algebra(command.flags);
  worker::ProgressLine line;
  StageSeconds stages;
  LODE_TRY(flux::FluxPipeline pipeline,
           flux::FluxPipeline::open(command.model, flux_options(command.flags, command.weights)));
  stages.note("open", line.seconds());
  const auto progress = [&](const flux::FluxProgress& now) {
    line.show(now.stage, now.step, now.of);
    stages.note(now.stage, line.seconds());
  };
  LODE_TRY(const flux::FluxResult result,
           pipeline.run(command.request, progress, interrupt.token()));
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < result.pictures.size(); ++i) {
    const std::filesystem::path file = file_of(command, static_cast<int>(i));
    LODE_CHECK(image::write_png(file, result.pictures[i]));
    files.push_back(file.string());
  }
  nlohmann::ordered_json peaks;
  for (std::size_t i = 0; i < flux::kParts; ++i) {
    peaks[std::string(flux::to_string(static_cast<flux::Part>(i)))] = result.peak_weight_bytes[i];
  }
  return nlohmann::ordered_json{{"files", files},
                                {"width", command.request.width},
                                {"height", command.request.height},
                                {"steps", command.request.steps},
                                {"seed", command.request.seed},
                                {"seconds", line.seconds()},
                                {"stages", stages.json()},
                                {"peak_weight_bytes", peaks},
                                {"decoded_in_tiles", result.decoded_in_tiles},
                                {"notes", result.notes}};
}

int run_image(const ImageCommand& command) {
  const Result<nlohmann::ordered_json> made = make_pictures(command);
  if (!made) {
    return cli::report(made.error());
  }
  for (const auto& note : made->at("notes")) {
    spdlog::warn("{}", note.get<std::string>());
  }
  if (command.json) {
    cli::print_json(*made);
    return cli::kDone;
  }
  for (const auto& file : made->at("files")) {
    fmt::print("{}\n", file.get<std::string>());
  }
  fmt::print(stderr, "{}x{}, {} steps, seed {}: {:.1f} s\n", made->at("width").get<int>(),
             made->at("height").get<int>(), command.request.steps, command.request.seed,
             made->at("seconds").get<double>());
  return cli::kDone;
}

}  // namespace

void add_image(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ImageCommand>();
  CLI::App* command = app.add_subcommand("image", "Make a picture from a prompt with FLUX");
  flux::FluxRequest& request = options->request;
  command->add_option("prompt", request.prompt, "What the picture shows")->required();
  command->add_option("--model", options->model, "A folder as Hugging Face lays FLUX.1-schnell out")
      ->required();
  command->add_option("--steps", request.steps, "Steps; schnell is made for 1 to 4")
      ->capture_default_str();
  command->add_option("--size", options->size, "SIDE or WIDTHxHEIGHT, pixels, multiples of 16")
      ->capture_default_str();
  command->add_option("--seed", request.seed, "The same seed makes the same picture")
      ->capture_default_str();
  command->add_option("--pictures", request.pictures, "How many, each from noise of its own")
      ->capture_default_str();
  command->add_option("--guidance", request.guidance, "For FLUX.1-dev alone")
      ->capture_default_str();
  command->add_option("-o,--out", options->out, "The PNG to write; several get numbers")
      ->required();
  add_network_flags(*command, options->flags, {"f32", "bf16"},
                    "Most bytes of weights and activations on the device");
  command
      ->add_option("--weights", options->weights,
                   "How large matrices are held: native, int8, or fp8 (libtorch 2.1 and newer)")
      ->check(CLI::IsMember({"native", "int8", "fp8"}).description(""))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return run_image(*options); }; });
}

}  // namespace lode::commands
