// The splat engine's benchmark program: rendering (splat_render_bench.cpp) and the file formats
// (splat_codecs_bench.cpp).
#include "bench/splat_bench.h"

#include <benchmark/benchmark.h>

#include "base/heap.h"

int main(int argc, char** argv) {
  lode::keep_freed_memory();  // as the programs do
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  lode::bench::register_render_benchmarks();
  lode::bench::register_codec_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
