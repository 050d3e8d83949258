#include "lode_worker/flux_flags.h"

#include <ATen/Parallel.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <thread>

#include "lode_worker/blas_kernel.h"

namespace lode::commands {

flux::FluxOptions FluxFlags::options() const {
  flux::FluxOptions options;
  options.device = device;
  options.compute = compute;
  options.format = format;
  if (memory_bytes > 0) {
    options.memory_budget_bytes = memory_bytes;
  }
  return options;
}

void add_flux_flags(CLI::App& command, FluxFlags& flags) {
  static const std::map<std::string, flux::Compute> kTypes = {{"auto", flux::Compute::automatic},
                                                              {"f32", flux::Compute::float32},
                                                              {"bf16", flux::Compute::bfloat16}};
  static const std::map<std::string, flux::Format> kFormats = {
      {"native", flux::Format::native}, {"int8", flux::Format::int8}, {"fp8", flux::Format::fp8}};
  command
      .add_option("--device", flags.device, "cpu, cuda, cuda:N, or auto: the first GPU, else cpu")
      ->capture_default_str();
  command
      .add_option("--dtype", flags.compute,
                  "What is computed in: f32, bf16, or auto: f32 on a CPU, bf16 on a GPU")
      ->transform(CLI::CheckedTransformer(kTypes, CLI::ignore_case).description(""))
      ->option_text("TYPE");
  command
      .add_option("--weights", flags.format,
                  "How large matrices are held: native, int8, or fp8 (libtorch 2.1 and newer)")
      ->transform(CLI::CheckedTransformer(kFormats, CLI::ignore_case).description(""))
      ->option_text("FORMAT");
  command
      .add_option("--memory", flags.memory_bytes,
                  "Most bytes of weights and activations on the device, such as 10G; the rest "
                  "comes and goes block by block")
      ->transform(CLI::AsSizeValue(true).description(""))
      ->option_text("BYTES");
  flags.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  command.add_option("--threads", flags.threads, "Of the processor")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
}

void set_up_linear_algebra(const FluxFlags& flags) {
  // Left alone libtorch counts cores and not hardware threads, which share a core's units less than
  // one would think: the products of two are close to twice as fast.
  at::set_num_threads(flags.threads);
  const std::string_view core = worker::blas_core_in_use();
  spdlog::info("linear algebra: {}, {} threads",
               core.empty() ? "not OpenBLAS" : fmt::format("OpenBLAS's {} kernels", core),
               flags.threads);
}

}  // namespace lode::commands
