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

TEST(File, WritesPartsOneAfterTheOther) {
  const fs::path path = scratch("lode_file_test_parts");
  const std::vector<ByteView> parts = {as_bytes("a "), {}, as_bytes("cloud")};
  ASSERT_TRUE(write_file_parts(path, parts));
  EXPECT_EQ(as_text(*read_file(path, 100)), "a cloud");
  ASSERT_TRUE(write_file_parts(path, {}));
  EXPECT_TRUE(read_file(path, 100)->empty());
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

TEST(File, WritesANewFileOnlyWhereNothingIs) {
  const fs::path path = scratch("lode_file_test_d");
  fs::remove(path);
  ASSERT_TRUE(write_new_file(path, as_bytes("first"), 0600));
  const auto again = write_new_file(path, as_bytes("second"), 0600);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::invalid_input);
  EXPECT_EQ(as_text(*read_file(path, 100)), "first");
  fs::remove(path);
  fs::create_symlink("/nowhere/at/all", path);
  EXPECT_FALSE(write_new_file(path, as_bytes("third"), 0600));
  fs::remove(path);
}

TEST(File, LeavesNoTemporaryFileBehind) {
  const fs::path folder = scratch("lode_file_test_e");
  fs::create_directories(folder);
  ASSERT_TRUE(write_file(folder / "a", as_bytes("1")));
  ASSERT_TRUE(write_new_file(folder / "b", as_bytes("2")));
  EXPECT_FALSE(write_new_file(folder / "b", as_bytes("3")));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 2);
  fs::remove_all(folder);
}

TEST(File, ReplacesALinkAndNotWhatItPointsTo) {
  const fs::path target = scratch("lode_file_test_f");
  const fs::path link = scratch("lode_file_test_g");
  fs::remove(link);
  ASSERT_TRUE(write_file(target, as_bytes("target")));
  fs::create_symlink(target, link);
  ASSERT_TRUE(write_file(link, as_bytes("new")));
  EXPECT_EQ(as_text(*read_file(target, 100)), "target");
  EXPECT_FALSE(fs::is_symlink(link));
  fs::remove(target);
  fs::remove(link);
}

TEST(File, RefusesAPipeWithoutWaitingForAWriter) {
  const fs::path path = scratch("lode_file_test_h");
  fs::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto bytes = read_file(path, 10);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, Errc::invalid_input);
  fs::remove(path);
}

TEST(File, ReadsNothingWhenTheCallerObjectsToTheFile) {
  const fs::path path = scratch("lode_file_test_i");
  ASSERT_TRUE(write_file(path, as_bytes("secret"), 0600));
  const auto got =
      read_file_into(path, 10, [](const struct ::stat& status) -> Result<std::span<std::uint8_t>> {
        return fail(Errc::unsupported, std::to_string(status.st_size));
      });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().context, "6");
  fs::remove(path);
}

}  // namespace
}  // namespace lode
