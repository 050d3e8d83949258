#include "base/mapped_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"

namespace lode {
namespace {

class MappedFileTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  std::filesystem::path path_ = std::filesystem::path(testing::TempDir()) / "lode_mapped_file";
};

TEST_F(MappedFileTest, HoldsTheBytesOfTheFileAfterItIsGone) {
  ASSERT_TRUE(write_file(path_, as_bytes("a cloud")));
  const auto mapped = MappedFile::open(path_, 100);
  ASSERT_TRUE(mapped) << mapped.error().message();
  std::filesystem::remove(path_);
  EXPECT_EQ(as_text(mapped->bytes()), "a cloud");
}

TEST_F(MappedFileTest, MapsAnEmptyFileAsNoBytes) {
  ASSERT_TRUE(write_file(path_, {}));
  const auto mapped = MappedFile::open(path_, 100);
  ASSERT_TRUE(mapped) << mapped.error().message();
  EXPECT_TRUE(mapped->bytes().empty());
}

TEST_F(MappedFileTest, RefusesAPipeWithoutWaitingForAWriter) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(MappedFile::open(path_, 100).error().code, Errc::invalid_input);
}

TEST_F(MappedFileTest, RefusesWhatReadFileRefuses) {
  EXPECT_EQ(MappedFile::open(path_, 100).error().code, Errc::not_found);
  EXPECT_EQ(MappedFile::open(testing::TempDir(), 100).error().code, Errc::invalid_input);
  ASSERT_TRUE(write_file(path_, as_bytes("a cloud")));
  const auto large = MappedFile::open(path_, 6);
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, Errc::limit_exceeded);
  EXPECT_NE(large.error().context.find(path_.string()), std::string::npos);
}

TEST_F(MappedFileTest, MovesItsMapping) {
  ASSERT_TRUE(write_file(path_, as_bytes("first")));
  MappedFile first = *MappedFile::open(path_, 100);
  ASSERT_TRUE(write_file(path_, as_bytes("second")));
  MappedFile second = *MappedFile::open(path_, 100);
  EXPECT_EQ(as_text(first.bytes()), "first");
  first = std::move(second);
  EXPECT_EQ(as_text(first.bytes()), "second");
}

}  // namespace
}  // namespace lode
