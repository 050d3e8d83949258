#include "nn/noise.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>
#include <span>

#include "base/rng.h"

namespace lode::nn {

namespace {

// The paper's multipliers and Weyl increments (section 3.3, and its Random123 library).
constexpr std::uint64_t kMultiplier0 = 0xD2511F53U, kMultiplier1 = 0xCD9E8D57U;
constexpr std::uint32_t kWeyl0 = 0x9E3779B9U, kWeyl1 = 0xBB67AE85U;
constexpr int kRounds = 10;

/// Standard normal pairs of one block: two 64-bit words, of which the first is the radius.
std::array<double, 2> normal_pair(std::uint32_t a, std::uint32_t b, std::uint32_t c,
                                  std::uint32_t d) {
  const std::uint64_t radius_bits = (static_cast<std::uint64_t>(a) << 32U | b) >> 11U;
  const std::uint64_t angle_bits = (static_cast<std::uint64_t>(c) << 32U | d) >> 11U;
  // (0, 1], so that the logarithm is finite.
  const double u = static_cast<double>(radius_bits + 1) * 0x1p-53;
  const double radius = std::sqrt(-2 * std::log(u));
  const double angle = 2 * std::numbers::pi * (static_cast<double>(angle_bits) * 0x1p-53);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t product0 = kMultiplier0 * counter[0];
    const std::uint64_t product1 = kMultiplier1 * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32U) ^ counter[1] ^ key[0],
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32U) ^ counter[3] ^ key[1],
               static_cast<std::uint32_t>(product0)};
    key = {key[0] + kWeyl0, key[1] + kWeyl1};
  }
  return counter;
}

NoiseSource::NoiseSource(std::uint64_t seed, std::string_view purpose)
    : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32U)} {
  const std::uint64_t stream = Rng(0).fork(purpose).next();
  stream_ = {static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32U)};
}

std::array<std::uint32_t, 4> NoiseSource::next_block() {
  const std::uint64_t index = next_++;
  return philox4x32({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32U),
                     stream_[0], stream_[1]},
                    key_);
}

at::Tensor NoiseSource::normal(const Shape& shape) {
  at::Tensor out = at::empty(shape, at::TensorOptions(at::kFloat));
  const std::span<float> values(out.data_ptr<float>(), static_cast<std::size_t>(out.numel()));
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const auto words = next_block();
    const auto pair = normal_pair(words[0], words[1], words[2], words[3]);
    values[i] = static_cast<float>(pair[0]);
    if (i + 1 < values.size()) {
      values[i + 1] = static_cast<float>(pair[1]);
    }
  }
  return out;
}

at::Tensor NoiseSource::uniform(const Shape& shape) {
  at::Tensor out = at::empty(shape, at::TensorOptions(at::kFloat));
  const std::span<float> values(out.data_ptr<float>(), static_cast<std::size_t>(out.numel()));
  for (std::size_t i = 0; i < values.size();) {
    for (const std::uint32_t word : next_block()) {
      if (i == values.size()) {
        break;
      }
      values[i++] = static_cast<float>(word >> 8U) * 0x1p-24F;
    }
  }
  return out;
}

}  // namespace lode::nn
