// Reading and writing splat files, in memory and through the page cache.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/file.h"
#include "bench/splat_bench.h"
#include "splat/ply.h"
#include "splat/splat_file.h"
#include "splat/spz.h"
#include "splat/spz_internal.h"
#include "tests/support/shared_data.h"

namespace lode::bench {
namespace {

/// Bytes of PLY or of SPZ that one iteration reads or writes, as a rate.
void count_bytes(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes) * state.iterations());
}

void read_ply(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const Bytes file = splat::encode_ply(cloud);
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::decode_ply(file));
  }
  count_bytes(state, file.size());
}

void write_ply(benchmark::State& state, const splat::GaussianCloud& cloud) {
  std::size_t bytes = 0;
  for (auto _ : state) {
    const Bytes file = splat::encode_ply(cloud);
    benchmark::DoNotOptimize(file.data());
    bytes = file.size();
  }
  count_bytes(state, bytes);
}

std::filesystem::path scratch_file() {
  return std::filesystem::temp_directory_path() / "lode_splat_bench.ply";
}

/// From a file in the page cache to a cloud.
void read_ply_file(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const auto path = scratch_file();
  const auto bytes = splat::write_splat(path, cloud);
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::read_splat(path));
  }
  count_bytes(state, *bytes);
  std::filesystem::remove(path);
}

/// From a cloud to a new file, flushed and renamed as write_file does.
void write_ply_file(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const auto path = scratch_file();
  std::size_t bytes = 0;
  for (auto _ : state) {
    bytes = *splat::write_splat(path, cloud);
  }
  count_bytes(state, bytes);
  std::filesystem::remove(path);
}

void decode_spz(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const Bytes file = *splat::encode_spz(cloud);
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::decode_spz(file));
  }
  count_bytes(state, file.size());
}

/// What zstd alone takes of decode_spz and encode_spz.
void decompress_zstd(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const Bytes file = *splat::encode_spz(cloud);
  Bytes body = *splat::decompress_spz(file, std::size_t{1} << 30);
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::decompress_zstd(file, body));
  }
  count_bytes(state, file.size());
}

void compress_zstd(benchmark::State& state, const splat::GaussianCloud& cloud) {
  const Bytes file = *splat::encode_spz(cloud);
  const Bytes body = *splat::decompress_spz(file, std::size_t{1} << 30);
  for (auto _ : state) {
    benchmark::DoNotOptimize(splat::compress_spz(body, splat::SpzContainer::zstd, 1));
  }
  count_bytes(state, file.size());
}

void encode_spz(benchmark::State& state, const splat::GaussianCloud& cloud) {
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto file = splat::encode_spz(cloud);
    benchmark::DoNotOptimize(file->data());
    bytes = file->size();
  }
  count_bytes(state, bytes);
}

/// Times are of the wall clock: zstd works in threads of its own.
void register_cloud(const std::string& name, splat::GaussianCloud made) {
  const auto cloud = std::make_shared<const splat::GaussianCloud>(std::move(made));
  const auto add = [&](const std::string& what, auto measure) {
    const auto run = [=](benchmark::State& state) { measure(state, *cloud); };
    benchmark::RegisterBenchmark((what + "/" + name).c_str(), run)
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
  };
  add("ply_read", read_ply);
  add("ply_read_file", read_ply_file);
  add("ply_write", write_ply);
  add("ply_write_file", write_ply_file);
  add("spz_decode", decode_spz);
  add("spz_decode_zstd_alone", decompress_zstd);
  add("spz_encode", encode_spz);
  add("spz_encode_zstd_alone", compress_zstd);
}

void register_shared(const std::string& name, const char* file) {
  if (const auto path = test::shared_data(file)) {
    register_cloud(name, splat::read_splat(*path)->cloud);
  }
}

}  // namespace

void register_codec_benchmarks() {
  register_cloud("sphere_10k", sphere_cloud(10'000));
  register_cloud("sphere_50k", sphere_cloud(50'000));
  register_cloud("sphere_270k", sphere_cloud(270'000));
  register_cloud("sphere_1m", sphere_cloud(1'000'000));
  register_shared("hamburger", "splats/hamburger.ply");
  register_shared("robocop", "splats/robocop.spz");
}

}  // namespace lode::bench
