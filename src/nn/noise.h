// Noise by seed: the same numbers whatever the device, the order of asking and the thread count.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "nn/parameter.h"

namespace lode::nn {

/// Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3"
/// (SC 2011): a bijection of the counter for each key, which passes TestU01's BigCrush.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

/// A stream of random numbers of its own for each (seed, purpose): "latents" and "augmentation" of
/// one seed have nothing in common, and drawing from one does not move the other.
///
/// Made on the CPU; the caller moves it to a device. The bits of Philox and `uniform` are the same
/// on every machine. `normal` goes through the C library's log, cos and sin in double and rounds
/// once to float: libraries that keep them within one unit in the last place, as glibc from 2.28 on
/// does, agree except where a value lies that near to the middle between two floats, about one in
/// 10^8. Golden values in the test say whether a machine agrees.
class NoiseSource {
 public:
  NoiseSource(std::uint64_t seed, std::string_view purpose);

  /// Standard normal, float32 on the CPU; by Box and Muller (1958). No value is beyond 8.6.
  at::Tensor normal(const Shape& shape);
  /// Uniform over the multiples of 2^-24 in [0, 1), float32 on the CPU.
  at::Tensor uniform(const Shape& shape);

 private:
  std::array<std::uint32_t, 4> next_block();

  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 2> stream_;  // the counter's upper half
  std::uint64_t next_ = 0;               // and its lower: every call begins at a new block
};

}  // namespace lode::nn
