// What networks spend their time on: attention, products with 8-bit matrices, loading weights.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <benchmark/benchmark.h>

#include <cmath>
#include <filesystem>

#include "base/heap.h"
#include "nn/attention.h"
#include "nn/loader.h"
#include "nn/quantised.h"
#include "weights/safetensors.h"

namespace lode::nn {
namespace {

constexpr double kGiga = 1e9;

at::Tensor naive_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  const at::Tensor scores =
      at::matmul(q, k.transpose(-2, -1)) / std::sqrt(static_cast<double>(q.size(-1)));
  return at::matmul(at::softmax(scores, -1), v);
}

using Attend = at::Tensor (*)(const at::Tensor&, const at::Tensor&, const at::Tensor&);

void attention_rate(benchmark::State& state, Attend attend) {
  const at::NoGradGuard no_gradient;
  const std::int64_t heads = state.range(0), length = state.range(1), width = state.range(2);
  const auto make = [&] { return at::randn({1, length, heads, width}).transpose(1, 2); };
  const at::Tensor q = make(), k = make(), v = make();
  for (auto _ : state) {
    benchmark::DoNotOptimize(attend(q, k, v));
  }
  const double flops = 4.0 * static_cast<double>(heads * length * length * width);
  state.counters["GFLOP/s"] = benchmark::Counter(
      flops / kGiga * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void linear_rate(benchmark::State& state, bool is_quantised, c10::ScalarType type) {
  const at::NoGradGuard no_gradient;
  const at::Tensor x = at::randn({state.range(0), 3072}).to(type);
  const at::Tensor weight = at::randn({12288, 3072}).to(type);
  const QuantisedMatrix matrix =
      is_quantised ? quantise(weight, WeightFormat::int8) : QuantisedMatrix();
  for (auto _ : state) {
    benchmark::DoNotOptimize(is_quantised ? quantised_linear(x, matrix, {})
                                          : at::linear(x, weight));
  }
  const double flops = 2.0 * static_cast<double>(x.size(0)) * 12288 * 3072;
  state.counters["GFLOP/s"] = benchmark::Counter(
      flops / kGiga * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

/// One matrix of 3072 x 12288 from a file in the page cache. range: whether the values are looked
/// at.
void load_rate(benchmark::State& state, at::ScalarType stored, const Placement& placement) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "lode_nn_bench.safetensors";
  const at::Tensor weight = at::randn({3072, 12288}).to(stored);
  const ByteView bytes(static_cast<const std::uint8_t*>(weight.data_ptr()), weight.nbytes());
  const weights::DType type = stored == at::kFloat ? weights::DType::f32 : weights::DType::bf16;
  const std::vector<weights::TensorToWrite> tensors = {{"weight", type, {3072, 12288}, bytes}};
  ParameterSet set;
  set.root().add("weight", {3072, 12288}, ParameterKind::matrix);
  const Block block = set.block("all", {""});
  const auto written = weights::write_safetensors(path, tensors);
  auto checkpoint = written ? weights::Checkpoint::open(path) : fail(Errc::io_failure, "");
  if (!checkpoint) {
    state.SkipWithError("no room for the file");
    return;
  }
  auto bank = WeightBank::bind(set, *checkpoint);
  for (auto _ : state) {
    if (state.range(0) != 0) {
      bank = WeightBank::bind(set, *checkpoint);  // which has not seen the values yet
    }
    benchmark::DoNotOptimize(bank->load(block, placement));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(bytes.size()));
  std::filesystem::remove(path);
}

void register_benchmarks() {
  const auto attention_of = [](const char* name, Attend attend) {
    benchmark::RegisterBenchmark(name, attention_rate, attend)
        ->ArgNames({"heads", "length", "width"})
        ->Args({24, 1280, 128})
        ->Args({16, 1024, 64})
        ->Args({1, 4096, 512})
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  attention_of("attention/naive", naive_attention);
  attention_of("attention/tiled", [](const auto& q, const auto& k, const auto& v) {
    return attention_tiled(q, k, v);
  });
  attention_of("attention/chosen",
               [](const auto& q, const auto& k, const auto& v) { return attention(q, k, v); });
  const auto linear_of = [](const char* name, bool is_quantised, c10::ScalarType type) {
    benchmark::RegisterBenchmark(name, linear_rate, is_quantised, type)
        ->ArgNames({"tokens"})
        ->Args({4})
        ->Args({256})
        ->Args({1280})
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  linear_of("linear/f32", false, at::kFloat);
  linear_of("linear/int8", true, at::kFloat);
  linear_of("linear/bf16", false, at::kBFloat16);
  linear_of("linear/int8_bf16", true, at::kBFloat16);
  const auto load_of = [](const char* name, at::ScalarType stored, const Placement& placement) {
    benchmark::RegisterBenchmark(name, load_rate, stored, placement)
        ->ArgNames({"check"})
        ->Args({0})
        ->Args({1})
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
  };
  load_of("load/f32_mapped", at::kFloat, {});
  load_of("load/bf16_to_f32", at::kBFloat16, {});
  load_of("load/bf16_to_int8", at::kBFloat16, {.format = WeightFormat::int8});
}

}  // namespace
}  // namespace lode::nn

int main(int argc, char** argv) {
  lode::keep_freed_memory();  // as the programs do
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
    return 1;
  }
  benchmark::AddCustomContext("threads", std::to_string(at::get_num_threads()));
  lode::nn::register_benchmarks();
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
