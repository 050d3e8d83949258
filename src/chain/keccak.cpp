#include "chain/keccak.h"

#include <array>
#include <bit>

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

/// One step of the walk over all lanes but (0, 0) that FIPS 202 algorithms 2 and 3 share.
struct LaneMove {
  int to;        ///< where pi moves the previous lane of the walk
  int rotation;  ///< by how much rho rotates that lane
};

constexpr std::array<LaneMove, 24> make_lane_walk() {
  std::array<LaneMove, 24> walk{};
  int x = 1;
  int y = 0;
  for (int t = 0; t < 24; ++t) {
    const int next_y = (2 * x + 3 * y) % 5;
    x = y;
    y = next_y;
    walk[t] = {x + 5 * y, (t + 1) * (t + 2) / 2 % 64};
  }
  return walk;
}

constexpr auto kRoundConstants = make_round_constants();
constexpr auto kLaneWalk = make_lane_walk();
static_assert(kRoundConstants[0] == 1 && kRoundConstants[23] == 0x8000000080008008);

}  // namespace

void keccak_f1600(std::span<std::uint64_t, 25> lanes) {
  for (const std::uint64_t round_constant : kRoundConstants) {
    // theta: every bit takes up the parity of two neighbouring columns
    std::array<std::uint64_t, 5> parity{};
    for (int i = 0; i < 25; ++i) {
      parity[i % 5] ^= lanes[i];
    }
    for (int i = 0; i < 25; ++i) {
      lanes[i] ^= parity[(i + 4) % 5] ^ std::rotl(parity[(i + 1) % 5], 1);
    }
    // rho and pi: rotate lanes and move them along one cycle that starts at (1, 0)
    std::uint64_t carried = lanes[1];
    for (const LaneMove& move : kLaneWalk) {
      const std::uint64_t displaced = lanes[move.to];
      lanes[move.to] = std::rotl(carried, move.rotation);
      carried = displaced;
    }
    // chi: the one non-linear step, within rows
    for (int y = 0; y < 25; y += 5) {
      const std::array<std::uint64_t, 5> row = {lanes[y], lanes[y + 1], lanes[y + 2], lanes[y + 3],
                                                lanes[y + 4]};
      for (int x = 0; x < 5; ++x) {
        lanes[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
      }
    }
    lanes[0] ^= round_constant;  // iota
  }
}

}  // namespace lode::chain
