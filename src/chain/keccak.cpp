#include "chain/keccak.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace lode::chain {
namespace {

constexpr int kRounds = 24;

/// FIPS 202 algorithm 5: bit t of the linear feedback shift register x^8 + x^6 + x^5 + x^4 + 1
/// feeds bit 2^j - 1 of round i's constant, where t = j + 7 i.
constexpr std::array<std::uint64_t, kRounds> make_round_constants() {
  std::array<std::uint64_t, kRounds> constants{};
  unsigned state = 1;
  for (auto& constant : constants) {
    for (int j = 0; j <= 6; ++j) {
      if ((state & 1) != 0) {
        constant |= 1ULL << ((1 << j) - 1);
      }
      state = (state << 1) ^ ((state & 0x80) != 0 ? 0x171 : 0);
    }
  }
  return constants;
}

/// Where FIPS 202's rho and pi (algorithms 2 and 3) take a lane of the next round from.
struct LaneMove {
  int from = 0;
  int rotation = 0;  ///< by how much rho rotates that lane on its way
};

constexpr std::array<LaneMove, 25> make_lane_moves() {
  std::array<LaneMove, 25> moves{};
  int x = 1;
  int y = 0;
  for (int t = 0; t < 24; ++t) {
    const int next_y = (2 * x + 3 * y) % 5;
    moves[y + 5 * next_y] = {x + 5 * y, (t + 1) * (t + 2) / 2 % 64};
    x = y;
    y = next_y;
  }
  return moves;
}

constexpr auto kRoundConstants = make_round_constants();
constexpr auto kLaneMoves = make_lane_moves();
static_assert(kRoundConstants[0] == 1 && kRoundConstants[23] == 0x8000000080008008);

using Lanes = std::array<std::uint64_t, 25>;

/// Calls f with 0, ..., N - 1 as compile-time constants: unrolled, so that every index and rotation
/// of a round is an immediate and lanes live in registers.
template <int N, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

[[gnu::always_inline]] inline void apply_round(const Lanes& in, Lanes& out,
                                               std::uint64_t round_constant) {
  // theta: every bit takes up the parity of two neighbouring columns
  std::array<std::uint64_t, 5> parity;
  unrolled<5>(
      [&](auto x) { parity[x] = in[x] ^ in[x + 5] ^ in[x + 10] ^ in[x + 15] ^ in[x + 20]; });
  std::array<std::uint64_t, 5> taken;
  unrolled<5>([&](auto x) { taken[x] = parity[(x + 4) % 5] ^ std::rotl(parity[(x + 1) % 5], 1); });
  unrolled<5>([&](auto y) {
    // rho and pi fetch a row; chi, the one non-linear step, mixes within it
    std::array<std::uint64_t, 5> row;
    unrolled<5>([&](auto x) {
      constexpr LaneMove kMove = kLaneMoves[x + 5 * y];
      row[x] = std::rotl(in[kMove.from] ^ taken[kMove.from % 5], kMove.rotation);
    });
    unrolled<5>([&](auto x) { out[x + 5 * y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]); });
  });
  out[0] ^= round_constant;  // iota
}

}  // namespace

void keccak_f1600(std::span<std::uint64_t, 25> lanes) {
  Lanes even;
  Lanes odd;
  std::copy(lanes.begin(), lanes.end(), even.begin());
  for (int round = 0; round < kRounds; round += 2) {
    apply_round(even, odd, kRoundConstants[round]);
    apply_round(odd, even, kRoundConstants[round + 1]);
  }
  std::copy(even.begin(), even.end(), lanes.begin());
  sodium_memzero(even.data(), sizeof(even));  // the state may depend on a key
  sodium_memzero(odd.data(), sizeof(odd));
}

}  // namespace lode::chain
