#include "chain/keyfile_crypt.h"

#include <gtest/gtest.h>

#include "base/encoding.h"

namespace lode::chain {
namespace {

/// Argon2i's least work, for tests; tests/golden/ has a file of btwallet's at full cost.
constexpr KdfCost kCheap{3, 8192};

std::string decrypted(ByteView content, std::string_view password) {
  const auto plain = decrypt_key_file(content, password, kCheap);
  return plain ? std::string(plain->text()) : plain.error().context;
}

TEST(KeyfileCrypt, OpensWhatItSealedWithThePasswordAlone) {
  const Bytes sealed = encrypt_key_file(as_bytes("the key"), "p\xc3\xa4ss word", kCheap);
  EXPECT_TRUE(as_text(sealed).starts_with("$NACL"));
  EXPECT_EQ(sealed.size(), 5U + 24 + 16 + 7);
  EXPECT_EQ(decrypted(sealed, "p\xc3\xa4ss word"), "the key");
  for (const char* wrong : {"", "p\xc3\xa4ss", "p\xc3\xa4ss word "}) {
    EXPECT_EQ(decrypted(sealed, wrong), "wrong password, or a damaged file");
  }
}

TEST(KeyfileCrypt, SealsDifferentlyEachTime) {
  EXPECT_NE(encrypt_key_file(as_bytes("x"), "p", kCheap),
            encrypt_key_file(as_bytes("x"), "p", kCheap));
}

TEST(KeyfileCrypt, RefusesTruncationAndAFlipAtEveryByte) {
  const Bytes sealed = encrypt_key_file(as_bytes("the key"), "p", kCheap);
  for (std::size_t size = 5; size < sealed.size(); ++size) {
    EXPECT_FALSE(decrypt_key_file(ByteView(sealed).first(size), "p", kCheap)) << size;
  }
  EXPECT_NE(decrypted(ByteView(sealed).first(44), "p").find("cut short"), std::string::npos);
  for (std::size_t at = 5; at < sealed.size(); ++at) {
    Bytes flipped = sealed;
    flipped[at] ^= 1;
    EXPECT_EQ(decrypted(flipped, "p"), "wrong password, or a damaged file") << at;
  }
}

TEST(KeyfileCrypt, NamesOlderFormsAndTheWayOut) {
  for (const auto& [content, name] :
       {std::pair("$ANSIBLE_VAULT;1.1;AES256\n6162", "Ansible"), {"gAAAAABlxxxx", "Fernet"}}) {
    EXPECT_TRUE(is_encrypted(as_bytes(content)));
    const auto plain = decrypt_key_file(as_bytes(content), "p", kCheap);
    ASSERT_FALSE(plain);
    EXPECT_EQ(plain.error().code, Errc::unsupported);
    EXPECT_NE(plain.error().context.find(name), std::string::npos);
    EXPECT_NE(plain.error().context.find("lode wallet import"), std::string::npos);
  }
  EXPECT_FALSE(is_encrypted(as_bytes("{\"a\":null}")));
  EXPECT_FALSE(is_encrypted({}));
}

}  // namespace
}  // namespace lode::chain
