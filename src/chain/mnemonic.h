// Secret phrases: BIP39 in English, and Substrate's way from a phrase to a mini secret.
#pragma once

#include <string_view>

#include "chain/secret_bytes.h"

namespace lode::chain {

/// 24 words of at most eight letters, and room for careless spacing.
inline constexpr std::size_t kMaxPhraseBytes = 512;

/// The entropy (16, 20, 24, 28 or 32 bytes) of a phrase of 12, 15, 18, 21 or 24 lower-case words
/// apart by white space. Errc::invalid_input for another count, an unknown word (named by its
/// place, never quoted) or a checksum that does not fit.
Result<SecretBytes> phrase_to_entropy(std::string_view phrase);

/// The phrase of 16, 20, 24, 28 or 32 bytes of entropy, words apart by one space.
SecretBytes entropy_to_phrase(ByteView entropy);

/// Substrate's mini secret: the first half of PBKDF2-HMAC-SHA512 over the entropy (not the phrase,
/// as BIP39 itself has it) with the salt "mnemonic" + password and 2048 rounds (substrate-bip39).
SecretBytes entropy_to_mini_secret(ByteView entropy, std::string_view password = {});

}  // namespace lode::chain
