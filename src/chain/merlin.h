// Merlin transcripts over STROBE-128: the hash that sr25519 signs and verifies with.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"

namespace lode::chain {

/// The part of STROBE v1.0.2 at 128-bit security that Merlin uses. Its state may depend on secrets
/// and is wiped on destruction.
class Strobe128 {
 public:
  explicit Strobe128(std::string_view protocol_label);
  Strobe128(const Strobe128&) = default;
  Strobe128& operator=(const Strobe128&) = default;
  ~Strobe128();

  /// Absorbs framing data. `more` continues the operation before, as in all four operations.
  void meta_ad(ByteView data, bool more);
  /// Absorbs associated data.
  void ad(ByteView data, bool more);
  /// Fills `out` with pseudo-random bytes that depend on everything absorbed.
  void prf(std::span<std::uint8_t> out, bool more);
  /// Overwrites state with a key, which makes the state before unrecoverable.
  void key(ByteView data, bool more);

 private:
  void begin_operation(std::uint8_t flags, bool more);
  void absorb(ByteView data);
  void run_f();

  alignas(8) std::array<std::uint8_t, 200> state_{};
  std::uint8_t position_ = 0;
  std::uint8_t position_begin_ = 0;
};

/// A transcript of labelled messages, from which challenges are drawn (merlin.cool).
class Transcript {
 public:
  explicit Transcript(std::string_view label);

  void append_message(std::string_view label, ByteView message);
  void challenge_bytes(std::string_view label, std::span<std::uint8_t> out);

  /// Bytes that depend on the transcript, a secret witness and fresh randomness: Merlin's
  /// TranscriptRng with one witness. Leaves the transcript as it is.
  void witness_bytes(std::string_view label, ByteView witness,
                     std::span<const std::uint8_t, 32> randomness,
                     std::span<std::uint8_t> out) const;

 private:
  Strobe128 strobe_;
};

}  // namespace lode::chain
