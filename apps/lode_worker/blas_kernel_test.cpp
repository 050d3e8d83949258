#include "lode_worker/blas_kernel.h"

#include <gtest/gtest.h>

namespace lode::worker {
namespace {

constexpr CpuFeatures kOld{};
constexpr CpuFeatures kAvx2{.avx2_fma = true};
constexpr CpuFeatures kAvx512{.avx2_fma = true, .avx512 = true};

TEST(BlasKernel, ReplacesTheOldestKernelsByWhatTheProcessorHas) {
  EXPECT_EQ(better_blas_core("Prescott", kAvx512), "SkylakeX");
  EXPECT_EQ(better_blas_core("PRESCOTT", kAvx512), "SkylakeX");
  EXPECT_EQ(better_blas_core("Nehalem", kAvx2), "Haswell");
  EXPECT_EQ(better_blas_core("Sandybridge", kAvx2), "Haswell");
}

TEST(BlasKernel, LeavesKernelsThatFitAndThoseItDoesNotKnow) {
  EXPECT_FALSE(better_blas_core("Prescott", kOld));
  EXPECT_FALSE(better_blas_core("Haswell", kAvx2));
  EXPECT_FALSE(better_blas_core("Zen", kAvx512));
  EXPECT_FALSE(better_blas_core("SkylakeX", kAvx512));
  EXPECT_FALSE(better_blas_core("Cooperlake", kAvx512));
  EXPECT_FALSE(better_blas_core("ARMV8", kAvx512));
  EXPECT_FALSE(better_blas_core("", kAvx512));
}

}  // namespace
}  // namespace lode::worker
