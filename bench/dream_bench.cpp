// What an iteration of src/dream costs beside its guidance: one that answers at once.
#include <benchmark/benchmark.h>

#include "base/assert.h"
#include "base/heap.h"
#include "dream/optimiser.h"
#include "dream/oracle.h"
#include "sketch/sketch.h"

namespace {

using namespace lode;

/// Answers with the same small derivatives at once.
class Nobody final : public dream::Guidance {
 public:
  std::string_view name() const override { return "nobody"; }
  int views_together() const override { return 4; }
  Result<double> differentiate(std::span<const dream::DrawnView> views, const dream::GuidanceStep&,
                               std::span<std::vector<float>> gradients,
                               const std::stop_token&) override {
    for (std::size_t i = 0; i < views.size(); ++i) {
      gradients[i].assign(views[i].rgb.size(), 1e-3F);
    }
    return 0.0;
  }
};

constexpr int kTimedSteps = 10;

/// Steps with 4 views of 512 pixels and the known one of 256. Rates are next to nothing, so that
/// the cloud stays the start's ball of so many gaussians.
void BM_Iteration(benchmark::State& state) {
  ThreadPool pool(static_cast<int>(state.range(1)));
  dream::Preset preset = *dream::find_preset("image");
  preset.num_pts = static_cast<int>(state.range(0));
  preset.density_start_iter = preset.density_end_iter;
  preset.position_lr_init = preset.position_lr_final = 1e-9;
  preset.feature_lr = preset.opacity_lr = preset.scaling_lr = preset.rotation_lr = 0;
  const dream::Subject subject = dream::oracle_subject(
      sketch::build(sketch::parse_prompt("a red mug").scene, 1), {.radius = 2}, pool);
  Nobody nobody;
  const SystemClock clock;
  preset.iters = kTimedSteps * 5 / 2;  // views are large from 0.6 of the schedule on
  auto optimiser = dream::Optimiser::begin(subject, preset, &nobody, {.clock = &clock}, pool);
  LODE_ASSERT(optimiser.has_value(), "the subject is a good one");
  for (int k = 0; k < preset.iters - kTimedSteps; ++k) {
    LODE_ASSERT(optimiser->step({}).has_value(), "steps succeed");
  }
  const dream::StageSeconds before = optimiser->report().seconds;
  for (auto _ : state) {
    LODE_ASSERT(optimiser->step({}).has_value(), "steps succeed");
  }
  const dream::StageSeconds& after = optimiser->report().seconds;
  state.counters["render_ms"] = 1e3 * (after.render - before.render) / kTimedSteps;
  state.counters["backward_ms"] = 1e3 * (after.backward - before.backward) / kTimedSteps;
  state.counters["optimiser_ms"] = 1e3 * (after.optimiser - before.optimiser) / kTimedSteps;
}

}  // namespace

int main(int argc, char** argv) {
  keep_freed_memory();  // as the programs do
  for (const int threads : {1, 2}) {
    for (const int gaussians : {5'000, 20'000, 100'000}) {
      benchmark::RegisterBenchmark("dream/iteration_512x4", BM_Iteration)
          ->ArgNames({"gaussians", "threads"})
          ->Args({gaussians, threads})
          ->Iterations(kTimedSteps)
          ->Unit(benchmark::kMillisecond)
          ->UseRealTime();
    }
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
