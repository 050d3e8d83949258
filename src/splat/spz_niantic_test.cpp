// Niantic's forms of SPZ: gzip members of versions 2 and 3, and version 4.
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "splat/ply.h"
#include "splat/spz.h"
#include "splat/spz_internal.h"
#include "tests/support/clouds.h"
#include "tests/support/mutations.h"

namespace lode::splat {
namespace {

constexpr std::size_t kNoLimit = std::size_t{1} << 30;
constexpr std::size_t kTableOffset = 32;

/// What tools/golden/niantic_spz.py made with Niantic's library.
Bytes golden(const char* name) {
  return *read_file(std::filesystem::path(LODE_SOURCE_DIR) / "tests/golden/spz" / name, 1U << 20);
}

template <class T>
T value_at(ByteView file, std::size_t offset) {
  T value{};
  std::memcpy(&value, &file[offset], sizeof(value));
  return value;
}

template <class T>
void set_value(Bytes& file, std::size_t offset, T value) {
  std::memcpy(&file[offset], &value, sizeof(value));
}

/// The uncompressed payload: the body, or the header and contents of the streams of version 4
/// (their compressed bytes depend on the version of zstd).
Bytes payload_of(ByteView file) {
  if (!is_spz_v4(file)) {
    return *decompress_spz(file, kNoLimit);
  }
  Bytes payload(file.begin(), file.begin() + kTableOffset);
  const std::size_t streams = file[15];
  std::size_t at = kTableOffset + streams * 16;
  for (std::size_t i = 0; i < streams; ++i) {
    const auto bytes = value_at<std::uint64_t>(file, kTableOffset + i * 16);
    const Bytes content = *decompress_spz(file.subspan(at, bytes), kNoLimit);
    EXPECT_EQ(content.size(), value_at<std::uint64_t>(file, kTableOffset + i * 16 + 8));
    payload.insert(payload.end(), content.begin(), content.end());
    at += bytes;
  }
  EXPECT_EQ(at, file.size());
  return payload;
}

Bytes v4_file(int degree = 0, std::size_t count = 40) {
  Rng rng(30);
  return *encode_spz(test::random_cloud(rng, count, degree), {.container = SpzContainer::v4});
}

Error error_of(ByteView file) {
  const auto cloud = decode_spz(file);
  EXPECT_FALSE(cloud);
  return cloud ? Error{} : cloud.error();
}

/// `file` with extension records between its header and its table.
Bytes with_extensions(Bytes file, ByteView records) {
  file[14] |= 2;
  set_value(file, 16, static_cast<std::uint32_t>(kTableOffset + records.size()));
  file.insert(file.begin() + kTableOffset, records.begin(), records.end());
  return file;
}

Bytes extension(std::uint32_t type, std::uint32_t value) {
  ByteWriter record;
  record.write(type);
  record.write<std::uint32_t>(sizeof(value));
  record.write(value);
  return record.take();
}

struct Form {
  const char* file;
  SpzContainer container;
};
constexpr Form kForms[] = {{"niantic_v2.spz", SpzContainer::gzip},
                           {"niantic_v3.spz", SpzContainer::gzip_v3},
                           {"niantic_v4.spz", SpzContainer::v4}};

TEST(SpzNiantic, PacksTheBytesThatNianticsLibraryPacks) {
  const auto cloud = decode_ply(golden("cloud.ply"));
  ASSERT_TRUE(cloud) << cloud.error().message();
  for (const auto& [file, container] : kForms) {
    const auto packed = encode_spz(*cloud, {.container = container});
    ASSERT_TRUE(packed) << packed.error().message();
    EXPECT_EQ(payload_of(*packed), payload_of(golden(file))) << file;
  }
}

TEST(SpzNiantic, ReadsWhatNianticsLibraryWrote) {
  const GaussianCloud cloud = *decode_ply(golden("cloud.ply"));
  const Scene wanted = activate(cloud);
  for (const auto& [file, container] : kForms) {
    const auto read = decode_spz(golden(file));
    ASSERT_TRUE(read) << file << ": " << read.error().message();
    ASSERT_EQ(read->size(), cloud.size());
    EXPECT_EQ(read->sh_degree, 1);
    const Scene got = activate(*read);
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      EXPECT_NEAR(got.opacities[i], wanted.opacities[i], 0.5 / 255 + 1e-6);
      EXPECT_NEAR(got.positions[i].z, wanted.positions[i].z, 0.5 / 4096 + 1e-6);
      const double cosine = std::abs(glm::dot(got.rotations[i], wanted.rotations[i]));
      EXPECT_GT(cosine, container == SpzContainer::gzip ? 0.995 : 0.999'995) << file;
    }
  }
}

TEST(SpzNiantic, KeepsRotationsWhicheverComponentIsLargest) {
  GaussianCloud cloud;
  cloud.resize(8);
  for (int i = 0; i < 8; ++i) {
    float parts[4] = {0.1F, -0.2F, 0.3F, -0.4F};
    parts[i % 4] = i < 4 ? 1.0F : -1.0F;
    cloud.rotations[i] = glm::quat(parts[3], parts[0], parts[1], parts[2]);
  }
  for (const SpzContainer container : {SpzContainer::gzip_v3, SpzContainer::v4}) {
    const auto read = decode_spz(*encode_spz(cloud, {.container = container}));
    ASSERT_TRUE(read);
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      const glm::quat wanted = glm::normalize(cloud.rotations[i]);
      // Each of three components to half a step of sqrt(1/2) / 511.
      EXPECT_NEAR(std::abs(glm::dot(read->rotations[i], wanted)), 1, 2e-6) << i;
      EXPECT_NEAR(glm::length(read->rotations[i]), 1, 1e-6);
    }
  }
}

TEST(SpzNiantic, DecodesRotationCodesThatNoUnitQuaternionHas) {
  Bytes body = payload_of(
      *encode_spz(*decode_ply(golden("cloud.ply")), {.container = SpzContainer::gzip_v3}));
  const std::size_t rotations = 16 + std::size_t{24} * 16;
  set_value(body, rotations, ~0U);  // three components of sqrt(1/2)
  const auto read = decode_spz(*compress_spz(body, SpzContainer::gzip, 1));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rotations[0].w, 0);
}

