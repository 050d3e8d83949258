// sr25519 keys: schnorrkel signatures over ristretto255 as Substrate uses them.
#pragma once

#include <array>
#include <functional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "chain/secret_bytes.h"
#include "chain/signer.h"
#include "chain/ss58.h"

namespace lode::chain {

/// Fills a buffer with random bytes: libsodium's generator, or zeros in tests of known signatures.
using Entropy = std::function<void(std::span<std::uint8_t>)>;
void system_entropy(std::span<std::uint8_t> out);

/// A signing key. Move-only; the secret lives in locked memory that is wiped on destruction, and
/// only expanded_secret() gives it out, for the writer of hotkey files.
class Keypair final : public Signer {
 public:
  /// From a 32-byte mini secret (a hotkey file's secretSeed), expanded the Ed25519 way.
  static Result<Keypair> from_mini_secret(ByteView mini_secret);
  /// From 64 bytes: canonical scalar, little-endian and not zero, then nonce (btwallet's
  /// privateKey).
  static Result<Keypair> from_secret(ByteView secret);
  /// A fresh key.
  static Keypair generate(const Entropy& entropy = system_entropy);

  const PublicKey& public_key() const { return public_key_; }
  const std::string& ss58() const override { return ss58_; }

  /// Signs in the context "substrate". Distinct entropy gives distinct valid signatures.
  Signature sign(ByteView message, const Entropy& entropy = system_entropy) const;
  Signature sign_message(ByteView message) const override { return sign(message); }

  /// schnorrkel's hard derivation: the child's mini secret.
  SecretBytes derive_hard(const std::array<std::uint8_t, 32>& chain_code) const;
  /// schnorrkel's soft derivation: the child's public key follows from this one's, its nonce is
  /// random.
  Keypair derive_soft(const std::array<std::uint8_t, 32>& chain_code,
                      const Entropy& entropy = system_entropy) const;

  /// What from_secret() takes.
  SecretBytes expanded_secret() const { return secret_.clone(); }

 private:
  explicit Keypair(SecretBytes secret);

  SecretBytes secret_;  ///< scalar (32 bytes), nonce (32 bytes)
  PublicKey public_key_{};
  std::string ss58_;
};

/// Whether `signature` is by `key` over `message` in the context "substrate". Malformed keys, the
/// identity as key, non-canonical scalars and a clear top bit are refused. (The `<Bytes>` wrapping
/// that btwallet also accepts is left to callers.)
bool verify(const PublicKey& key, ByteView message, const Signature& signature);

}  // namespace lode::chain
