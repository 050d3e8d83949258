#include "splat/spz.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/encoding.h"
#include "base/file.h"
#include "splat/spz_internal.h"
#include "tests/support/clouds.h"
#include "tests/support/mutations.h"
#include "tests/support/shared_data.h"

namespace lode::splat {
namespace {

constexpr std::size_t kNoLimit = std::size_t{1} << 30;

Bytes body_of(ByteView file) { return *decompress_spz(file, kNoLimit); }

/// A zstd frame around any body, valid or not.
Bytes packed(ByteView body, SpzContainer container = SpzContainer::zstd) {
  return *compress_spz(body, container, 0);
}

GaussianCloud one_gaussian() {
  GaussianCloud cloud;
  cloud.resize(1);
  cloud.positions[0] = {1, -1, 0.5F};
  cloud.opacity_logits[0] = 0;
  cloud.f_dc[0] = {0, 1, -1};
  cloud.log_scales[0] = {-10, -5, 5.9375F};
  cloud.rotations[0] = glm::quat(-2, 0, 2, 0);  // -(1, 0, -1, 0) / sqrt(2) with w < 0
  return cloud;
}

// 16 bytes of header, then one gaussian: 4096, -4096, 2048 as 24 bits; alpha 127.5 rounds away
// from zero; colours 127.5, 165.75, 89.25; scales 0, 80, 255; rotation (0, -0.7071, 0).
constexpr const char* kOneGaussianBody =
    "4e475350"
    "02000000"
    "01000000"
    "000c0000"
    "001000"
    "00f0ff"
    "000800"
    "80"
    "80a659"
    "0050ff"
    "802580";

TEST(Spz, PacksTheseExactBytes) {
  const auto file = encode_spz(one_gaussian());
  ASSERT_TRUE(file);
  EXPECT_EQ(hex_encode(body_of(*file)), kOneGaussianBody);
}

TEST(Spz, UnpacksTheseExactValues) {
  const auto cloud = decode_spz(packed(*hex_decode(kOneGaussianBody)));
  ASSERT_TRUE(cloud) << cloud.error().message();
  EXPECT_EQ(cloud->positions[0], glm::vec3(1, -1, 0.5F));
  EXPECT_NEAR(cloud->opacity_logits[0], std::log(128.0 / 127.0), 1e-6);
  EXPECT_FLOAT_EQ(cloud->f_dc[0].y, (166.0F / 255.0F - 0.5F) / 0.15F);
  EXPECT_EQ(cloud->log_scales[0], glm::vec3(-10, -5, 5.9375F));
  const glm::quat& q = cloud->rotations[0];
  EXPECT_FLOAT_EQ(q.y, 37 / 127.5F - 1);
  EXPECT_NEAR(glm::dot(q, q), 1, 1e-6);
  EXPECT_GE(q.w, 0);
}

TEST(Spz, AllowsVersionThreeInGzipAlone) {
  Bytes body = *hex_decode(kOneGaussianBody);
  body[4] = 3;
  body.push_back(0);  // rotations have four bytes
  EXPECT_TRUE(decode_spz(packed(body, SpzContainer::gzip)));
  EXPECT_EQ(decode_spz(packed(body)).error().code, Errc::unsupported)
      << "the subnet's reader knows versions 1 and 2";
}

TEST(Spz, CompressesToOneFrameWhateverTheWorkersAndPieces) {
  Rng rng(20);
  Bytes content(5'500'000);
  for (std::uint8_t& byte : content) {
    byte = static_cast<std::uint8_t>(rng.below(40));
  }
  for (const int level : {1, 4}) {
    const Bytes whole = *ZstdFrame(content.size(), level, 1).finish(content);
    for (const int workers : {2, 9}) {
      ZstdFrame frame(content.size(), level, workers);
      for (std::size_t ready = 0; ready < content.size(); ready += 1 + rng.below(900'000)) {
        ASSERT_TRUE(frame.feed(content, ready));
      }
      EXPECT_EQ(*frame.finish(content), whole) << level << " " << workers;
    }
    EXPECT_EQ(body_of(whole), content);
  }
}

TEST(Spz, UnpacksALargeBodyAsASmallOne) {
  Rng rng(21);
  for (const int degree : {0, 1}) {
    const GaussianCloud cloud = test::random_cloud(rng, 40'000, degree);
    const Bytes file = *encode_spz(cloud);
    const auto decoded = decode_spz(file);
    ASSERT_TRUE(decoded) << decoded.error().message();
    ASSERT_EQ(decoded->size(), cloud.size());
    for (const std::size_t first : {0U, 20'000U, 39'500U}) {
      GaussianCloud part;
      part.sh_degree = degree;
      for (std::size_t i = first; i < first + 500; ++i) {
        part.append(cloud, i);
      }
      const GaussianCloud small = *decode_spz(*encode_spz(part));
      for (std::size_t i = 0; i < 500; ++i) {
        EXPECT_EQ(decoded->positions[first + i], small.positions[i]);
        EXPECT_EQ(decoded->opacity_logits[first + i], small.opacity_logits[i]);
        EXPECT_EQ(decoded->f_dc[first + i], small.f_dc[i]);
        EXPECT_EQ(decoded->log_scales[first + i], small.log_scales[i]);
        EXPECT_EQ(decoded->rotations[first + i], small.rotations[i]);
        if (degree == 1) {
          EXPECT_EQ(decoded->sh_rest[(first + i) * 9 + 8], small.sh_rest[i * 9 + 8]);
        }
      }
    }
    for (std::size_t length = 0; length < file.size(); length += 70'001) {
      EXPECT_FALSE(decode_spz(ByteView(file).first(length))) << length;
    }
    Bytes body = body_of(file);
    body[4] = 7;
    EXPECT_EQ(decode_spz(packed(body)).error().code, Errc::unsupported);
    body[4] = 2;
    body.pop_back();
    EXPECT_FALSE(decode_spz(packed(body)));
  }
}

TEST(Spz, GrowsWithTheContentWhenTheFrameStatesAnImplausibleSize) {
  const Bytes zeros(4 << 20);
  const Bytes frame = packed(zeros);
  EXPECT_FALSE(plausible_content_bytes(frame, kNoLimit));
  EXPECT_EQ(body_of(frame), zeros);
  EXPECT_EQ(decode_spz(frame).error().context, "SPZ: the body does not begin with 'NGSP'");
}

TEST(Spz, WritesTheContentSizeIntoOneZstdFrame) {
  Rng rng(1);
  const Bytes file = *encode_spz(test::random_cloud(rng, 1000));
  ASSERT_EQ(hex_encode(ByteView(file).first(4)), "28b52ffd");
  EXPECT_NE(file[4] & 0xe0, 0) << "frame header: content size or single-segment flag";
  EXPECT_EQ(body_of(file).size(), 16U + 1000 * 19);
}

TEST(Spz, ReencodesWhatItDecodedToTheSameBytes) {
  Rng rng(2);
  for (int degree = 0; degree <= 3; ++degree) {
    const Bytes once = *encode_spz(test::random_cloud(rng, 500, degree));
    const auto decoded = decode_spz(once);
    ASSERT_TRUE(decoded);
    const Bytes twice = body_of(*encode_spz(*decoded));
    const Bytes first = body_of(once);
    // Rotations with w near 0 lose their length to rounding and may move by one step.
    const std::size_t rotations = 16 + 500 * 16;
    EXPECT_TRUE(std::equal(first.begin(), first.begin() + rotations, twice.begin()));
    EXPECT_TRUE(std::equal(first.begin() + rotations + 1500, first.end(),
                           twice.begin() + rotations + 1500));
  }
}

TEST(Spz, KeepsEveryFieldWithinItsStep) {
  Rng rng(3);
  const GaussianCloud cloud = test::random_cloud(rng, 2000, 3);
  for (const SpzContainer container : {SpzContainer::zstd, SpzContainer::gzip}) {
    const auto decoded = decode_spz(*encode_spz(cloud, {.container = container}));
    ASSERT_TRUE(decoded) << decoded.error().message();
    ASSERT_EQ(decoded->size(), cloud.size());
    const Scene before = activate(cloud), after = activate(*decoded);
    for (std::size_t i = 0; i < cloud.size(); ++i) {
      for (int axis = 0; axis < 3; ++axis) {
        EXPECT_NEAR(after.positions[i][axis], before.positions[i][axis], 0.5 / 4096 + 1e-7);
        EXPECT_NEAR(decoded->log_scales[i][axis], cloud.log_scales[i][axis], 0.5 / 16 + 1e-5);
        EXPECT_NEAR(decoded->f_dc[i][axis], cloud.f_dc[i][axis], 0.5 / 38.25 + 1e-5);
      }
      EXPECT_NEAR(after.opacities[i], before.opacities[i], 0.5 / 255 + 1e-6);
      // Three components to half a step each; the fourth follows, worst where it is small.
      EXPECT_GT(std::abs(glm::dot(after.rotations[i], before.rotations[i])), 0.995);
    }
    for (std::size_t i = 0; i < cloud.sh_rest.size(); ++i) {
      EXPECT_NEAR(decoded->sh_rest[i], cloud.sh_rest[i], (i % 45 < 9 ? 4.5 : 8.5) / 128);
    }
  }
}

TEST(Spz, RoundsSphericalHarmonicsToCoarserSteps) {
  GaussianCloud cloud = one_gaussian();
  cloud.sh_degree = 2;
  cloud.resize(1);
  cloud.sh_rest[0] = 3 / 128.0F;   // degree 1: multiples of 8, so 131 becomes 128
  cloud.sh_rest[8] = 4 / 128.0F;   // 132 becomes 136
  cloud.sh_rest[9] = 7 / 128.0F;   // degree 2: multiples of 16, so 135 becomes 128
  cloud.sh_rest[23] = 8 / 128.0F;  // 136 becomes 144
  cloud.sh_rest[1] = 100;          // clamped
  cloud.sh_rest[2] = -100;
  const Bytes body = body_of(*encode_spz(cloud));
  EXPECT_EQ(hex_encode(ByteView(body).subspan(16 + 19)),
            "80ff00808080808088"
            "808080808080808080808080808090");
}

TEST(Spz, ClampsWhatIsOutOfRange) {
  GaussianCloud cloud = one_gaussian();
  cloud.positions[0] = {1e9F, -1e9F, 0};
  cloud.f_dc[0] = {100, -100, 0};
  cloud.log_scales[0] = {-30, 30, 0};
  cloud.opacity_logits[0] = INFINITY;
  const auto decoded = decode_spz(*encode_spz(cloud));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->positions[0].x, 8388607.0F / 4096);
  EXPECT_EQ(decoded->positions[0].y, -2048);
  EXPECT_EQ(decoded->log_scales[0], glm::vec3(-10, 5.9375F, 0));
  EXPECT_FLOAT_EQ(decoded->f_dc[0].x, 0.5F / 0.15F);
  EXPECT_EQ(decoded->opacity_logits[0], INFINITY);
}

TEST(Spz, PacksTheIdentityForAZeroQuaternion) {
  GaussianCloud cloud = one_gaussian();
  cloud.rotations[0] = glm::quat(0, 0, 0, 0);
  const auto decoded = decode_spz(*encode_spz(cloud));
  ASSERT_TRUE(decoded);
  EXPECT_NEAR(decoded->rotations[0].w, 1, 1e-4);
}

TEST(Spz, RefusesToPackNothingAndValuesThatAreNotFinite) {
  EXPECT_FALSE(encode_spz(GaussianCloud{}));
  GaussianCloud cloud = one_gaussian();
  cloud.opacity_logits[0] = NAN;
  EXPECT_FALSE(encode_spz(cloud));
  cloud = one_gaussian();
  cloud.positions[0].z = INFINITY;
  const auto refused = encode_spz(cloud);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().context, "SPZ: gaussian 0 has a parameter that is not finite");
  Rng rng(4);
  cloud = test::random_cloud(rng, 2, 1);
  cloud.sh_rest[5] = NAN;
  EXPECT_FALSE(encode_spz(cloud));
}

TEST(Spz, ReadsVersionOneHalfFloatPositions) {
  Bytes body = *hex_decode(kOneGaussianBody);
  body[4] = 1;
  const Bytes halves = *hex_decode(
      "003c"
      "00b8"
      "0100");  // 1, -0.5, the smallest subnormal
  body.erase(body.begin() + 16, body.begin() + 25);
  body.insert(body.begin() + 16, halves.begin(), halves.end());
  const auto cloud = decode_spz(packed(body));
  ASSERT_TRUE(cloud) << cloud.error().message();
  EXPECT_EQ(cloud->positions[0], glm::vec3(1, -0.5F, std::ldexp(1.0F, -24)));
  body[17] = 0x7c;  // infinity
  EXPECT_FALSE(decode_spz(packed(body)));
}

TEST(Spz, HonoursTheFractionalBits) {
  Bytes body = *hex_decode(kOneGaussianBody);
  body[13] = 8;
  EXPECT_EQ(decode_spz(packed(body))->positions[0], glm::vec3(16, -16, 8));
  body[13] = 24;
  EXPECT_TRUE(decode_spz(packed(body)));
}

TEST(Spz, RejectsFractionalBitsAbove24) {
  Bytes body = *hex_decode(kOneGaussianBody);
  body[13] = 25;
  const auto cloud = decode_spz(packed(body));
  ASSERT_FALSE(cloud);
  EXPECT_EQ(cloud.error().context, "SPZ: fractionalBits 0..24 expected, got 25");
}

TEST(Spz, NamesWhatIsWrongWithAHeader) {
  const std::tuple<std::size_t, std::uint8_t, Errc, const char*> cases[] = {
      {0, 0x4f, Errc::invalid_input, "'NGSP'"},
      {4, 5, Errc::unsupported, "version 5"},
      {4, 0, Errc::unsupported, "version 0"},
      {8, 0, Errc::invalid_input, "at least one gaussian"},
      {8, 2, Errc::invalid_input, "2 gaussians need a body of 54 bytes, there are 35"},
      {11, 0x40, Errc::limit_exceeded, "at most 10000000"},
      {12, 4, Errc::invalid_input, "SH degree 0..3"},
      {12, 1, Errc::invalid_input, "need a body of 44 bytes"}};
  for (const auto& [offset, value, code, text] : cases) {
    Bytes body = *hex_decode(kOneGaussianBody);
    body[offset] = value;
    for (const SpzContainer container : {SpzContainer::zstd, SpzContainer::gzip}) {
      const auto cloud = decode_spz(packed(body, container));
      ASSERT_FALSE(cloud) << text;
      EXPECT_EQ(cloud.error().code, code) << cloud.error().context;
      EXPECT_NE(cloud.error().context.find(text), std::string::npos) << cloud.error().context;
    }
  }
}

TEST(Spz, RefusesBytesAfterTheBodyAndAfterTheContainer) {
  Bytes body = *hex_decode(kOneGaussianBody);
  for (const SpzContainer container : {SpzContainer::zstd, SpzContainer::gzip}) {
    Bytes file = packed(body, container);
    file.push_back(0);
    EXPECT_FALSE(decode_spz(file));
  }
  const Bytes one = packed(body);
  const Bytes empty_frame = packed({}), skippable = *hex_decode("502a4d1800000000");
  for (const Bytes& more : {empty_frame, skippable}) {  // which zstd would take as one content
    Bytes file = one;
    file.insert(file.end(), more.begin(), more.end());
    const auto cloud = decode_spz(file);
    ASSERT_FALSE(cloud);
    EXPECT_NE(cloud.error().context.find("follow the zstd frame"), std::string::npos);
  }
  body.push_back(0);
  EXPECT_FALSE(decode_spz(packed(body)));
}

TEST(Spz, StopsUnpackingAtTheLimitWhateverTheHeaderPromises) {
  const Bytes zeros(1 << 20);
  for (const SpzContainer container : {SpzContainer::zstd, SpzContainer::gzip}) {
    const auto body = decompress_spz(packed(zeros, container), 1000);
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().code, Errc::limit_exceeded);
    EXPECT_TRUE(decompress_spz(packed(zeros, container), zeros.size()));
  }
}

TEST(Spz, RefusesAGzipTrailerThatPromisesWhatDeflateCannotReach) {
  Bytes file = packed(*hex_decode(kOneGaussianBody), SpzContainer::gzip);
  const std::uint32_t promised = 500'000'000;
  std::memcpy(&file[file.size() - 4], &promised, 4);
  const auto cloud = decode_spz(file);
  ASSERT_FALSE(cloud);
  EXPECT_NE(cloud.error().context.find("cannot reach"), std::string::npos);
}

TEST(Spz, RefusesTruncationAtEveryByte) {
  Rng rng(5);
  const GaussianCloud cloud = test::random_cloud(rng, 40, 1);
  for (const SpzContainer container : {SpzContainer::zstd, SpzContainer::gzip}) {
    test::for_each_truncation(
        *encode_spz(cloud, {.container = container}),
        [](const Bytes& cut, std::size_t length) { EXPECT_FALSE(decode_spz(cut)) << length; });
  }
  test::for_each_truncation(body_of(*encode_spz(cloud)), [](const Bytes& cut, std::size_t length) {
    EXPECT_FALSE(decode_spz(packed(cut))) << length;
  });
}

TEST(Spz, SurvivesBitFlipsOfContainerAndBody) {
  Rng rng(6);
  const GaussianCloud cloud = test::random_cloud(rng, 40, 1);
  const auto expect_sane = [](const Bytes& file) {
    const auto decoded = decode_spz(file);
    if (decoded) {
      EXPECT_EQ(decoded->rotations.size(), decoded->size());
      for (const glm::vec3& p : decoded->positions) {
        EXPECT_TRUE(std::isfinite(p.x + p.y + p.z));
      }
    }
  };
  for (const SpzContainer container : {SpzContainer::zstd, SpzContainer::gzip}) {
    test::for_each_bit_flip(*encode_spz(cloud, {.container = container}),
                            [&](const Bytes& flipped, std::size_t) { expect_sane(flipped); });
  }
  test::for_each_bit_flip(
      body_of(*encode_spz(cloud)),
      [&](const Bytes& flipped, std::size_t) { expect_sane(packed(flipped)); }, 64);
}

TEST(Spz, RefusesForeignContainers) {
  for (const char* text : {"", "x", "NGSP", "ply\n"}) {
    EXPECT_FALSE(decode_spz(as_bytes(text)));
  }
}

TEST(Spz, ReencodesTheSharedRobocopToTheSameFile) {
  const auto path = test::shared_data("splats/robocop.spz");
  if (!path) {
    GTEST_SKIP() << "splats/robocop.spz is not among the shared data";
  }
  const Bytes file = *read_file(*path, 1U << 30);
  const auto cloud = decode_spz(file);
  ASSERT_TRUE(cloud) << cloud.error().message();
  EXPECT_EQ(cloud->size(), 267776U);
  const auto again = encode_spz(*cloud);
  ASSERT_TRUE(again);
  EXPECT_EQ(body_of(*again), body_of(file));
  EXPECT_EQ(*again, file) << "the same zstd version (1.5.x) and one worker give the same frame";
}

}  // namespace
}  // namespace lode::splat
