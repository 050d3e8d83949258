#include "miner/blacklist_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace lode::miner {
namespace {

class BlacklistFile : public testing::Test {
 protected:
  Result<std::vector<BlacklistEntry>> read(const char* text) {
    EXPECT_TRUE(write_file(path_, as_bytes(text)));
    return read_blacklist_file(path_);
  }
  void TearDown() override { std::filesystem::remove(path_); }
  std::filesystem::path path_ =
      std::filesystem::path(testing::TempDir()) / ("lode_blacklist" + std::to_string(::getpid()));
};

TEST_F(BlacklistFile, ReadsUidsAndHotkeysWithReasons) {
  const auto entries = read(R"(
[[blacklist]]
uid = 180
reason = "copies weights"
[[blacklist]]
hotkey = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
)");
  ASSERT_TRUE(entries) << entries.error().message();
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].uid, 180);
  EXPECT_EQ((*entries)[0].reason, "copies weights");
  EXPECT_EQ((*entries)[1].uid, -1);
  EXPECT_EQ((*entries)[1].hotkey.substr(0, 5), "5Grwv");
}

TEST_F(BlacklistFile, NamesTheBadEntry) {
  for (const char* bad :
       {"[[blacklist]]\nreason='x'", "[[blacklist]]\nuid=1\nhotkey='5x'", "[[blacklist]]\nuid=-1",
        "[[blacklist]]\nhotkey='5Grwva'", "blacklist=[3]"}) {
    const auto entries = read(bad);
    ASSERT_FALSE(entries) << bad;
    EXPECT_NE(entries.error().context.find("entry 1"), std::string::npos) << bad;
  }
  EXPECT_FALSE(read("uid = 180")) << "no list";
  EXPECT_NE(read("a = [\n").error().context.find("line"), std::string::npos);
}

}  // namespace
}  // namespace lode::miner
