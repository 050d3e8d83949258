// The matrix kernels that OpenBLAS runs with. Debian 12's OpenBLAS (0.3.21) does not know
// processors newer than itself and serves them with its oldest kernels, four to five times slower
// on every linear layer; it takes the kernels' name from OPENBLAS_CORETYPE, but only while it
// loads.
#pragma once

#include <optional>
#include <string_view>

namespace lode::worker {

/// What of the processor's instruction sets decides between OpenBLAS's kernels.
struct CpuFeatures {
  bool avx2_fma = false;
  bool avx512 = false;  ///< F, CD, BW, DQ and VL, as SkylakeX's kernels use them

  /// Of the processor that this runs on.
  static CpuFeatures detect();
};

/// The OPENBLAS_CORETYPE that would serve the processor better than `core` (a name as
/// openblas_get_corename() gives it); nothing where `core` is as good, or unknown to us.
std::optional<std::string_view> better_blas_core(std::string_view core, CpuFeatures cpu);

/// The kernels of the OpenBLAS in this process; empty where there is none (another BLAS).
std::string_view blas_core_in_use();

/// Starts this program anew, with the same arguments and OPENBLAS_CORETYPE added, when better
/// kernels are to be had; otherwise returns. To be called before anything else is begun. Leaves a
/// value that the environment already has.
void relaunch_with_better_blas_core(char** argv);

}  // namespace lode::worker
