#include <ATen/Parallel.h>
#include <spdlog/spdlog.h>

#include "lode_worker/blas_kernel.h"
#include "lode_worker/network_flags.h"

namespace lode::commands {

void set_up_linear_algebra(const NetworkFlags& flags) {
  // Left alone libtorch counts cores and not hardware threads, which share a core's units less than
  // one would think: the products of two are close to twice as fast.
  at::set_num_threads(flags.threads);
  const std::string_view core = worker::blas_core_in_use();
  spdlog::info("linear algebra: {}, {} threads",
               core.empty() ? "not OpenBLAS" : fmt::format("OpenBLAS's {} kernels", core),
               flags.threads);
}

}  // namespace lode::commands
