// sr25519 keys: schnorrkel signatures over ristretto255 as Substrate uses them.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/bytes.h"
#include "chain/ss58.h"

namespace lode::chain {

using Signature = std::array<std::uint8_t, 64>;

/// Fills a buffer with random bytes: libsodium's generator, or zeros in tests of known signatures.
using Entropy = std::function<void(std::span<std::uint8_t>)>;
void system_entropy(std::span<std::uint8_t> out);

/// A signing key. Move-only; the secret lives in locked memory that is wiped on destruction, and
/// no member or printer gives it out.
class Keypair {
 public:
  /// From a 32-byte mini secret (a hotkey file's secretSeed), expanded the Ed25519 way.
  static Result<Keypair> from_mini_secret(ByteView mini_secret);
  /// From 64 bytes: canonical scalar, little-endian and not zero, then nonce (btwallet's
  /// privateKey).
  static Result<Keypair> from_secret(ByteView secret);
  /// A fresh key.
  static Keypair generate(const Entropy& entropy = system_entropy);

  Keypair(Keypair&&) noexcept;
  Keypair& operator=(Keypair&&) noexcept;
  ~Keypair();

  const PublicKey& public_key() const { return public_key_; }
  const std::string& ss58() const { return ss58_; }

  /// Signs in the context "substrate". Distinct entropy gives distinct valid signatures.
  Signature sign(ByteView message, const Entropy& entropy = system_entropy) const;

 private:
  struct Secret;
  explicit Keypair(std::unique_ptr<Secret> secret);

  std::unique_ptr<Secret> secret_;
  PublicKey public_key_{};
  std::string ss58_;
};

/// Whether `signature` is by `key` over `message` in the context "substrate". Malformed keys, the
/// identity as key, non-canonical scalars and a clear top bit are refused. (The `<Bytes>` wrapping
/// that btwallet also accepts is left to callers.)
bool verify(const PublicKey& key, ByteView message, const Signature& signature);

}  // namespace lode::chain
