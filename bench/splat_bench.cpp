// The splat engine's benchmark program: rendering of generated clouds of three sizes, and of the
// real ones where the shared data is present. splat_codecs_bench.cpp adds the file formats.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>

#include "base/heap.h"
#include "bench/splat_bench.h"
#include "render/render.h"
#include "splat/splat_file.h"
#include "tests/support/shared_data.h"

namespace lode {
namespace {

/// One view of 518x518 from the validators' orbit after their framing.
void render_view(benchmark::State& state, const splat::GaussianCloud& cloud, int threads) {
  splat::Scene scene = splat::activate(cloud);
  splat::frame(scene);
  const render::Camera camera = render::orbit_camera({.azimuth_deg = 24});
  ThreadPool pool(threads);
  render::Renderer renderer(pool);
  render::Frame frame;
  for (auto _ : state) {
    renderer.draw(scene, camera, {}, frame);
    benchmark::DoNotOptimize(frame);
  }
}

void backward_view(benchmark::State& state, const splat::GaussianCloud& cloud, int threads) {
  splat::Scene scene = splat::activate(cloud);
  splat::frame(scene);
  const render::Camera camera = render::orbit_camera({.azimuth_deg = 24});
  ThreadPool pool(threads);
  render::Renderer renderer(pool);
  render::Frame frame;
  render::SceneGradient gradient;
  std::vector<float> by(std::size_t{3}*518*518, 0.1F);
  for (auto _ : state) {
    renderer.draw(scene, camera, {.differentiable = true}, frame);
    benchmark::DoNotOptimize(renderer.backward(scene, {by, {}, {}}, gradient));
    benchmark::DoNotOptimize(frame);
  }
}

/// Registers every measurement on one cloud. Times are of the wall clock: the renderer works in
/// threads of its own.
void register_cloud(const std::string& name, splat::GaussianCloud made) {
  const auto cloud = std::make_shared<const splat::GaussianCloud>(std::move(made));
  const auto add = [&](const std::string& what, auto measure) {
    const auto run = [=](benchmark::State& state) { measure(state, *cloud); };
    benchmark::RegisterBenchmark((what + "/" + name).c_str(), run)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  for (const int threads : {1, 2}) {
    add("render_" + std::to_string(threads) + "_threads",
        [threads](auto& state, const auto& scene) { render_view(state, scene, threads); });
    add("render_backward_" + std::to_string(threads) + "_threads",
        [threads](auto& state, const auto& scene) { backward_view(state, scene, threads); });
  }
}

void register_shared(const std::string& name, const char* file) {
  if (const auto path = test::shared_data(file)) {
    register_cloud(name, splat::read_splat(*path)->cloud);
  }
}

}  // namespace
}  // namespace lode

int main(int argc, char** argv) {
  lode::keep_freed_memory();  // as the programs do
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  lode::register_cloud("sphere_10k", lode::bench::sphere_cloud(10'000));
  lode::register_cloud("sphere_50k", lode::bench::sphere_cloud(50'000));
  lode::register_cloud("sphere_270k", lode::bench::sphere_cloud(270'000));
  lode::register_shared("hamburger", "splats/hamburger.ply");
  lode::register_shared("robocop", "splats/robocop.spz");
  lode::bench::register_codec_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
