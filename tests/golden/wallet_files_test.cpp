// Files that btwallet 4.0.0 wrote (tools/interop/check_wallets.py compares fresh ones).
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "chain/keyfile.h"

namespace lode::chain {
namespace {

namespace fs = std::filesystem;

/// A private copy of a golden file: version control keeps no permissions.
fs::path private_copy(const char* name) {
  const Bytes bytes =
      *read_file(fs::path(LODE_SOURCE_DIR) / "tests/golden/wallet" / name, kMaxHotkeyFileBytes);
  const fs::path copy = fs::path(testing::TempDir()) / (std::string("lode_golden_") + name);
  EXPECT_TRUE(write_file(copy, bytes, 0600));
  return copy;
}

AskPassword answer(std::string password) {
  return [password] { return Result<SecretBytes>(SecretBytes::copy_of(password)); };
}

constexpr const char* kAddress = "5HDvhV6WDCjCKyrXqGQSDYqQAzkzabNhctmiDYEqgBC66BsX";

TEST(WalletFiles, ReadsThePlainHotkeyOfBtwallet) {
  const fs::path file = private_copy("btwallet_4.0.0_plain.json");
  EXPECT_EQ(read_hotkey_file(file)->ss58(), kAddress);
  fs::remove(file);
}

TEST(WalletFiles, OpensTheEncryptedHotkeyOfBtwalletAtFullCost) {
  const fs::path file = private_copy("btwallet_4.0.0_encrypted");
  const auto keypair = read_hotkey_file(file, answer("Lode's test p\xc3\xa4ssword"));
  ASSERT_TRUE(keypair) << keypair.error().message();
  EXPECT_EQ(keypair->ss58(), kAddress);
  EXPECT_FALSE(read_hotkey_file(file, answer("Lode's test passworD")));
  fs::remove(file);
}

}  // namespace
}  // namespace lode::chain
