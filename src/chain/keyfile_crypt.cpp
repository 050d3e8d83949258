#include "chain/keyfile_crypt.h"

#include <sodium.h>

#include <array>
#include <new>

namespace lode::chain {
namespace {

constexpr std::string_view kNaclPrefix = "$NACL";
constexpr std::string_view kAnsiblePrefix = "$ANSIBLE_VAULT";
constexpr std::string_view kFernetPrefix = "gAAAAA";

/// One salt for everybody: btwallet's choice, and part of the format.
constexpr std::array<std::uint8_t, crypto_pwhash_argon2i_SALTBYTES> kSalt = {
    0x13, 0x71, 0x83, 0xdf, 0xf1, 0x5a, 0x09, 0xbc, 0x9c, 0x90, 0xb5, 0x51, 0x87, 0x39, 0xe9, 0xb1};

constexpr std::size_t kHeaderBytes = kNaclPrefix.size() + crypto_secretbox_NONCEBYTES;

SecretBytes derive_key(std::string_view password, const KdfCost& cost) {
  SecretBytes key(crypto_secretbox_KEYBYTES);
  if (crypto_pwhash(key.data(), key.size(), password.data(), password.size(), kSalt.data(),
                    cost.passes, cost.memory_bytes, crypto_pwhash_ALG_ARGON2I13) != 0) {
    throw std::bad_alloc();
  }
  return key;
}

}  // namespace

bool is_encrypted(ByteView content) {
  const std::string_view text = as_text(content);
  return text.starts_with(kNaclPrefix) || text.starts_with(kAnsiblePrefix) ||
         text.starts_with(kFernetPrefix);
}

Result<void> check_form(ByteView content) {
  const std::string_view text = as_text(content);
  if (text.starts_with(kAnsiblePrefix)) {
    return fail(Errc::unsupported,
                "encrypted in btwallet's older form, an Ansible vault: have btwallet 4 write it "
                "anew (its Keyfile's decrypt(), then encrypt()), or write it from its phrase with: "
                "lode wallet import --encrypt --force");
  }
  if (text.starts_with(kFernetPrefix)) {
    return fail(Errc::unsupported,
                "encrypted in btwallet's oldest form, Fernet: write it anew from its phrase with: "
                "lode wallet import --encrypt --force");
  }
  return {};
}

Result<SecretBytes> decrypt_key_file(ByteView content, std::string_view password,
                                     const KdfCost& cost) {
  LODE_CHECK(check_form(content));
  if (!as_text(content).starts_with(kNaclPrefix)) {
    return fail(Errc::invalid_input, "not an encrypted file: " + std::string(kNaclPrefix) +
                                         " at its start was expected");
  }
  if (content.size() < kHeaderBytes + crypto_secretbox_MACBYTES) {
    return fail(Errc::invalid_input,
                "an encrypted file cut short: " + std::to_string(content.size()) +
                    " bytes, at least " + std::to_string(kHeaderBytes + crypto_secretbox_MACBYTES) +
                    " were expected");
  }
  const SecretBytes key = derive_key(password, cost);
  const ByteView sealed = content.subspan(kHeaderBytes);
  SecretBytes plain(sealed.size() - crypto_secretbox_MACBYTES);
  if (crypto_secretbox_open_easy(plain.data(), sealed.data(), sealed.size(),
                                 content.data() + kNaclPrefix.size(), key.data()) != 0) {
    return fail(Errc::invalid_input, "wrong password, or a damaged file");
  }
  return plain;
}

Bytes encrypt_key_file(ByteView plain, std::string_view password, const KdfCost& cost,
                       const Entropy& entropy) {
  Bytes content(kHeaderBytes + crypto_secretbox_MACBYTES + plain.size());
  kNaclPrefix.copy(reinterpret_cast<char*>(content.data()), kNaclPrefix.size());
  const std::span<std::uint8_t> nonce =
      std::span(content).subspan(kNaclPrefix.size(), crypto_secretbox_NONCEBYTES);
  entropy(nonce);
  const SecretBytes key = derive_key(password, cost);
  crypto_secretbox_easy(content.data() + kHeaderBytes, plain.data(), plain.size(), nonce.data(),
                        key.data());
  return content;
}

}  // namespace lode::chain
