#include "chain/keyfile.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/file.h"

namespace lode::chain {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::string_view kSeed =
    "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
constexpr std::string_view kNonce =
    "925a225d97aa00682d6a59b95b18780c10d7032336e88f3442b42361f4a66011";
constexpr std::string_view kScalar =
    "33a6f3093f158a7109f679410bef1a0c54168145e0cecb4df006c1c2fffb1f09";
constexpr std::string_view kEd25519Scalar =
    "98319d4ff8a9508c4bb0cf0b5a78d760a0b2082c02775e6e82370816fedfff48";
constexpr std::string_view kPublic =
    "d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d";
constexpr std::string_view kAddress = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
constexpr std::string_view kBobAddress = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

std::string hex(std::string_view a, std::string_view b = "") {
  return "0x" + std::string(a) + std::string(b);
}

/// A file as btwallet 4 writes it for a derived key, which no phrase leads to.
Json full_file() {
  return {{"accountId", hex(kPublic)},          {"publicKey", hex(kPublic)},
          {"privateKey", hex(kScalar, kNonce)}, {"secretPhrase", nullptr},
          {"secretSeed", hex(kSeed)},           {"ss58Address", kAddress}};
}

constexpr const char* kDevPhrase =
    "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
constexpr const char* kDevAddress = "5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV";

/// Argon2i's least work, for tests.
constexpr KdfCost kCheap{3, 8192};

AskPassword answer(std::string password) {
  return [password] { return Result<SecretBytes>(SecretBytes::copy_of(password)); };
}

/// A file in the test's own folder, gone when the test ends.
class ScratchFile {
 public:
  explicit ScratchFile(std::string_view content, unsigned mode = 0600)
      : path_(fs::path(testing::TempDir()) /
              (std::string("lode_keyfile_") +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {
    EXPECT_TRUE(write_file(path_, as_bytes(content), mode));
    ::chmod(path_.c_str(), mode);  // whatever the umask is
  }
  ~ScratchFile() { fs::remove(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void expect_alice(const Json& file) {
  const auto keypair = parse_hotkey(file.dump());
  ASSERT_TRUE(keypair) << keypair.error().message();
  EXPECT_EQ(keypair->ss58(), kAddress);
}

TEST(Keyfile, ReadsAFullFileOfBtwallet) {
  const ScratchFile file(full_file().dump());
  const auto keypair = read_hotkey_file(file.path());
  ASSERT_TRUE(keypair) << keypair.error().message();
  EXPECT_EQ(keypair->ss58(), kAddress);
}

TEST(Keyfile, ReadsASeedOrAnExpandedSecretAlone) {
  expect_alice({{"secretSeed", hex(kSeed)}});
  expect_alice({{"secretSeed", kSeed}});
  expect_alice({{"secretSeed", nullptr}, {"privateKey", hex(kSeed)}});
  expect_alice({{"privateKey", hex(kScalar, kNonce)}});
  expect_alice({{"secretSeed", hex(kScalar, kNonce)}});
}

TEST(Keyfile, ReadsTheEd25519FormOfPolkadotJs) {
  expect_alice({{"privateKey", hex(kEd25519Scalar, kNonce)}});
  expect_alice({{"privateKey", hex(kEd25519Scalar, kNonce)}, {"ss58Address", kAddress}});
}

TEST(Keyfile, ReadsASeedThatBtwalletWroteRaw) {
  const std::string raw(32, 'A');
  const auto as_text_seed = parse_hotkey(Json({{"secretSeed", raw}}).dump());
  const auto as_hex_seed = parse_hotkey(Json({{"secretSeed", hex_encode(as_bytes(raw))}}).dump());
  ASSERT_TRUE(as_text_seed && as_hex_seed);
  EXPECT_EQ(as_text_seed->ss58(), as_hex_seed->ss58());
}

TEST(Keyfile, ReadsAPhraseAndPrefersItToTheSeed) {
  Json file = {{"secretPhrase", kDevPhrase}};
  EXPECT_EQ(parse_hotkey(file.dump())->ss58(), kDevAddress);
  file["secretSeed"] = hex(kSeed);
  EXPECT_EQ(parse_hotkey(file.dump())->ss58(), kDevAddress);
  file["ss58Address"] = kAddress;  // the seed's: btwallet would sign with another key than stated
  const auto keypair = parse_hotkey(file.dump());
  ASSERT_FALSE(keypair);
  EXPECT_TRUE(keypair.error().context.starts_with("secretPhrase: belongs to another key"));
}

TEST(Keyfile, PrefersTheSeedToTheExpandedSecret) {
  Json file = full_file();
  file["privateKey"] = hex(std::string(128, '1'));
  expect_alice(file);
}

TEST(Keyfile, RefusesASecretThatBelongsToAnotherKey) {
  Json file = full_file();
  file["publicKey"] = "0x46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a";
  file.erase("ss58Address");
  EXPECT_NE(parse_hotkey(file.dump()).error().context.find("another key"), std::string::npos);
  file.erase("publicKey");
  file["ss58Address"] = kBobAddress;
  EXPECT_NE(parse_hotkey(file.dump()).error().context.find("another key"), std::string::npos);
  file["publicKey"] = hex(kPublic);
  EXPECT_NE(parse_hotkey(file.dump()).error().context.find("ss58Address"), std::string::npos);
}

TEST(Keyfile, RefusesFilesThatOthersMayUseAndNamesTheFix) {
  for (const unsigned mode : {0640, 0604, 0644, 0660, 0610}) {
    const ScratchFile file(full_file().dump(), mode);
    const auto keypair = read_hotkey_file(file.path());
    ASSERT_FALSE(keypair) << mode;
    EXPECT_NE(keypair.error().context.find("chmod 600 " + file.path().string()), std::string::npos);
  }
  const ScratchFile file(full_file().dump(), 0400);
  EXPECT_TRUE(read_hotkey_file(file.path()));
}

TEST(Keyfile, RefusesEncryptedAndPublicFormsAsUnsupported) {
  for (const char* content :
       {"$NACL\x01\x02\xff", "$ANSIBLE_VAULT;1.1;AES256\n6162", "gAAAAABl",
        R"({"secretPhrase": null})", R"({"ss58Address": null})", "{}",
        R"({"ss58Address": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"})"}) {
    const auto keypair = parse_hotkey(content);
    ASSERT_FALSE(keypair) << content;
    EXPECT_EQ(keypair.error().code, Errc::unsupported) << content;
  }
}

TEST(Keyfile, NamesFileAndFormOfOlderEncryptionBeforeAnyPassword) {
  for (const auto& [content, form] :
       {std::pair("$ANSIBLE_VAULT;1.1;AES256\n6162", "Ansible vault"), {"gAAAAABl", "Fernet"}}) {
    const ScratchFile file(content, 0600);
    const auto keypair = read_hotkey_file(file.path(), []() -> Result<SecretBytes> {
      ADD_FAILURE() << "asked for a password";
      return SecretBytes();
    });
    ASSERT_FALSE(keypair);
    EXPECT_EQ(keypair.error().code, Errc::unsupported);
    for (const std::string& text : {file.path().string() + ": ", std::string(form),
                                    std::string("lode wallet import --encrypt --force")}) {
      EXPECT_NE(keypair.error().context.find(text), std::string::npos) << keypair.error().context;
    }
  }
}

TEST(Keyfile, NamesTheBrokenFieldAndNeverItsValue) {
  const std::string secret = "5ec7e75ec7e7";
  const std::pair<const char*, Json> cases[] = {
      {"secretSeed", {{"secretSeed", "0x" + secret}}},
      {"secretSeed", {{"secretSeed", secret + "zz"}}},
      {"secretSeed", {{"secretSeed", Json::array({secret})}}},
      {"privateKey", {{"privateKey", secret}}},
      {"secretPhrase", {{"secretPhrase", secret}}},
      {"secretPhrase", {{"secretPhrase", std::string(kDevPhrase) + " " + secret}}},
      {"privateKey", {{"privateKey", hex(std::string(116, 'f'), secret)}}},
      {"publicKey", {{"secretSeed", hex(kSeed)}, {"publicKey", secret}}},
      {"ss58Address", {{"secretSeed", hex(kSeed)}, {"ss58Address", secret}}},
  };
  for (const auto& [field, file] : cases) {
    const auto keypair = parse_hotkey(file.dump());
    ASSERT_FALSE(keypair) << file;
    EXPECT_TRUE(keypair.error().context.starts_with(field)) << keypair.error().context;
    EXPECT_EQ(keypair.error().context.find("5ec7e7"), std::string::npos);
  }
}

TEST(Keyfile, RefusesWhatIsNoJsonObjectWithoutQuotingIt) {
  for (const char* content : {"", "5ec7e7", "[\"5ec7e7\"]", "{\"secretSeed\": 5ec7e7}"}) {
    const ScratchFile file(content);
    const auto keypair = read_hotkey_file(file.path());
    ASSERT_FALSE(keypair) << content;
    EXPECT_EQ(keypair.error().code, Errc::invalid_input);
    EXPECT_TRUE(keypair.error().context.starts_with(file.path().string()));
    EXPECT_EQ(keypair.error().context.find("5ec7e7"), std::string::npos);
  }
}

TEST(Keyfile, RefusesAbsentAndOversizedFiles) {
  EXPECT_EQ(read_hotkey_file("/nowhere/hotkey").error().code, Errc::not_found);
  const ScratchFile file(std::string(kMaxHotkeyFileBytes + 1, ' '));
  EXPECT_EQ(read_hotkey_file(file.path()).error().code, Errc::limit_exceeded);
}

TEST(Keyfile, WritesAFileThatItReadsBack) {
  const ScratchFile file("old content", 0600);
  const auto address = write_hotkey_file(file.path(), *hex_decode(kSeed));
  ASSERT_TRUE(address);
  EXPECT_EQ(*address, kAddress);
  EXPECT_EQ(read_hotkey_file(file.path())->ss58(), kAddress);
  EXPECT_EQ(fs::status(file.path()).permissions(), fs::perms(0600));
  const Json written = Json::parse(as_text(*read_file(file.path(), 4096)));
  Json expected = full_file();
  expected.erase("secretPhrase");
  EXPECT_EQ(written, expected);
  EXPECT_FALSE(write_hotkey_file(file.path(), Bytes(31)));
}

TEST(Keyfile, WritesThePhraseOnlyWhereItAloneLeadsToTheKey) {
  const ScratchFile file("");
  for (const char* path : {"", "//hard", "/soft", "///password"}) {
    const auto key = key_from_secret_uri(std::string(kDevPhrase) + path);
    ASSERT_TRUE(write_key_file(file.path(), *key, {.is_overwriting = true}));
    EXPECT_EQ(read_hotkey_file(file.path())->ss58(), key->keypair.ss58()) << path;
    const Json written = Json::parse(as_text(*read_file(file.path(), 4096)));
    EXPECT_EQ(written.contains("secretPhrase"), *path == '\0') << path;
    EXPECT_EQ(written.contains("secretSeed"), std::string_view(path) != "/soft") << path;
  }
}

TEST(Keyfile, LeavesAnExistingFileAloneUnlessToldOtherwise) {
  const ScratchFile file("precious");
  const auto key = generate_key(12);
  const auto written = write_key_file(file.path(), *key);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::invalid_input);
  EXPECT_EQ(as_text(*read_file(file.path(), 100)), "precious");
  EXPECT_FALSE(write_public_key_file(file.path(), key->keypair.public_key(), false));
  EXPECT_EQ(as_text(*read_file(file.path(), 100)), "precious");
}

TEST(Keyfile, ReadsAnEncryptedFileWithItsPasswordAlone) {
  const ScratchFile file("");
  const auto key = key_from_secret_uri(kDevPhrase);
  ASSERT_TRUE(write_key_file(file.path(), *key,
                             {.password = "right", .is_overwriting = true, .cost = kCheap}));
  const Bytes content = *read_file(file.path(), 4096);
  EXPECT_TRUE(is_encrypted(content));
  EXPECT_EQ(as_text(content).find("5Dfh"), std::string_view::npos);
  EXPECT_EQ(fs::status(file.path()).permissions(), fs::perms(0600));

  EXPECT_EQ(read_hotkey_file(file.path(), answer("right"), kCheap)->ss58(), kDevAddress);
  const auto wrong = read_hotkey_file(file.path(), answer("wrong-5ec7e7"), kCheap);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::invalid_input);
  EXPECT_NE(wrong.error().context.find("wrong password"), std::string::npos);
  EXPECT_EQ(wrong.error().context.find("5ec7e7"), std::string::npos);
  EXPECT_EQ(read_hotkey_file(file.path()).error().code, Errc::unsupported);
}

TEST(Keyfile, AsksNoPasswordForPlainOrPermissiveFiles) {
  const AskPassword never = []() -> Result<SecretBytes> {
    ADD_FAILURE() << "asked";
    return fail(Errc::internal, "asked");
  };
  const ScratchFile plain(full_file().dump());
  EXPECT_TRUE(read_hotkey_file(plain.path(), never));
  ::chmod(plain.path().c_str(), 0644);
  EXPECT_FALSE(read_hotkey_file(plain.path(), never));
}

TEST(Keyfile, JudgesWhatALinkLeadsTo) {
  const ScratchFile file(full_file().dump());
  const fs::path link = file.path().string() + "_link";
  fs::remove(link);
  fs::create_symlink(file.path(), link);
  EXPECT_TRUE(read_hotkey_file(link));
  ::chmod(file.path().c_str(), 0644);
  const auto permissive = read_hotkey_file(link);
  ASSERT_FALSE(permissive);
  EXPECT_NE(permissive.error().context.find("chmod 600"), std::string::npos);
  fs::remove(file.path());
  EXPECT_EQ(read_hotkey_file(link).error().code, Errc::not_found);
  fs::remove(link);
}

/// A wallet's folder, gone when the test ends.
class ScratchWallet {
 public:
  ScratchWallet()
      : root_(fs::path(testing::TempDir()) /
              (std::string("lode_wallet_") +
               testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "w" / "hotkeys");
  }
  ~ScratchWallet() { fs::remove_all(root_); }
  const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

TEST(Keyfile, RefusesColdkeysByNameByLinkAndByTheirPublicKey) {
  const ScratchWallet wallet;
  const auto coldkey = key_from_secret_uri(kDevPhrase);
  const auto hotkey = generate_key(12);
  const fs::path w = wallet.root() / "w";
  ASSERT_TRUE(write_key_file(w / "coldkey", *coldkey));
  ASSERT_TRUE(write_public_key_file(w / "coldkeypub.txt", coldkey->keypair.public_key(), false));
  ASSERT_TRUE(write_key_file(w / "hotkeys" / "h", *hotkey));
  ASSERT_TRUE(write_key_file(w / "hotkeys" / "copied", *coldkey));
  ASSERT_TRUE(write_key_file(w / "renamed", *coldkey));
  fs::create_symlink(w / "coldkey", w / "hotkeys" / "linked");
  EXPECT_TRUE(read_hotkey_file(w / "hotkeys" / "h"));
  for (const char* name : {"coldkey", "hotkeys/copied", "renamed", "hotkeys/linked"}) {
    const auto refused = read_hotkey_file(w / name);
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().context.find("a coldkey"), std::string::npos) << name;
  }
}

TEST(Keyfile, ReadsPublicKeysOfFilesThatAnybodyMayRead) {
  const ScratchFile file("");
  const auto key = key_from_secret_uri(kDevPhrase);
  ASSERT_TRUE(write_public_key_file(file.path(), key->keypair.public_key(), true));
  ::chmod(file.path().c_str(), 0644);
  EXPECT_EQ(*read_public_key_file(file.path()), key->keypair.public_key());
  EXPECT_FALSE(read_hotkey_file(file.path()));
  ASSERT_TRUE(write_file(file.path(), as_bytes("{}")));
  EXPECT_EQ(read_public_key_file(file.path()).error().code, Errc::invalid_input);
  ASSERT_TRUE(write_file(file.path(), as_bytes("$NACLxxxxx")));
  EXPECT_EQ(read_public_key_file(file.path()).error().code, Errc::unsupported);
}

TEST(Keyfile, FindsTheFilesOfAWallet) {
  const auto paths = wallet_paths("~/.bittensor/wallets/", "miner", "default", "/home/op");
  EXPECT_EQ(paths->hotkey, "/home/op/.bittensor/wallets/miner/hotkeys/default");
  EXPECT_EQ(paths->hotkey_pub, "/home/op/.bittensor/wallets/miner/hotkeys/defaultpub.txt");
  EXPECT_EQ(paths->coldkey_pub, "/home/op/.bittensor/wallets/miner/coldkeypub.txt");
  EXPECT_EQ(wallet_paths("/keys", "a", "b", "/home/op")->hotkey, "/keys/a/hotkeys/b");
  for (const char* name : {"", ".", "..", "a/b", "/etc"}) {
    EXPECT_FALSE(wallet_paths("/keys", name, "b", "/")) << name;
    EXPECT_FALSE(wallet_paths("/keys", "a", name, "/")) << name;
  }
}

}  // namespace
}  // namespace lode::chain
