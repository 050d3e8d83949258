// The files for viewers, read by decoders as the viewers have them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <glm/common.hpp>

#include "splat/compressed_ply.h"
#include "splat/dot_splat.h"
#include "tests/support/clouds.h"

namespace lode::splat {
namespace {

template <class T>
T value_at(const Bytes& file, std::size_t offset) {
  T value{};
  std::memcpy(&value, &file.at(offset), sizeof(value));
  return value;
}

/// The gaussian of `scene` at `position`, which no two share.
std::size_t nearest(const Scene& scene, const glm::vec3& position) {
  std::size_t best = 0;
  const auto distance = [&](std::size_t i) { return glm::distance(scene.positions[i], position); };
  for (std::size_t i = 1; i < scene.size(); ++i) {
    best = distance(i) < distance(best) ? i : best;
  }
  return best;
}

struct Decoded {
  Scene scene;
  std::vector<std::vector<float>> f_rest;  // per gaussian, channel by channel
};

/// 32 bytes each: position, scales, rgba, rotation about 128.
Scene decode_dot_splat(const Bytes& file) {
  Scene scene;
  for (std::size_t at = 0; at < file.size(); at += 32) {
    const auto number = [&](std::size_t k) { return value_at<float>(file, at + k * 4); };
    const auto byte = [&](std::size_t k) { return static_cast<float>(file[at + k]); };
    scene.positions.emplace_back(number(0), number(1), number(2));
    scene.scales.emplace_back(number(3), number(4), number(5));
    scene.colours.emplace_back(byte(24) / 255, byte(25) / 255, byte(26) / 255);
    scene.opacities.push_back(byte(27) / 255);
    scene.rotations.emplace_back((byte(28) - 128) / 128, (byte(29) - 128) / 128,
                                 (byte(30) - 128) / 128, (byte(31) - 128) / 128);
  }
  return scene;
}

TEST(DotSplat, KeepsEveryFieldWithinItsStep) {
  Rng rng(40);
  const GaussianCloud cloud = test::random_cloud(rng, 500, 2);
  const auto file = encode_dot_splat(cloud);
  ASSERT_TRUE(file) << file.error().message();
  ASSERT_EQ(file->size(), 500U * 32);
  const Scene before = activate(cloud), after = decode_dot_splat(*file);
  std::vector<bool> seen(cloud.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    const std::size_t k = nearest(before, after.positions[i]);
    EXPECT_FALSE(seen[k]) << "each gaussian once";
    seen[k] = true;
    EXPECT_EQ(after.positions[i], before.positions[k]);
    EXPECT_NEAR(after.opacities[i], before.opacities[k], 0.5 / 255 + 1e-6);
    const float sign = glm::dot(after.rotations[i], before.rotations[k]) < 0 ? -1.0F : 1.0F;
    for (int c = 0; c < 3; ++c) {
      EXPECT_FLOAT_EQ(after.scales[i][c], before.scales[k][c]);
      EXPECT_NEAR(after.colours[i][c], std::clamp(before.colours[k][c], 0.0F, 1.0F),
                  0.5 / 255 + 1e-6);
    }
    for (int c = 0; c < 4; ++c) {  // a component of exactly 1 is cut by a whole step
      EXPECT_NEAR(after.rotations[i][c] * sign, before.rotations[k][c], 1.0 / 128 + 1e-6);
    }
  }
}

TEST(DotSplat, PutsTheLargestAndMostOpaqueFirst) {
  Rng rng(41);
  const GaussianCloud cloud = test::random_cloud(rng, 300);
  const Scene scene = activate(cloud), written = decode_dot_splat(*encode_dot_splat(cloud));
  float last = INFINITY;
  for (const glm::vec3& position : written.positions) {
    const std::size_t i = nearest(scene, position);
    const glm::vec3& s = scene.scales[i];
    const float importance = s.x * s.y * s.z * scene.opacities[i];
    EXPECT_LE(importance, last * (1 + 1e-5F));
    last = importance;
  }
}

TEST(DotSplat, WritesTheseExactBytes) {
  GaussianCloud cloud;
  cloud.resize(1);
  cloud.positions[0] = {1, -2, 0};
  cloud.log_scales[0] = {0, 0, 0};
  cloud.opacity_logits[0] = INFINITY;
  cloud.f_dc[0] = {0, 9, -9};
  cloud.rotations[0] = glm::quat(2, 0, 0, -2);
  ByteWriter wanted;
  for (const float value : {1.0F, -2.0F, 0.0F, 1.0F, 1.0F, 1.0F}) {
    wanted.write(value);
  }
  // 127.5 rounds to even; 128 + 90.5 and 128 - 90.5 likewise
  wanted.write_bytes(Bytes{128, 255, 0, 255, 219, 128, 128, 37});
  EXPECT_EQ(*encode_dot_splat(cloud), wanted.bytes());
}

/// A decoder of the compressed form as SuperSplat has it.
Decoded decode_compressed_ply(const Bytes& file, std::size_t count, int n_rest) {
  const std::string_view text = as_text(file);
  std::size_t at = text.find("end_header\n") + 11;
  const std::size_t n_chunks = (count + 255) / 256;
  const std::size_t vertices = at + n_chunks * 72, sh = vertices + count * 16;
  EXPECT_EQ(file.size(), sh + count * n_rest * 3);
  Decoded out;
  for (std::size_t i = 0; i < count; ++i) {
    const auto bound = [&](int k) { return value_at<float>(file, at + i / 256 * 72 + k * 4); };
    const auto word = [&](int k) {
      return value_at<std::uint32_t>(file, vertices + i * 16 + k * 4);
    };
    const auto unorm = [](std::uint32_t bits, int shift, int width) {
      return static_cast<float>(bits >> shift & ((1U << width) - 1)) /
             static_cast<float>((1U << width) - 1);
    };
    const auto between = [&](int k, float t) { return bound(k) + (bound(k + 3) - bound(k)) * t; };
    const auto three = [&](int k, std::uint32_t bits) {
      return glm::vec3(between(k, unorm(bits, 21, 11)), between(k + 1, unorm(bits, 11, 10)),
                       between(k + 2, unorm(bits, 0, 11)));
    };
    out.scene.positions.push_back(three(0, word(0)));
    out.scene.scales.push_back(glm::exp(three(6, word(2))));
    out.scene.colours.emplace_back(between(12, unorm(word(3), 24, 8)),
                                   between(13, unorm(word(3), 16, 8)),
                                   between(14, unorm(word(3), 8, 8)));
    out.scene.opacities.push_back(unorm(word(3), 0, 8));
    float parts[4];
    float square = 0;
    const int largest = static_cast<int>(word(1) >> 30);
    for (int k = 3, shift = 0; k >= 0; --k) {
      if (k != largest) {
        parts[k] = (unorm(word(1), shift, 10) - 0.5F) * std::sqrt(2.0F);
        square += parts[k] * parts[k];
        shift += 10;
      }
    }
    parts[largest] = std::sqrt(1 - square);
    out.scene.rotations.emplace_back(parts[0], parts[1], parts[2], parts[3]);
    out.f_rest.emplace_back();
    for (int k = 0; k < n_rest * 3; ++k) {
      const float code = file[sh + i * n_rest * 3 + k];
      out.f_rest.back().push_back(((code + 0.5F) / 256 - 0.5F) * 8);
    }
  }
  return out;
}

TEST(CompressedPly, KeepsEveryFieldWithinItsStep) {
  Rng rng(42);
  const GaussianCloud cloud = test::random_cloud(rng, 700, 1);
  const auto file = encode_compressed_ply(cloud);
  ASSERT_TRUE(file) << file.error().message();
  const Decoded after = decode_compressed_ply(*file, 700, 3);
  const Scene before = activate(cloud);
  std::vector<bool> seen(cloud.size());
  for (std::size_t i = 0; i < after.scene.size(); ++i) {
    const std::size_t k = nearest(before, after.scene.positions[i]);
    EXPECT_FALSE(seen[k]) << "each gaussian once";
    seen[k] = true;
    for (int c = 0; c < 3; ++c) {
      // The bounds of a chunk are at most those of the cloud: 2, 4 (of log scale) and 3.6 kShC0.
      const double steps = c == 1 ? 1023 : 2047;
      EXPECT_NEAR(after.scene.positions[i][c], before.positions[k][c], 1 / steps + 1e-6);
      EXPECT_NEAR(std::log(after.scene.scales[i][c]), cloud.log_scales[k][c], 2 / steps + 1e-5);
      EXPECT_NEAR(after.scene.colours[i][c], before.colours[k][c], 1.8 * kShC0 / 255 + 1e-5);
    }
    EXPECT_NEAR(after.scene.opacities[i], before.opacities[k], 0.5 / 255 + 1e-6);
    const glm::quat& q = after.scene.rotations[i];
    EXPECT_GT(std::abs(glm::dot(q, before.rotations[k])), 1 - 2e-6);
    for (std::size_t c = 0; c < 9; ++c) {
      EXPECT_NEAR(after.f_rest[i][c], cloud.sh_rest[k * 9 + c % 3 * 3 + c / 3], 0.5 / 32 + 1e-6);
    }
  }
}

TEST(CompressedPly, PutsNeighboursIntoOneChunk) {
  Rng rng(43);
  const GaussianCloud cloud = test::random_cloud(rng, 256 * 64);
  const Bytes file = *encode_compressed_ply(cloud);
  const std::size_t at = as_text(file).find("end_header\n") + 11;
  double volume = 0;
  for (std::size_t chunk = 0; chunk < 64; ++chunk) {
    const auto bound = [&](std::size_t k) {
      return value_at<float>(file, at + chunk * 72 + k * 4);
    };
    volume += double{bound(3) - bound(0)} * (bound(4) - bound(1)) * (bound(5) - bound(2));
  }
  EXPECT_LT(volume, 4 * 8.0) << "a cube of 8 in 64 chunks; in any order it would be near 64 x 8";
}

TEST(CompressedPly, DeclaresWhatFollows) {
  GaussianCloud cloud;
  cloud.sh_degree = 1;
  cloud.resize(257);
  const Bytes file = *encode_compressed_ply(cloud);
  const std::string_view text = as_text(file);
  EXPECT_TRUE(text.starts_with(
      "ply\nformat binary_little_endian 1.0\nelement chunk 2\n"
      "property float min_x\nproperty float min_y\nproperty float min_z\n"
      "property float max_x\nproperty float max_y\nproperty float max_z\n"
      "property float min_scale_x\nproperty float min_scale_y\nproperty float min_scale_z\n"
      "property float max_scale_x\nproperty float max_scale_y\nproperty float max_scale_z\n"
      "property float min_r\nproperty float min_g\nproperty float min_b\n"
      "property float max_r\nproperty float max_g\nproperty float max_b\n"
      "element vertex 257\nproperty uint packed_position\nproperty uint packed_rotation\n"
      "property uint packed_scale\nproperty uint packed_color\n"
      "element sh 257\nproperty uchar f_rest_0\n"))
      << text.substr(0, 900);
  EXPECT_NE(text.find("property uchar f_rest_8\nend_header\n"), text.npos);
}

TEST(Viewers, RefuseNothingAndWhatIsNotFinite) {
  Rng rng(44);
  GaussianCloud cloud = test::random_cloud(rng, 3);
  cloud.opacity_logits[0] = -INFINITY;
  EXPECT_TRUE(encode_dot_splat(cloud));
  EXPECT_TRUE(encode_compressed_ply(cloud));
  cloud.log_scales[2].y = NAN;
  EXPECT_EQ(encode_dot_splat(cloud).error().context,
            "splat: gaussian 2 has a parameter that is not finite");
  EXPECT_EQ(encode_compressed_ply(cloud).error().context,
            "compressed PLY: gaussian 2 has a parameter that is not finite");
  EXPECT_FALSE(encode_dot_splat({}));
  EXPECT_FALSE(encode_compressed_ply({}));
}

}  // namespace
}  // namespace lode::splat
