#include "splat/splat_file.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/clouds.h"

namespace lode::splat {
namespace {

std::filesystem::path scratch(const char* name) {
  return std::filesystem::path(testing::TempDir()) / name;
}

TEST(SplatFile, IsReadByContentWhateverItsName) {
  Rng rng(1);
  const GaussianCloud cloud = test::random_cloud(rng, 20, 1);
  const std::filesystem::path ply = scratch("lode_a.ply"), spz = scratch("lode_a.spz"),
                              misnamed = scratch("lode_b.ply");
  ASSERT_TRUE(write_splat(ply, cloud));
  const auto packed = write_splat(spz, cloud, {.container = SpzContainer::gzip});
  ASSERT_TRUE(packed);
  std::filesystem::copy_file(spz, misnamed, std::filesystem::copy_options::overwrite_existing);

  EXPECT_EQ(read_splat(ply)->format, FileFormat::ply);
  EXPECT_EQ(read_splat(ply)->cloud.positions, cloud.positions);
  const auto unpacked = read_splat(misnamed);
  ASSERT_TRUE(unpacked) << unpacked.error().message();
  EXPECT_EQ(unpacked->format, FileFormat::spz_gzip);
  EXPECT_EQ(unpacked->bytes, *packed);
  for (const auto& path : {ply, spz, misnamed}) {
    std::filesystem::remove(path);
  }
}

TEST(SplatFile, NamesTheFileThatIsWrong) {
  const std::filesystem::path path = scratch("lode_broken.spz");
  ASSERT_TRUE(write_file(path, as_bytes("\x28\xb5\x2f\xfd")));
  const auto broken = read_splat(path);
  ASSERT_FALSE(broken);
  EXPECT_TRUE(broken.error().context.starts_with(path.string())) << broken.error().context;
  std::filesystem::remove(path);
  EXPECT_EQ(read_splat(path).error().code, Errc::not_found);
}

TEST(SplatFile, RefusesToWriteAnUnknownExtension) {
  Rng rng(2);
  const auto written = write_splat(scratch("lode.obj"), test::random_cloud(rng, 1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::invalid_input);
}

}  // namespace
}  // namespace lode::splat
