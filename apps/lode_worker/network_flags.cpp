#include "lode_worker/network_flags.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <thread>

namespace lode::commands {

std::optional<std::uint64_t> NetworkFlags::memory_budget() const {
  return memory_bytes > 0 ? std::optional(memory_bytes) : std::nullopt;
}

nn::Compute NetworkFlags::compute() const {
  using nn::Compute;
  return dtype == "f32"    ? Compute::float32
         : dtype == "bf16" ? Compute::bfloat16
         : dtype == "f16"  ? Compute::float16
                           : Compute::automatic;
}

void add_network_flags(CLI::App& command, NetworkFlags& flags, std::vector<std::string> dtypes,
                       const std::string& memory_meaning, const SettingNames& name) {
  command
      .add_option(name("device"), flags.device,
                  "cpu, cuda, cuda:N, or auto: the first GPU, else cpu")
      ->capture_default_str();
  const std::string named = fmt::format("{}", fmt::join(dtypes, ", "));
  dtypes.insert(dtypes.begin(), "auto");
  command
      .add_option(name("dtype"), flags.dtype,
                  "What is computed in: " + named + ", or auto: f32 on a CPU, 16 bits on a GPU")
      ->check(CLI::IsMember(dtypes).description(""))
      ->capture_default_str();
  command
      .add_option(name("memory"), flags.memory_bytes,
                  memory_meaning + ", such as 10G; the rest comes and goes block by block")
      ->transform(CLI::AsSizeValue(true).description(""))
      ->option_text("BYTES");
  flags.threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  command.add_option(name("threads"), flags.threads, "Of the processor")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
}

}  // namespace lode::commands
