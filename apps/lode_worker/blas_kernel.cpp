#include "lode_worker/blas_kernel.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace lode::worker {

namespace {

constexpr const char* kVariable = "OPENBLAS_CORETYPE";

// OpenBLAS's names for x86-64 (its cpuid_x86.c and dynamic.c) by what their kernels use.
constexpr std::array<std::string_view, 12> kSseCores = {
    "Prescott", "Core2",     "Penryn", "Dunnington",   "Nehalem", "Atom",
    "Opteron",  "Barcelona", "Bobcat", "Opteron_SSE3", "Nano",    "Katmai"};
constexpr std::array<std::string_view, 4> kAvxCores = {"Sandybridge", "Bulldozer", "Piledriver",
                                                       "Steamroller"};

bool contains(const auto& names, std::string_view name) {
  // Some builds report names in capitals.
  return std::ranges::any_of(names, [&](std::string_view known) {
    return std::ranges::equal(
        known, name, {}, [](char c) { return std::tolower(c); },
        [](char c) { return std::tolower(c); });
  });
}

}  // namespace

CpuFeatures CpuFeatures::detect() {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  features.avx2_fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  features.avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                    __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                    __builtin_cpu_supports("avx512vl");
#endif
  return features;
}

std::optional<std::string_view> better_blas_core(std::string_view core, CpuFeatures cpu) {
  const bool before_avx2 = contains(kSseCores, core) || contains(kAvxCores, core);
  // AVX2 kernels are left alone on processors with AVX-512: AMD's are as fast with them.
  if (cpu.avx512 && before_avx2) {
    return "SkylakeX";
  }
  if (cpu.avx2_fma && before_avx2) {
    return "Haswell";
  }
  return std::nullopt;
}

std::string_view blas_core_in_use() {
  using CoreName = char* (*)();
  const auto core_name = reinterpret_cast<CoreName>(dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  return core_name != nullptr ? core_name() : "";
}

void relaunch_with_better_blas_core(char** argv) {
  if (std::getenv(kVariable) != nullptr) {
    return;
  }
  const auto core = better_blas_core(blas_core_in_use(), CpuFeatures::detect());
  if (!core) {
    return;
  }
  std::error_code failed;
  // The name and not the link, which ps would show.
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", failed);
  setenv(kVariable, std::string(*core).c_str(), 1);
  execv(program.c_str(), argv);
  // Where /proc is not to be had the slower kernels still compute the same.
  unsetenv(kVariable);
}

}  // namespace lode::worker