TEST(SpzNiantic, LeavesOutTheStreamOfHarmonicsAtDegreeZero) {
  EXPECT_EQ(v4_file(0)[15], 5);
  EXPECT_EQ(v4_file(3)[15], 6);
  for (int degree = 0; degree <= 3; ++degree) {
    const auto cloud = decode_spz(v4_file(degree));
    ASSERT_TRUE(cloud) << cloud.error().message();
    EXPECT_EQ(cloud->sh_degree, degree);
    EXPECT_EQ(payload_of(*encode_spz(*cloud, {.container = SpzContainer::v4})).size(),
              kTableOffset + 40U * (20 + sh_rest_count(degree) * 3));
  }
}

TEST(SpzNiantic, SkipsExtensionsButForACoordinateSystemThatIsNotOurs) {
  constexpr std::uint32_t kCoordinates = 0xadbe0003;
  const Bytes file = v4_file();
  EXPECT_TRUE(decode_spz(with_extensions(file, extension(0x12340001, 7))));
  EXPECT_TRUE(decode_spz(with_extensions(file, extension(kCoordinates, 4))));
  EXPECT_EQ(error_of(with_extensions(file, extension(kCoordinates, 6))).code, Errc::unsupported);
  Bytes cut = extension(0x12340001, 7);
  cut.pop_back();
  EXPECT_FALSE(decode_spz(with_extensions(file, cut)));

  Bytes body = payload_of(golden("niantic_v3.spz"));
  body[14] |= 2;
  const auto in_gzip = [&](const Bytes& records) {
    Bytes extended = body;
    extended.insert(extended.end(), records.begin(), records.end());
    return *compress_spz(extended, SpzContainer::gzip, 1);
  };
  EXPECT_TRUE(decode_spz(in_gzip(extension(0x12340001, 7))));
  EXPECT_FALSE(decode_spz(in_gzip(extension(kCoordinates, 6))));
  EXPECT_FALSE(decode_spz(in_gzip(cut)));
}

TEST(SpzNiantic, NamesWhatIsWrongWithAVersionFourFile) {
  const std::tuple<std::size_t, std::uint8_t, Errc, const char*> cases[] = {
      {4, 3, Errc::unsupported, "without a gzip member"},
      {4, 5, Errc::unsupported, "version 5"},
      {8, 0, Errc::invalid_input, "at least one gaussian"},
      {8, 41, Errc::invalid_input, "stream 0 holds 360 bytes, 369 were expected"},
      {11, 0x40, Errc::limit_exceeded, "at most 10000000"},
      {12, 4, Errc::invalid_input, "SH degree 0..3"},
      {12, 1, Errc::invalid_input, "6 streams expected, there are 5"},
      {13, 25, Errc::invalid_input, "fractionalBits"},
      {15, 4, Errc::invalid_input, "5 streams expected"},
      {16, 31, Errc::invalid_input, "outside the file"},
      {17, 0x70, Errc::invalid_input, "outside the file"},
      {kTableOffset + 7, 0x80, Errc::invalid_input, "SPZ stream"},
      {kTableOffset + 15, 0x80, Errc::invalid_input, "were expected"}};
  for (const auto& [offset, value, code, text] : cases) {
    Bytes file = v4_file();
    file[offset] = value;
    const Error error = error_of(file);
    EXPECT_EQ(error.code, code) << error.context;
    EXPECT_NE(error.context.find(text), std::string::npos) << error.context;
  }
  Bytes longer = v4_file();
  longer.push_back(0);
  EXPECT_EQ(error_of(longer).context, "SPZ: 1 bytes follow the last stream");
}

TEST(SpzNiantic, ReadsStreamsThatExpandBeyondWhatIsPlausible) {
  GaussianCloud cloud;
  cloud.resize(20'000);  // all the same: some 400 KB in a few hundred bytes
  const Bytes file = *encode_spz(cloud, {.container = SpzContainer::v4});
  ASSERT_LT(file.size() * kPlausibleRatio, 20'000U * 20);
  const auto read = decode_spz(file);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->size(), cloud.size());
  Bytes broken = file;
  broken[broken.size() - 3] ^= 0xff;
  (void)decode_spz(broken);  // whatever comes of it, no more memory than the streams yield
}

TEST(SpzNiantic, RefusesVersionFourTruncatedAtEveryByte) {
  test::for_each_truncation(v4_file(1), [](const Bytes& cut, std::size_t length) {
    EXPECT_FALSE(decode_spz(cut)) << length;
  });
}

TEST(SpzNiantic, SurvivesBitFlipsOfEveryForm) {
  for (const auto& [file, container] : kForms) {
    test::for_each_bit_flip(golden(file), [](const Bytes& flipped, std::size_t offset) {
      const auto cloud = decode_spz(flipped);
      if (cloud) {
        EXPECT_EQ(cloud->rotations.size(), cloud->size()) << offset;
        for (const glm::quat& q : cloud->rotations) {
          EXPECT_TRUE(std::isfinite(q.w + q.x + q.y + q.z)) << offset;
        }
      } else {
        EXPECT_FALSE(cloud.error().context.empty());
      }
    });
  }
}

}  // namespace
}  // namespace lode::splat
