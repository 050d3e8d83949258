// Drawing a view, and drawing and differentiating it, by size of cloud, size of picture and
// threads.
#include <benchmark/benchmark.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include <memory>
#include <string>
#include <vector>

#include "bench/splat_bench.h"
#include "render/render.h"
#include "splat/splat_file.h"
#include "tests/support/shared_data.h"

namespace lode::bench {
namespace {

/// Ticks of the processor's time stamp counter, which runs at its nominal clock; 0 elsewhere.
std::uint64_t ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

struct ViewBench {
  std::string name;
  std::shared_ptr<const splat::Scene> scene;  // framed as the validators frame
  int size = 518;                             // pixels a side
  int threads = 1;
  bool backward = false;
};

/// One view from the validators' orbit. Beside the time: the (gaussian, pixel) pairs that add
/// colour, pairs a second, and cycles a pair of all threads together.
void draw_view(benchmark::State& state, const ViewBench& bench) {
  const render::Camera camera = render::orbit_camera({.azimuth_deg = 24, .size = bench.size});
  ThreadPool pool(bench.threads);
  render::Renderer renderer(pool);
  render::Frame frame;
  render::SceneGradient gradient;
  const std::vector<float> by(static_cast<std::size_t>(bench.size) * bench.size * 3, 0.1F);
  const render::DrawOptions options{.differentiable = bench.backward};
  const auto run = [&] {
    renderer.draw(*bench.scene, camera, options, frame);
    if (bench.backward && !renderer.backward(*bench.scene, {by, {}, {}}, gradient)) {
      state.SkipWithError("the scene cannot be differentiated");
    }
    benchmark::DoNotOptimize(frame.rgb.data());
    benchmark::DoNotOptimize(gradient.positions.data());
  };
  run();
  const auto pairs = static_cast<double>(renderer.stats().blended_pairs);
  run();
  const std::uint64_t start = ticks();
  for (auto _ : state) {
    run();
  }
  const auto cycles = static_cast<double>(ticks() - start) * bench.threads;
  state.counters["pairs"] = pairs;
  state.counters["pairs_per_second"] =
      benchmark::Counter(pairs, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["cycles_per_pair"] = cycles / (pairs * static_cast<double>(state.iterations()));
}

void add(const ViewBench& bench) {
  const std::string name = std::string(bench.backward ? "forward_backward/" : "forward/") +
                           bench.name + "/" + std::to_string(bench.size) + "px/" +
                           std::to_string(bench.threads) + "t";
  benchmark::RegisterBenchmark(name.c_str(), [bench](auto& state) { draw_view(state, bench); })
      ->UseRealTime()
      ->Unit(benchmark::kMillisecond);
}

/// Every number of threads, with and without the way back.
void add_view(const std::string& name, const std::shared_ptr<const splat::Scene>& scene, int size) {
  for (const bool backward : {false, true}) {
    for (const int threads : {1, 2}) {
      add({name, scene, size, threads, backward});
    }
  }
}

std::shared_ptr<const splat::Scene> framed(const splat::GaussianCloud& cloud) {
  splat::Scene scene = splat::activate(cloud);
  splat::frame(scene);
  return std::make_shared<const splat::Scene>(std::move(scene));
}

}  // namespace

void register_render_benchmarks() {
  for (const auto& [name, count] :
       {std::pair("sphere_10k", 10'000), std::pair("sphere_50k", 50'000),
        std::pair("sphere_270k", 270'000), std::pair("sphere_1M", 1'000'000)}) {
    const auto scene = framed(sphere_cloud(static_cast<std::size_t>(count)));
    for (const int size : {128, 518, 1080}) {
      add_view(name, scene, size);
    }
  }
  for (const auto& [name, file] : {std::pair("hamburger", "splats/hamburger.ply"),
                                   std::pair("robocop", "splats/robocop.spz")}) {
    if (const auto path = test::shared_data(file)) {
      add_view(name, framed(splat::read_splat(*path)->cloud), 518);
    }
  }
}

}  // namespace lode::bench
