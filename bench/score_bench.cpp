// Time of a whole judgement by the scoring networks of full size, stage by stage: the views drawn,
// a new prompt each time. Wants the folders of tools/score_full_size.py in LODE_SCORE_WEIGHTS.
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/heap.h"
#include "bench/splat_bench.h"
#include "scorer/scorer.h"
#include "splat/cloud.h"

namespace lode::bench {
namespace {

constexpr std::size_t kGaussians = 53'000;  // as many as the hamburger of the other measurements

struct Stage {
  const char* name;
  double scorer::StageSeconds::*seconds;
};
using scorer::StageSeconds;
constexpr Stage kStages[] = {
    {"draw_ms", &StageSeconds::draw},           {"prompt_ms", &StageSeconds::prompt},
    {"alignment_ms", &StageSeconds::alignment}, {"quality_ms", &StageSeconds::quality},
    {"ssim_ms", &StageSeconds::ssim},           {"lpips_ms", &StageSeconds::lpips}};

void judge(benchmark::State& state, const scorer::ScorerFolders& folders) {
  scorer::ScorerOptions options;
  options.device = "cpu";
  options.threads = at::get_num_threads();
  auto scorer = scorer::Scorer::open(folders, options);
  const splat::Scene scene = splat::activate(sphere_cloud(kGaussians));
  StageSeconds total;
  int number = 0;
  const auto score = [&] {
    const std::string prompt = fmt::format("a glossy ceramic teapot, number {}", number++);
    return scorer->score(scene, {prompt});
  };
  if (!scorer || !score()) {  // the first loads the weights
    state.SkipWithError(scorer ? "no verdict" : scorer.error().message().c_str());
    return;
  }
  for ([[maybe_unused]] const auto run : state) {
    const auto verdict = score();
    for (const Stage& stage : kStages) {
      total.*stage.seconds += verdict->seconds.*stage.seconds;
    }
  }
  for (const Stage& stage : kStages) {
    state.counters[stage.name] =
        benchmark::Counter(total.*stage.seconds * 1e3, benchmark::Counter::kAvgIterations);
  }
}

void register_benchmarks(const std::filesystem::path& weights) {
  const auto clip = [&](const char* part) {
    scorer::ScorerFolders folders;
    folders.clip = weights / part;
    folders.tokenizer = weights / "tokenizer";
    return folders;
  };
  scorer::ScorerFolders quality, lpips;
  quality.quality = weights / "quality";
  quality.dinov2 = weights / "dinov2";
  lpips.lpips = weights / "lpips";
  scorer::ScorerFolders all = clip("convnext");
  all.quality = quality.quality;
  all.dinov2 = quality.dinov2;
  all.lpips = lpips.lpips;
  const std::pair<const char*, scorer::ScorerFolders> kRows[] = {{"clip_b32", clip("clip_b32")},
                                                                 {"clip_l14", clip("clip_l14")},
                                                                 {"convnext", clip("convnext")},
                                                                 {"quality", quality},
                                                                 {"lpips", lpips},
                                                                 {"all", all}};
  for (const auto& [name, folders] : kRows) {
    benchmark::RegisterBenchmark(name, judge, folders)
        ->Unit(benchmark::kMillisecond)
        ->MeasureProcessCPUTime()
        ->UseRealTime();
  }
}

}  // namespace
}  // namespace lode::bench

int main(int argc, char** argv) {
  lode::keep_freed_memory();  // as the programs do
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  const char* weights = std::getenv("LODE_SCORE_WEIGHTS");
  lode::bench::register_benchmarks(weights == nullptr ? "build/score_full_size" : weights);
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
