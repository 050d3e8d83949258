// The seeded random stream: the same numbers on every machine and compiler.
#pragma once

#include <cstdint>
#include <string_view>

namespace lode {

/// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014): 64 bits
/// of state, every seed good, cheap to fork. Not for keys: those use libsodium.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : seed_(seed), state_(seed) {}

  /// Uniform over all 64-bit values.
  std::uint64_t next();
  /// Uniform in [0, 1) with 53 bits.
  double uniform();
  /// Uniform in [low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in {0, ..., count - 1}; count must be positive.
  std::uint64_t below(std::uint64_t count);
  /// Standard normal (Box-Muller; two uniforms a number, nothing cached).
  double normal();

  /// An independent stream for a named purpose. Depends on the seed this stream was made with and
  /// the label alone, not on how many numbers were drawn, so that stages do not disturb each other.
  Rng fork(std::string_view label) const;

 private:
  std::uint64_t seed_;
  std::uint64_t state_;
};

}  // namespace lode
