#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace lode {
namespace {

namespace fs = std::filesystem;

fs::path scratch(const char* name) { return fs::path(testing::TempDir()) / name; }

TEST(File, ReadsBackWhatItWroteWithTheAskedPermissions) {
  const fs::path path = scratch("lode_file_test_a");
  ASSERT_TRUE(write_file(path, as_bytes("secret"), 0600));
  EXPECT_EQ(as_text(*read_file(path, 6)), "secret");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  fs::remove(path);
}

TEST(File, ReplacesAnExistingFileWhole) {
  const fs::path path = scratch("lode_file_test_b");
  ASSERT_TRUE(write_file(path, as_bytes("a long first version")));
  ASSERT_TRUE(write_file(path, as_bytes("short")));
  EXPECT_EQ(as_text(*read_file(path, 100)), "short");
  fs::remove(path);
}

TEST(File, RefusesMoreThanTheBound) {
  const fs::path path = scratch("lode_file_test_c");
  ASSERT_TRUE(write_file(path, Bytes(11)));
  const auto bytes = read_file(path, 10);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::limit_exceeded);
  fs::remove(path);
}

TEST(File, NamesTheAbsentPath) {
  const auto bytes = read_file("/nowhere/at/all", 10);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::not_found);
  EXPECT_NE(bytes.error().context.find("/nowhere/at/all"), std::string::npos);
}

TEST(File, RefusesADirectory) {
  const auto bytes = read_file(testing::TempDir(), 10);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::invalid_input);
}

TEST(File, FailsToWriteIntoAnAbsentFolder) {
  EXPECT_FALSE(write_file("/nowhere/at/all", as_bytes("x")));
}

}  // namespace
}  // namespace lode
