#include "chain/derivation.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "chain/mnemonic.h"

namespace lode::chain {
namespace {

/// A 64-bit number as Rust's parse::<u64> reads it.
std::optional<std::uint64_t> parse_number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
  }
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end) {
    return std::nullopt;
  }
  return number;
}

std::array<std::uint8_t, 32> chain_code_of(std::string_view text) {
  std::array<std::uint8_t, 32> code{};
  if (const auto number = parse_number(text)) {
    std::memcpy(code.data(), &*number, sizeof(*number));
    return code;
  }
  // SCALE's compact length in one or two bytes (kMaxSecretUriBytes bounds it), then the text.
  Bytes encoded;
  const auto length = static_cast<std::uint32_t>(text.size());
  if (length < 64) {
    encoded.push_back(static_cast<std::uint8_t>(length << 2));
  } else {
    encoded.push_back(static_cast<std::uint8_t>(length << 2 | 1));
    encoded.push_back(static_cast<std::uint8_t>(length >> 6));
  }
  encoded.insert(encoded.end(), text.begin(), text.end());
  if (encoded.size() <= code.size()) {
    std::copy(encoded.begin(), encoded.end(), code.begin());
  } else {
    crypto_generichash(code.data(), code.size(), encoded.data(), encoded.size(), nullptr, 0);
  }
  sodium_memzero(encoded.data(), encoded.size());
  return code;
}

/// The decoded digits of "0x" and 64 hexadecimal digits.
Result<SecretBytes> parse_seed(std::string_view hex) {
  SecretBytes seed(32);
  std::size_t size = 0;
  const char* end = nullptr;
  if (hex.size() != 64 ||
      sodium_hex2bin(seed.data(), seed.size(), hex.data(), hex.size(), nullptr, &size, &end) != 0 ||
      size != seed.size()) {
    return fail(Errc::invalid_input, "seed: 0x and 64 hexadecimal digits were expected");
  }
  return seed;
}

Result<KeyMaterial> from_mini_secret(SecretBytes mini_secret) {
  LODE_TRY(Keypair keypair, Keypair::from_mini_secret(mini_secret.view()));
  return KeyMaterial{std::move(keypair), std::move(mini_secret), {}};
}

Result<KeyMaterial> root_key(std::string_view secret, std::string_view password) {
  if (secret.starts_with("0x")) {
    if (!password.empty()) {
      return fail(Errc::invalid_input, "a password goes with a phrase, not with a seed");
    }
    LODE_TRY(SecretBytes seed, parse_seed(secret.substr(2)));
    return from_mini_secret(std::move(seed));
  }
  LODE_TRY(const SecretBytes entropy, phrase_to_entropy(secret));
  LODE_TRY(KeyMaterial key, from_mini_secret(entropy_to_mini_secret(entropy.view(), password)));
  if (password.empty()) {
    key.phrase = entropy_to_phrase(entropy.view());
  }
  return key;
}

}  // namespace

Result<std::vector<Junction>> parse_path(std::string_view path) {
  std::vector<Junction> junctions;
  while (!path.empty()) {
    const bool is_hard = path.starts_with("//");
    path.remove_prefix(is_hard ? 2 : 1);
    const std::string_view text = path.substr(0, path.find('/'));
    if (text.empty()) {
      return fail(Errc::invalid_input,
                  "path: junction " + std::to_string(junctions.size() + 1) + " is empty");
    }
    junctions.push_back({is_hard, chain_code_of(text)});
    path.remove_prefix(text.size());
  }
  return junctions;
}

Result<KeyMaterial> key_from_secret_uri(std::string_view uri) {
  if (uri.size() > kMaxSecretUriBytes) {
    return fail(Errc::limit_exceeded,
                "more than " + std::to_string(kMaxSecretUriBytes) + " bytes of phrase and path");
  }
  std::string_view password;
  if (const std::size_t mark = uri.find("///"); mark != std::string_view::npos) {
    password = uri.substr(mark + 3);
    uri = uri.substr(0, mark);
  }
  const std::size_t slash = std::min(uri.find('/'), uri.size());
  if (uri.substr(0, slash).find_first_not_of(" \t\r\n") == std::string_view::npos) {
    // Substrate would take its public development phrase here: nobody's money should end there.
    return fail(Errc::invalid_input, "a phrase or a seed was expected before any path");
  }
  LODE_TRY(const std::vector<Junction> path, parse_path(uri.substr(slash)));
  LODE_TRY(KeyMaterial key, root_key(uri.substr(0, slash), password));
  for (const Junction& junction : path) {
    if (junction.is_hard) {
      LODE_TRY(key, from_mini_secret(key.keypair.derive_hard(junction.chain_code)));
    } else {
      key = KeyMaterial{key.keypair.derive_soft(junction.chain_code), {}, {}};
    }
  }
  return key;
}

Result<KeyMaterial> generate_key(int words, const Entropy& entropy) {
  if (words < 12 || words > 24 || words % 3 != 0) {
    return fail(Errc::invalid_input,
                std::to_string(words) + " words: 12, 15, 18, 21 or 24 were expected");
  }
  SecretBytes random(static_cast<std::size_t>(words / 3) * 4);
  entropy(random.span());
  LODE_TRY(KeyMaterial key, from_mini_secret(entropy_to_mini_secret(random.view())));
  key.phrase = entropy_to_phrase(random.view());
  return key;
}

}  // namespace lode::chain
