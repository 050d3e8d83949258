#include "chain/keypair.h"

#include <sodium.h>

#include <algorithm>

#include "base/assert.h"
#include "chain/merlin.h"

namespace lode::chain {
namespace {

constexpr std::size_t kScalarSize = crypto_core_ristretto255_SCALARBYTES;
constexpr std::size_t kWideSize = crypto_core_ristretto255_NONREDUCEDSCALARBYTES;
constexpr std::size_t kNonceSize = 32;

/// schnorrkel marks its signatures by the top bit of s, which a canonical scalar leaves clear.
constexpr std::uint8_t kSignatureMark = 0x80;

void prepare_sodium() {
  static const int status = sodium_init();
  LODE_ASSERT(status >= 0, "libsodium cannot initialise");
}

/// Bytes on the stack that are wiped when they go out of scope.
template <std::size_t N>
struct WipedBytes : std::array<std::uint8_t, N> {
  ~WipedBytes() { sodium_memzero(this->data(), N); }
};

using Scalar = WipedBytes<kScalarSize>;

/// Whether 32 bytes are a scalar below the group's order L. In constant time.
bool is_canonical(std::span<const std::uint8_t, kScalarSize> scalar) {
  WipedBytes<kWideSize> wide{};
  std::copy(scalar.begin(), scalar.end(), wide.begin());
  Scalar reduced;
  crypto_core_ristretto255_scalar_reduce(reduced.data(), wide.data());
  return sodium_memcmp(reduced.data(), scalar.data(), kScalarSize) == 0;
}

Transcript signing_transcript(const PublicKey& key, ByteView message) {
  Transcript transcript("SigningContext");
  transcript.append_message("", as_bytes("substrate"));
  transcript.append_message("sign-bytes", message);
  transcript.append_message("proto-name", as_bytes("Schnorr-sig"));
  transcript.append_message("sign:pk", key);
  return transcript;
}

/// The challenge k that binds the commitment R to key and message.
Scalar challenge_scalar(Transcript& transcript, ByteView commitment) {
  transcript.append_message("sign:R", commitment);
  WipedBytes<kWideSize> wide;
  transcript.challenge_bytes("sign:c", wide);
  Scalar scalar;
  crypto_core_ristretto255_scalar_reduce(scalar.data(), wide.data());
  return scalar;
}

/// The common start of schnorrkel's two derivations.
Transcript derivation_transcript(const std::array<std::uint8_t, 32>& chain_code) {
  Transcript transcript("SchnorrRistrettoHDKD");
  transcript.append_message("sign-bytes", {});
  transcript.append_message("chain-code", chain_code);
  return transcript;
}

}  // namespace

void system_entropy(std::span<std::uint8_t> out) {
  prepare_sodium();
  randombytes_buf(out.data(), out.size());
}

Result<Keypair> Keypair::from_mini_secret(ByteView mini_secret) {
  if (mini_secret.size() != 32) {
    return fail(Errc::invalid_input,
                "mini secret: " + std::to_string(mini_secret.size()) + " bytes, 32 were expected");
  }
  SecretBytes secret(kScalarSize + kNonceSize);
  crypto_hash_sha512(secret.data(), mini_secret.data(), mini_secret.size());
  // Ed25519's clamping makes a multiple of the cofactor 8, which ristretto255 divides out again.
  const auto scalar = secret.span().first<kScalarSize>();
  scalar[0] &= 248;
  scalar[31] &= 63;
  scalar[31] |= 64;
  for (std::size_t i = 0; i < kScalarSize; ++i) {
    const unsigned above = i + 1 < kScalarSize ? scalar[i + 1] : 0;
    scalar[i] = static_cast<std::uint8_t>((scalar[i] >> 3) | (above << 5));
  }
  return Keypair(std::move(secret));
}

Result<Keypair> Keypair::from_secret(ByteView secret_bytes) {
  if (secret_bytes.size() != kScalarSize + kNonceSize) {
    return fail(Errc::invalid_input,
                "secret: " + std::to_string(secret_bytes.size()) + " bytes, 64 were expected");
  }
  SecretBytes secret = SecretBytes::copy_of(secret_bytes);
  if (!is_canonical(secret.span().first<kScalarSize>()) ||
      sodium_is_zero(secret.data(), kScalarSize) != 0) {
    return fail(Errc::invalid_input,
                "secret: the first 32 bytes are no canonical scalar other than zero");
  }
  return Keypair(std::move(secret));
}

Keypair Keypair::generate(const Entropy& entropy) {
  WipedBytes<32> mini_secret;
  entropy(mini_secret);
  return *from_mini_secret(mini_secret);
}

Keypair::Keypair(SecretBytes secret) : secret_(std::move(secret)) {
  const int status = crypto_scalarmult_ristretto255_base(public_key_.data(), secret_.data());
  LODE_ASSERT(status == 0, "a secret scalar is not zero");
  ss58_ = ss58_encode(public_key_);
}

Signature Keypair::sign(ByteView message, const Entropy& entropy) const {
  LODE_ASSERT(!secret_.empty(), "a moved-from key signs nothing");
  Transcript transcript = signing_transcript(public_key_, message);

  WipedBytes<32> randomness;
  entropy(randomness);
  WipedBytes<kWideSize> wide;
  transcript.witness_bytes("signing", secret_.view().subspan(kScalarSize), randomness, wide);
  Scalar r;
  crypto_core_ristretto255_scalar_reduce(r.data(), wide.data());

  Signature signature;
  const std::span<std::uint8_t> commitment(signature.data(), 32);
  const int status = crypto_scalarmult_ristretto255_base(commitment.data(), r.data());
  LODE_ASSERT(status == 0, "a hash of 512 bits is no multiple of the group's order");

  const Scalar k = challenge_scalar(transcript, commitment);
  Scalar k_times_secret;
  crypto_core_ristretto255_scalar_mul(k_times_secret.data(), k.data(), secret_.data());
  crypto_core_ristretto255_scalar_add(signature.data() + 32, k_times_secret.data(), r.data());
  signature[63] |= kSignatureMark;
  return signature;
}

SecretBytes Keypair::derive_hard(const std::array<std::uint8_t, 32>& chain_code) const {
  Transcript transcript = derivation_transcript(chain_code);
  transcript.append_message("secret-key", secret_.view().first(kScalarSize));
  SecretBytes mini_secret(32);
  transcript.challenge_bytes("HDKD-hard", mini_secret.span());
  return mini_secret;
}

Keypair Keypair::derive_soft(const std::array<std::uint8_t, 32>& chain_code,
                             const Entropy& entropy) const {
  Transcript transcript = derivation_transcript(chain_code);
  transcript.append_message("public-key", public_key_);
  WipedBytes<kWideSize> wide;
  transcript.challenge_bytes("HDKD-scalar", wide);
  Scalar step;
  crypto_core_ristretto255_scalar_reduce(step.data(), wide.data());
  SecretBytes secret(kScalarSize + kNonceSize);
  crypto_core_ristretto255_scalar_add(secret.data(), secret_.data(), step.data());
  entropy(secret.span().subspan(kScalarSize));
  return Keypair(std::move(secret));
}

bool verify(const PublicKey& key, ByteView message, const Signature& signature) {
  if ((signature[63] & kSignatureMark) == 0) {
    return false;
  }
  Scalar s;
  std::copy(signature.begin() + 32, signature.end(), s.begin());
  s[31] &= static_cast<std::uint8_t>(~kSignatureMark);
  if (!is_canonical(s)) {
    return false;
  }
  const std::span<const std::uint8_t> commitment(signature.data(), 32);
  Transcript transcript = signing_transcript(key, message);
  const Scalar k = challenge_scalar(transcript, commitment);

  // R = s B - k A. libsodium refuses malformed keys, and products that are the identity: those
  // come from the identity as key, or by chance once in 2^252.
  std::array<std::uint8_t, 32> s_times_base;
  std::array<std::uint8_t, 32> k_times_key;
  std::array<std::uint8_t, 32> difference;
  return crypto_scalarmult_ristretto255_base(s_times_base.data(), s.data()) == 0 &&
         crypto_scalarmult_ristretto255(k_times_key.data(), k.data(), key.data()) == 0 &&
         crypto_core_ristretto255_sub(difference.data(), s_times_base.data(), k_times_key.data()) ==
             0 &&
         std::equal(difference.begin(), difference.end(), commitment.begin());
}

}  // namespace lode::chain
