#include "chain/ss58.h"

#include <sodium.h>

#include <algorithm>

#include "base/bytes.h"

namespace lode::chain {
namespace {

constexpr std::string_view kAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr std::uint8_t kPrefix = 42;  // "generic Substrate", which Bittensor uses

/// Prefix, key and the first two bytes of the checksum.
constexpr std::size_t kRawSize = 1 + 32 + 2;
using Raw = std::array<std::uint8_t, kRawSize>;

/// 58^48 > 256^35 > 58^47, so no address is longer.
constexpr std::size_t kMaxTextSize = 48;

std::array<std::uint8_t, 2> checksum(std::span<const std::uint8_t> prefix_and_key) {
  constexpr std::string_view kDomain = "SS58PRE";
  std::array<std::uint8_t, 64> hash;
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, hash.size());
  crypto_generichash_update(&state, as_bytes(kDomain).data(), kDomain.size());
  crypto_generichash_update(&state, prefix_and_key.data(), prefix_and_key.size());
  crypto_generichash_final(&state, hash.data(), hash.size());
  return {hash[0], hash[1]};
}

/// Multiplies the big-endian number by `factor` and adds `summand`; the carry out of the top.
unsigned multiply_add(Raw& number, unsigned factor, unsigned summand) {
  for (auto digit = number.rbegin(); digit != number.rend(); ++digit) {
    summand += *digit * factor;
    *digit = static_cast<std::uint8_t>(summand);
    summand >>= 8;
  }
  return summand;
}

/// Divides the big-endian number by 58 in place; the remainder.
unsigned divide_by_58(Raw& number) {
  unsigned remainder = 0;
  for (std::uint8_t& digit : number) {
    remainder = remainder * 256 + digit;
    digit = static_cast<std::uint8_t>(remainder / 58);
    remainder %= 58;
  }
  return remainder;
}

Error wrong_length() {
  return fail(Errc::invalid_input, "ss58 address: wrong length, 32 bytes of key were expected");
}

}  // namespace

std::string ss58_encode(const PublicKey& key) {
  Raw raw;
  raw[0] = kPrefix;
  std::copy(key.begin(), key.end(), raw.begin() + 1);
  const auto check = checksum({raw.data(), 33});
  std::copy(check.begin(), check.end(), raw.begin() + 33);
  std::string text;
  while (std::any_of(raw.begin(), raw.end(), [](std::uint8_t digit) { return digit != 0; })) {
    text += kAlphabet[divide_by_58(raw)];
  }
  std::reverse(text.begin(), text.end());
  return text;
}

Result<PublicKey> ss58_decode(std::string_view address) {
  if (address.empty() || address.size() > kMaxTextSize) {
    return wrong_length();
  }
  Raw raw{};
  for (std::size_t i = 0; i < address.size(); ++i) {
    const std::size_t value = kAlphabet.find(address[i]);
    if (value == kAlphabet.npos) {
      return fail(Errc::invalid_input, "ss58 address: character " + std::to_string(i + 1) +
                                           " is not in the base58 alphabet");
    }
    if (multiply_add(raw, 58, static_cast<unsigned>(value)) != 0) {
      return wrong_length();
    }
  }
  // A leading '1' stands for a zero byte in front; with a short number both mean another length.
  if (address.front() == '1' || raw[0] == 0) {
    return wrong_length();
  }
  if (raw[0] != kPrefix) {
    return fail(Errc::invalid_input,
                "ss58 address: network prefix " + std::to_string(raw[0]) + ", 42 was expected");
  }
  const auto check = checksum({raw.data(), 33});
  if (!std::equal(check.begin(), check.end(), raw.begin() + 33)) {
    return fail(Errc::invalid_input, "ss58 address: wrong checksum, is it mistyped?");
  }
  PublicKey key;
  std::copy_n(raw.begin() + 1, key.size(), key.begin());
  return key;
}

}  // namespace lode::chain
