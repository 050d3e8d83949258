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

/// A file as btwallet 4 writes it.
Json full_file() {
  return {{"accountId", hex(kPublic)},          {"publicKey", hex(kPublic)},
          {"privateKey", hex(kScalar, kNonce)}, {"secretPhrase", "a b c d e f g h i j k l"},
          {"secretSeed", hex(kSeed)},           {"ss58Address", kAddress}};
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
        R"({"secretPhrase": "bottom drive obey"})", R"({"ss58Address": null})", "{}",
        R"({"ss58Address": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"})"}) {
    const auto keypair = parse_hotkey(content);
    ASSERT_FALSE(keypair) << content;
    EXPECT_EQ(keypair.error().code, Errc::unsupported) << content;
  }
}

TEST(Keyfile, NamesTheBrokenFieldAndNeverItsValue) {
  const std::string secret = "5ec7e75ec7e7";
  const std::pair<const char*, Json> cases[] = {
      {"secretSeed", {{"secretSeed", "0x" + secret}}},
      {"secretSeed", {{"secretSeed", secret + "zz"}}},
      {"secretSeed", {{"secretSeed", Json::array({secret})}}},
      {"privateKey", {{"privateKey", secret}}},
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
  struct stat status {};
  ASSERT_EQ(::stat(file.path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const Json written = Json::parse(as_text(*read_file(file.path(), 4096)));
  EXPECT_EQ(written, Json({{"accountId", hex(kPublic)},
                           {"publicKey", hex(kPublic)},
                           {"secretSeed", hex(kSeed)},
                           {"ss58Address", kAddress}}));
  EXPECT_FALSE(write_hotkey_file(file.path(), Bytes(31)));
}

}  // namespace
}  // namespace lode::chain
