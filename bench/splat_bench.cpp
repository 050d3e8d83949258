// Rendering, and reading and writing splat files: generated clouds of three sizes, and the real
// ones where the shared data is present.
#include <benchmark/benchmark.h>

#include <cmath>
#include <numbers>

#include "base/file.h"
#include "base/rng.h"
#include "render/render.h"
#include "splat/ply.h"
#include "splat/splat_file.h"
#include "splat/spz.h"
#include "tests/support/shared_data.h"

namespace lode {
namespace {

/// A bumpy sphere of flat, mostly opaque gaussians that just cover it, whatever their number.
splat::GaussianCloud sphere_cloud(std::size_t count) {
  Rng rng(1);
  splat::GaussianCloud cloud;
  cloud.resize(count);
  const double spacing = std::sqrt(4 * std::numbers::pi * 0.7 * 0.7 / static_cast<double>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const double height = rng.uniform(-1, 1), angle = rng.uniform(0, 2 * std::numbers::pi);
    const double ring = std::sqrt(1 - height * height);
    const double radius = 0.7 + 0.04 * std::sin(9 * angle) * ring;
    const glm::vec3 outwards(ring * std::cos(angle), height, ring * std::sin(angle));
    cloud.positions[i] = outwards * static_cast<float>(radius);
    const auto wide = static_cast<float>(std::log(spacing * rng.uniform(0.6, 1.6)));
    cloud.log_scales[i] = {wide, wide, static_cast<float>(std::log(spacing * 0.2))};
    cloud.rotations[i] = glm::quat(glm::vec3(0, 0, 1), outwards);
    cloud.opacity_logits[i] = static_cast<float>(rng.uniform(1, 6));
    cloud.f_dc[i] = outwards;
  }
  return cloud;
}

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

void read_ply(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const Bytes file = splat::encode_ply(cloud);
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::decode_ply(file));
  }
}

void write_ply(benchmark::State& state, const splat::GaussianCloud& cloud) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::encode_ply(cloud));
  }
}

void decode_spz(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const Bytes file = *splat::encode_spz(cloud);
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::decode_spz(file));
  }
}

void encode_spz(benchmark::State& state, const splat::GaussianCloud& cloud) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::encode_spz(cloud));
  }
}

/// Registers every measurement on one cloud. Times are of the wall clock: the renderer and zstd
/// work in threads of their own.
void register_cloud(const std::string& name, splat::GaussianCloud made, bool with_files) {
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
  if (with_files) {
    add("ply_read", read_ply);
    add("ply_write", write_ply);
    add("spz_decode", decode_spz);
    add("spz_encode", encode_spz);
  }
}

void register_shared(const std::string& name, const char* file) {
  if (const auto path = test::shared_data(file)) {
    register_cloud(name, splat::read_splat(*path)->cloud, true);
  }
}

}  // namespace
}  // namespace lode

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  lode::register_cloud("sphere_10k", lode::sphere_cloud(10'000), false);
  lode::register_cloud("sphere_50k", lode::sphere_cloud(50'000), false);
  lode::register_cloud("sphere_270k", lode::sphere_cloud(270'000), true);
  lode::register_shared("hamburger", "splats/hamburger.ply");
  lode::register_shared("robocop", "splats/robocop.spz");
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
