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

TEST(SplatFile, TellsTheContainersOfSpzApart) {
  Rng rng(3);
  const GaussianCloud cloud = test::random_cloud(rng, 20);
  const std::filesystem::path path = scratch("lode_c.spz");
  const std::pair<SpzContainer, const char*> cases[] = {{SpzContainer::zstd, "zstd"},
                                                        {SpzContainer::gzip, "gzip"},
                                                        {SpzContainer::gzip_v3, "gzip"},
                                                        {SpzContainer::v4, "v4"}};
  for (const auto& [container, name] : cases) {
    ASSERT_TRUE(write_splat(path, cloud, {.container = container}));
    const auto file = read_splat(path);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(container_of(file->format), name);
    EXPECT_EQ(name_of(file->format), "spz");
  }
  std::filesystem::remove(path);
}

TEST(SplatFile, WritesTheFormsForViewersByTheirExtension) {
  Rng rng(4);
  const GaussianCloud cloud = test::random_cloud(rng, 20);
  const std::filesystem::path compressed = scratch("lode_d.compressed.ply"),
                              dot_splat = scratch("lode_d.splat");
  ASSERT_TRUE(write_splat(compressed, cloud));
  EXPECT_EQ(*write_splat(dot_splat, cloud), 20U * 32);
  const auto refused = read_splat(compressed);
  ASSERT_FALSE(refused) << "written for viewers, not read back";
  EXPECT_NE(refused.error().context.find("'chunk'"), std::string::npos);
  std::filesystem::remove(compressed);
  std::filesystem::remove(dot_splat);
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
