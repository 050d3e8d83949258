#include "base/rng.h"

#include <cmath>
#include <numbers>

namespace lode {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

std::uint64_t Rng::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  return mix(state_);
}

double Rng::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

std::uint64_t Rng::below(std::uint64_t count) {
  // Lemire's multiply-shift; the bias of 2^-64 * count is far below what any use here can see.
  return static_cast<std::uint64_t>((static_cast<Wide>(next()) * count) >> 64);
}

double Rng::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

Rng Rng::fork(std::string_view label) const {
  std::uint64_t hash = mix(seed_ ^ 0xcbf29ce484222325ULL);
  for (const char c : label) {
    hash = mix(hash ^ static_cast<unsigned char>(c));
  }
  return Rng(hash);
}

}  // namespace lode
