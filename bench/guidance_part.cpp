// Times one question to a model that guides, part by part: guidance_part KIND FOLDER [RUNS [THREADS
// [exact|linear]]], KIND being zero123, mvdream or stable-diffusion. A JSON line of medians in ms.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "guidance/models_internal.h"

namespace {

using namespace lode;
using Clock = std::chrono::steady_clock;

/// What was drawn at 256 pixels, the size of most of DreamGaussian's views.
constexpr int kSide = 256;

std::unique_ptr<dream::GuidanceModel> open(const std::string& kind,
                                           const std::filesystem::path& folder,
                                           const guidance::Options& common, guidance::Hooks hooks) {
  const auto with = [&](auto options) {
    static_cast<guidance::Options&>(options) = common;
    return options;
  };
  if (kind == "zero123") {
    return guidance::open_zero123(folder, with(guidance::Zero123Options()), std::move(hooks))
        .value();
  }
  if (kind == "mvdream") {
    return guidance::open_mvdream(folder, with(guidance::MvdreamOptions()), std::move(hooks))
        .value();
  }
  if (kind == "stable-diffusion") {
    return guidance::open_stable_diffusion(folder, with(guidance::StableDiffusionOptions()),
                                           std::move(hooks))
        .value();
  }
  throw std::runtime_error(kind + ": zero123, mvdream or stable-diffusion expected");
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void run(const std::string& kind, const std::filesystem::path& folder, int runs,
         const guidance::Options& options) {
  std::map<std::string, std::vector<double>> times;
  Clock::time_point last;
  const auto lap = [&](const std::string& part) {
    const Clock::time_point now = Clock::now();
    times[part].push_back(std::chrono::duration<double, std::milli>(now - last).count());
    last = now;
  };
  guidance::Hooks hooks;
  hooks.done = [&](std::string_view part) { lap(std::string(part)); };
  const auto model = open(kind, folder, options, hooks);
  dream::Subject subject;
  subject.picture = image::Image(kSide, kSide, 3, 180);
  subject.prompt = "a red dragon";
  const auto guidance = model->begin(subject, 1, {}).value();
  const auto count = static_cast<std::size_t>(guidance->views_together());
  const std::vector<float> frame(std::size_t{3} * kSide * kSide, 0.5F);
  std::vector<dream::DrawnView> views;
  for (std::size_t i = 0; i < count; ++i) {
    views.push_back({{.azimuth_deg = 90.0F * static_cast<float>(i), .size = kSide}, frame});
  }
  std::vector<std::vector<float>> gradients(count);
  for (int step = 0; step <= runs; ++step) {
    last = Clock::now();
    guidance->differentiate(views, {step + 1, 0.5}, gradients, {}).value();
    if (step == 0) {
      times.clear();  // weights were loaded, and the linear map fitted
    }
  }
  nlohmann::ordered_json result = {{"kind", kind}, {"views", count}, {"n", runs}};
  for (const std::string part : {"encode", "unet", "backward"}) {
    result[part + "_ms"] = median(times[part]);
  }
  std::puts(result.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 3) {
      throw std::runtime_error("guidance_part KIND FOLDER [RUNS [THREADS [exact|linear]]]");
    }
    guidance::Options options;
    options.threads = argc > 4 ? std::stoi(argv[4]) : 0;
    const std::string gradient = argc > 5 ? argv[5] : "exact";
    options.pixel_gradient =
        gradient == "linear" ? guidance::PixelGradient::linear : guidance::PixelGradient::exact;
    run(argv[1], argv[2], std::max(1, argc > 3 ? std::stoi(argv[3]) : 5), options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "guidance_part: {}\n", error.what());
    return 1;
  }
  return 0;
}
