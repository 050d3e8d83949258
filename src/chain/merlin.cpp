#include "chain/merlin.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>

#include "chain/keccak.h"

namespace lode::chain {
namespace {

/// The rate of Keccak-f[1600] at 128-bit security, less the two bytes of STROBE's own padding.
constexpr std::uint8_t kRate = 166;

// Operation flags of STROBE's specification, section 6.2.
constexpr std::uint8_t kFlagInbound = 1;
constexpr std::uint8_t kFlagApplication = 2;
constexpr std::uint8_t kFlagCipher = 4;
constexpr std::uint8_t kFlagMeta = 16;
constexpr std::uint8_t kFlagKeyTree = 32;

void permute(std::array<std::uint8_t, 200>& state) {
  std::array<std::uint64_t, 25> lanes;
  std::memcpy(lanes.data(), state.data(), state.size());
  keccak_f1600(lanes);
  std::memcpy(state.data(), lanes.data(), state.size());
  sodium_memzero(lanes.data(), sizeof(lanes));
}

std::array<std::uint8_t, 4> length_bytes(std::size_t length) {
  const auto value = static_cast<std::uint32_t>(length);
  std::array<std::uint8_t, 4> bytes;
  std::memcpy(bytes.data(), &value, bytes.size());
  return bytes;
}

}  // namespace

Strobe128::Strobe128(std::string_view protocol_label) {
  constexpr std::array<std::uint8_t, 6> kDomain = {1, kRate + 2, 1, 0, 1, 12 * 8};
  constexpr std::string_view kVersion = "STROBEv1.0.2";
  std::copy(kDomain.begin(), kDomain.end(), state_.begin());
  std::copy(kVersion.begin(), kVersion.end(), state_.begin() + kDomain.size());
  permute(state_);
  meta_ad(as_bytes(protocol_label), false);
}

Strobe128::~Strobe128() { sodium_memzero(state_.data(), state_.size()); }

void Strobe128::meta_ad(ByteView data, bool more) {
  begin_operation(kFlagMeta | kFlagApplication, more);
  absorb(data);
}

void Strobe128::ad(ByteView data, bool more) {
  begin_operation(kFlagApplication, more);
  absorb(data);
}

void Strobe128::prf(std::span<std::uint8_t> out, bool more) {
  begin_operation(kFlagInbound | kFlagApplication | kFlagCipher, more);
  for (std::uint8_t& byte : out) {
    byte = std::exchange(state_[position_], std::uint8_t{0});
    if (++position_ == kRate) {
      run_f();
    }
  }
}

void Strobe128::key(ByteView data, bool more) {
  begin_operation(kFlagApplication | kFlagCipher, more);
  for (const std::uint8_t byte : data) {
    state_[position_] = byte;
    if (++position_ == kRate) {
      run_f();
    }
  }
}

void Strobe128::begin_operation(std::uint8_t flags, bool more) {
  if (more) {
    return;
  }
  const std::array<std::uint8_t, 2> frame = {position_begin_, flags};
  position_begin_ = position_ + 1;
  absorb(frame);
  if ((flags & (kFlagCipher | kFlagKeyTree)) != 0 && position_ != 0) {
    run_f();
  }
}

void Strobe128::absorb(ByteView data) {
  for (const std::uint8_t byte : data) {
    state_[position_] ^= byte;
    if (++position_ == kRate) {
      run_f();
    }
  }
}

void Strobe128::run_f() {
  state_[position_] ^= position_begin_;
  state_[position_ + 1] ^= 0x04;
  state_[kRate + 1] ^= 0x80;
  permute(state_);
  position_ = 0;
  position_begin_ = 0;
}

Transcript::Transcript(std::string_view label) : strobe_("Merlin v1.0") {
  append_message("dom-sep", as_bytes(label));
}

void Transcript::append_message(std::string_view label, ByteView message) {
  strobe_.meta_ad(as_bytes(label), false);
  strobe_.meta_ad(length_bytes(message.size()), true);
  strobe_.ad(message, false);
}

void Transcript::challenge_bytes(std::string_view label, std::span<std::uint8_t> out) {
  strobe_.meta_ad(as_bytes(label), false);
  strobe_.meta_ad(length_bytes(out.size()), true);
  strobe_.prf(out, false);
}

void Transcript::witness_bytes(std::string_view label, ByteView witness,
                               std::span<const std::uint8_t, 32> randomness,
                               std::span<std::uint8_t> out) const {
  Strobe128 fork = strobe_;
  fork.meta_ad(as_bytes(label), false);
  fork.meta_ad(length_bytes(witness.size()), true);
  fork.key(witness, false);
  fork.meta_ad(as_bytes("rng"), false);
  fork.key(randomness, false);
  fork.meta_ad(length_bytes(out.size()), false);
  fork.prf(out, false);
}

}  // namespace lode::chain
