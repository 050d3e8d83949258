#include "chain/mnemonic.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <new>
#include <optional>

#include "base/assert.h"
#include "chain/mnemonic_internal.h"

namespace lode::chain {
namespace {

constexpr std::size_t kWords = 2048;
constexpr unsigned kBitsPerWord = 11;
constexpr std::size_t kMaxWords = 24;
constexpr std::string_view kSpaces = " \t\r\n";

using WordList = std::array<std::string_view, kWords>;

const WordList& word_list() {
  static const WordList kList = [] {
    WordList list;
    std::size_t begin = 0;
    for (auto& word : list) {
      const std::size_t end = kEnglishWords.find(' ', begin);
      LODE_ASSERT(end != std::string_view::npos, "the word list has 2048 words");
      word = kEnglishWords.substr(begin, end - begin);
      begin = end + 1;
    }
    LODE_ASSERT(begin == kEnglishWords.size() && std::is_sorted(list.begin(), list.end()),
                "the word list is complete and sorted");
    return list;
  }();
  return kList;
}

std::optional<unsigned> index_of(std::string_view word) {
  const WordList& list = word_list();
  const auto found = std::lower_bound(list.begin(), list.end(), word);
  if (found == list.end() || *found != word) {
    return std::nullopt;
  }
  return static_cast<unsigned>(found - list.begin());
}

/// Cuts the next word off `rest`; empty at the end.
std::string_view next_word(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(kSpaces), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(kSpaces));
  rest.remove_prefix(word.size());
  return word;
}

/// The checksum: the first bits of the entropy's SHA-256, one for 32 bits of entropy.
std::uint8_t checksum_byte(ByteView entropy) {
  std::array<std::uint8_t, crypto_hash_sha256_BYTES> hash;
  crypto_hash_sha256(hash.data(), entropy.data(), entropy.size());
  const std::uint8_t first = hash[0];
  sodium_memzero(hash.data(), hash.size());
  return first;
}

bool is_entropy_size(std::size_t bytes) { return bytes >= 16 && bytes <= 32 && bytes % 4 == 0; }

}  // namespace

Result<SecretBytes> phrase_to_entropy(std::string_view phrase) {
  if (phrase.size() > kMaxPhraseBytes) {
    return fail(Errc::limit_exceeded,
                "phrase: more than " + std::to_string(kMaxPhraseBytes) + " bytes");
  }
  // 24 words of 11 bits: 32 bytes of entropy and 8 bits of checksum.
  SecretBytes bits(kMaxWords * kBitsPerWord / 8);
  std::size_t count = 0;
  for (std::string_view word = next_word(phrase); !word.empty(); word = next_word(phrase)) {
    if (count == kMaxWords) {
      return fail(Errc::invalid_input, "phrase: more than 24 words");
    }
    const auto index = index_of(word);
    if (!index) {
      return fail(Errc::invalid_input, "phrase: word " + std::to_string(count + 1) +
                                           " is not one of BIP39's English words (lower case)");
    }
    for (unsigned bit = 0; bit < kBitsPerWord; ++bit) {
      const std::size_t at = count * kBitsPerWord + bit;
      bits.data()[at / 8] |=
          static_cast<std::uint8_t>((*index >> (kBitsPerWord - 1 - bit) & 1) << (7 - at % 8));
    }
    ++count;
  }
  const std::size_t entropy_size = count * kBitsPerWord / 33 * 4;
  if (count % 3 != 0 || !is_entropy_size(entropy_size)) {
    return fail(Errc::invalid_input,
                "phrase: " + std::to_string(count) + " words, 12, 15, 18, 21 or 24 were expected");
  }
  const auto checksum_bits = static_cast<unsigned>(entropy_size / 4);
  const unsigned stated = bits.data()[entropy_size] >> (8 - checksum_bits);
  bits.truncate(entropy_size);
  if (stated != static_cast<unsigned>(checksum_byte(bits.view())) >> (8 - checksum_bits)) {
    return fail(Errc::invalid_input,
                "phrase: the checksum does not fit: a word is wrong or in another place");
  }
  return bits;
}

SecretBytes entropy_to_phrase(ByteView entropy) {
  LODE_ASSERT(is_entropy_size(entropy.size()), "BIP39 has phrases for 16 to 32 bytes");
  const std::uint8_t checksum = checksum_byte(entropy);
  const std::size_t count = entropy.size() * 8 / 32 * 3;
  SecretBytes phrase(kMaxWords * 9);
  std::size_t size = 0;
  for (std::size_t word = 0; word < count; ++word) {
    unsigned index = 0;
    for (unsigned bit = 0; bit < kBitsPerWord; ++bit) {
      const std::size_t at = word * kBitsPerWord + bit;
      const std::uint8_t byte = at / 8 < entropy.size() ? entropy[at / 8] : checksum;
      index = index << 1 | (byte >> (7 - at % 8) & 1U);
    }
    const std::string_view text = word_list()[index];
    size += text.copy(reinterpret_cast<char*>(phrase.data()) + size, text.size());
    phrase.data()[size++] = ' ';
  }
  phrase.truncate(size - 1);
  return phrase;
}

SecretBytes entropy_to_mini_secret(ByteView entropy, std::string_view password) {
  constexpr std::string_view kSalt = "mnemonic";
  constexpr int kRounds = 2048;
  SecretBytes salt(kSalt.size() + password.size());
  std::copy(kSalt.begin(), kSalt.end(), salt.data());
  std::copy(password.begin(), password.end(), salt.data() + kSalt.size());
  SecretBytes seed(64);
  const int done = PKCS5_PBKDF2_HMAC(reinterpret_cast<const char*>(entropy.data()),
                                     static_cast<int>(entropy.size()), salt.data(),
                                     static_cast<int>(salt.size()), kRounds, EVP_sha512(),
                                     static_cast<int>(seed.size()), seed.data());
  if (done != 1) {
    throw std::bad_alloc();  // OpenSSL's only reason with these arguments
  }
  seed.truncate(32);
  return seed;
}

}  // namespace lode::chain
