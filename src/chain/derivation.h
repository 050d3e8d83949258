// Secret URIs: a phrase or seed, a path of //hard and /soft junctions, and a password.
#pragma once

#include <array>
#include <string_view>
#include <vector>

#include "chain/keypair.h"

namespace lode::chain {

/// Longest secret URI that is read: a phrase, a path and a password.
inline constexpr std::size_t kMaxSecretUriBytes = 4096;

/// A key together with what its file can tell of its origin.
struct KeyMaterial {
  Keypair keypair;
  SecretBytes mini_secret;  ///< empty where there is none: after a soft junction
  SecretBytes phrase;       ///< empty unless it alone leads to the key, without path and password
};

/// One step of a path (sp-core's DeriveJunction).
struct Junction {
  bool is_hard = false;
  std::array<std::uint8_t, 32> chain_code{};
};

/// A path like "//hard/soft/5": a decimal 64-bit number becomes 8 bytes, other text is
/// SCALE-encoded and hashed when it exceeds 32 bytes. Errc::invalid_input for an empty junction.
Result<std::vector<Junction>> parse_path(std::string_view path);

/// The key of "<phrase or 0x + 64 hex digits>[path][///password]". Errors never quote the text.
Result<KeyMaterial> key_from_secret_uri(std::string_view uri);

/// A fresh key with a phrase of 12, 15, 18, 21 or 24 words.
Result<KeyMaterial> generate_key(int words, const Entropy& entropy = system_entropy);

}  // namespace lode::chain
