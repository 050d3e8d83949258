// Times BiRefNet on a folder that tools/golden/birefnet_time.py --write made, against the seconds
// and the logits of the reference: birefnet_part DIR [THREADS [RUNS [f32|bf16]]], a JSON line.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sigmoid.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "models/birefnet.h"
#include "nn/residency.h"
#include "weights/checkpoint.h"
#include "weights/float_convert.h"

namespace {

using namespace lode;

at::Tensor tensor_of(const weights::Checkpoint& checkpoint, std::string_view name) {
  const weights::StoredTensor stored = checkpoint.find(name).value();
  const at::Tensor out = at::empty(at::IntArrayRef(stored.shape.data(), stored.shape.size()),
                                   at::TensorOptions(at::kFloat));
  auto* to = out.data_ptr<float>();
  if (stored.dtype == weights::DType::u8) {
    std::copy(stored.bytes.begin(), stored.bytes.end(), to);
  } else {
    weights::to_float(stored.dtype, stored.bytes, {to, static_cast<std::size_t>(out.numel())});
  }
  return out;
}

/// "VmHWM" or "VmRSS" of this process, in GiB.
double memory_gib(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) {
      return std::stod(line.substr(field.size() + 1)) / (1 << 20);
    }
  }
  return 0;
}

double processor_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

nlohmann::json measure(const std::filesystem::path& folder, int runs, at::ScalarType type) {
  const auto checkpoint = weights::Checkpoint::open(folder / "model.safetensors").value();
  auto config = models::birefnet_config_of(checkpoint).value();
  config.patch_order = models::PatchOrder::channel_major;
  nn::ParameterSet parameters;
  const models::Birefnet network(config, parameters.root());
  auto bank = nn::WeightBank::bind(parameters, checkpoint, models::Birefnet::load_rules()).value();
  nn::Placement placement;
  placement.compute = type;
  const auto residency =
      nn::Residency::create(std::move(bank), network.blocks(), placement).value();
  const auto run_file = weights::Checkpoint::open(folder / "run.safetensors").value();
  const at::Tensor x = ((tensor_of(run_file, "input") - 128) / 64).to(type);
  const at::Tensor expected = tensor_of(run_file, "logits").to(at::kDouble);
  nlohmann::json seconds = nlohmann::json::array(), used = nlohmann::json::array();
  at::Tensor logits;
  for (int i = 0; i < runs; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const double before = processor_seconds();
    logits = network(x, *residency);
    used.push_back(processor_seconds() - before);
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  logits = logits.to(at::kDouble);
  return {{"size", x.size(2)},
          {"seconds", seconds},
          {"cpu_seconds", used},
          {"memory_peak_gib", memory_gib("VmHWM")},
          {"relative_error", ((logits - expected).norm() / expected.norm()).item<double>()},
          {"matte_error", (logits.sigmoid() - expected.sigmoid()).abs().mean().item<double>()}};
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) {
      throw std::runtime_error("birefnet_part DIR [THREADS [RUNS [f32|bf16]]] expected");
    }
    const int threads = argc > 2 ? std::stoi(argv[2]) : 2;
    const int runs = argc > 3 ? std::stoi(argv[3]) : 1;
    const bool is_half = argc > 4 && std::string(argv[4]) == "bf16";
    at::set_num_threads(threads);
    const at::NoGradGuard no_gradient;
    std::puts(measure(argv[1], runs, is_half ? at::kBFloat16 : at::kFloat).dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "birefnet_part: %s\n", error.what());
    return 1;
  }
}
