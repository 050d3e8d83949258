#include "splat/kernels_internal.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

#include "base/rng.h"

namespace lode::splat::kernels {
namespace {

/// Runs `check` with each instruction set that this machine and the build have.
void on_every_instruction_set(const std::function<void()>& check) {
  for (std::int64_t left = hwy::SupportedTargets() & HWY_TARGETS; left != 0; left &= left - 1) {
    const std::int64_t target = left & -left;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    check();
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
}

/// Values around every half within +-`limit`, where rounding is decided, and some far away.
std::vector<float> around_halves(int limit) {
  std::vector<float> values = {0, -0.0F, 1e30F, -1e30F, 1e-40F};
  for (int i = -limit; i <= limit; ++i) {
    const float half = static_cast<float>(i) + 0.5F;
    values.insert(values.end(), {static_cast<float>(i), half, std::nextafter(half, -1e9F),
                                 std::nextafter(half, 1e9F)});
  }
  return values;
}

std::uint8_t byte_of(float value) {
  return static_cast<std::uint8_t>(std::clamp(std::round(value), 0.0F, 255.0F));
}

TEST(Kernels, RoundHalfAwayEqualsStdRound) {
  for (const float value : around_halves(70'000)) {
    if (std::abs(value) < 0x1p23F) {
      EXPECT_EQ(round_half_away(value), std::round(value)) << value;
    }
  }
  EXPECT_EQ(round_half_away(0x1p23F - 0.5F), 0x1p23F);
}

TEST(Kernels, PackBytesRoundsAsTheScalarCode) {
  const std::vector<float> values = around_halves(300);
  on_every_instruction_set([&] {
    for (const auto& [scale, offset] : {std::pair(1.0F, 0.0F), std::pair(38.25F, 127.5F)}) {
      std::vector<std::uint8_t> codes(values.size());
      const std::size_t done =
          pack_bytes(values.data(), values.size(), scale, offset, codes.data());
      EXPECT_GT(done + 16, values.size());
      for (std::size_t i = 0; i < done; ++i) {
        EXPECT_EQ(codes[i], byte_of(values[i] * scale + offset)) << values[i];
      }
    }
  });
}

TEST(Kernels, Fixed24RoundsClampsAndComesBack) {
  std::vector<float> values = around_halves(3000);
  for (float& value : values) {
    value /= 4096;
  }
  values.insert(values.end(), {2047.9999F, 2048, -2048, -2049, 1e38F, -1e38F, 0, 0, 0, 0, 0, 0});
  on_every_instruction_set([&] {
    std::vector<std::uint8_t> codes(values.size() * 3);
    std::vector<float> back(values.size());
    const std::size_t done = pack_fixed24(values.data(), values.size(), 4096, codes.data());
    unpack_fixed24(codes.data(), done, 1 / 4096.0F, back.data());
    for (std::size_t i = 0; i + 6 <= done; ++i) {
      const float code = std::clamp(std::round(values[i] * 4096), -8388608.0F, 8388607.0F);
      EXPECT_EQ(back[i], code / 4096) << values[i];
    }
  });
}

TEST(Kernels, PackAlphasRoundsAsStdExpAroundEveryCode) {
  std::vector<float> logits = {INFINITY, -INFINITY, 1e30F, -1e30F, 88.5F, -88.5F, 0, -0.0F};
  for (int code = 0; code < 255; ++code) {
    const double alpha = (code + 0.5) / 255;
    auto logit = static_cast<float>(std::log(alpha / (1 - alpha)));
    for (int i = 0; i < 40; ++i) {
      logit = std::nextafter(logit, -100.0F);
    }
    for (int i = 0; i < 80; ++i) {
      logits.push_back(logit);
      logit = std::nextafter(logit, 100.0F);
    }
  }
  Rng rng(1);
  for (int i = 0; i < 100'000; ++i) {
    logits.push_back(static_cast<float>(rng.uniform(-12, 12)));
  }
  on_every_instruction_set([&] {
    std::vector<std::uint8_t> codes(logits.size());
    const std::size_t done = pack_alphas(logits.data(), logits.size(), codes.data());
    for (std::size_t i = 0; i < done; ++i) {
      ASSERT_EQ(codes[i], byte_of(1 / (1 + std::exp(-logits[i])) * 255.0F)) << logits[i];
    }
  });
}

TEST(Kernels, RotationsEqualTheScalarCodeBothWays) {
  Rng rng(2);
  std::vector<float> quats = {0, 0, 0, 0, 0, 0, 0, -1, 1e-30F, 0, 0, -1e-30F, 1e25F, 1, 2, 3};
  for (int i = 0; i < 4 * 5000; ++i) {
    quats.push_back(static_cast<float>(rng.uniform(-1, 1)));
  }
  const std::size_t count = quats.size() / 4;
  on_every_instruction_set([&] {
    std::vector<std::uint8_t> codes(count * 3);
    const std::size_t done = pack_rotations(quats.data(), count, codes.data());
    for (std::size_t i = 0; i < done; ++i) {
      const float *q = &quats[i * 4], x = q[0], y = q[1], z = q[2], w = q[3];
      const float norm = std::sqrt(x * x + y * y + z * z + w * w);
      const float sign = norm > 0 && w / norm < 0 ? -127.5F : 127.5F;
      for (int k = 0; k < 3; ++k) {
        ASSERT_EQ(codes[i * 3 + k], byte_of((norm > 0 ? q[k] / norm : 0) * sign + 127.5F)) << i;
      }
    }
    std::vector<float> back(count * 4);
    const std::size_t undone = unpack_rotations(codes.data(), done, back.data());
    for (std::size_t i = 0; i < undone; ++i) {
      float square = 0;
      for (int k = 0; k < 3; ++k) {
        const float v = codes[i * 3 + k] * (1 / 127.5F) - 1.0F;
        ASSERT_EQ(back[i * 4 + k], v);
        square += v * v;
      }
      ASSERT_EQ(back[i * 4 + 3], std::sqrt(std::max(0.0F, 1 - square)));
    }
  });
}

TEST(Kernels, NoticeOneValueThatIsNotFiniteAtEveryPlace) {
  std::vector<float> values(75, 3e38F);
  on_every_instruction_set([&] {
    EXPECT_TRUE(all_finite(values.data(), values.size()));
    for (float& value : values) {
      for (const float bad : {NAN, INFINITY, -INFINITY}) {
        const float good = std::exchange(value, bad);
        EXPECT_FALSE(all_finite(values.data(), values.size()));
        EXPECT_EQ(none_nan(values.data(), values.size()), !std::isnan(bad));
        value = good;
      }
    }
    EXPECT_TRUE(all_finite(values.data(), 0));
  });
}

}  // namespace
}  // namespace lode::splat::kernels
