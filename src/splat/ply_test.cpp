#include "splat/ply.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "tests/support/clouds.h"
#include "tests/support/mutations.h"
#include "tests/support/shared_data.h"

namespace lode::splat {
namespace {

constexpr std::string_view kPlainHeader =
    "ply\nformat binary_little_endian 1.0\nelement vertex 1\n"
    "property float x\nproperty float y\nproperty float z\n"
    "property float f_dc_0\nproperty float f_dc_1\nproperty float f_dc_2\n"
    "property float opacity\n"
    "property float scale_0\nproperty float scale_1\nproperty float scale_2\n"
    "property float rot_0\nproperty float rot_1\nproperty float rot_2\nproperty float rot_3\n"
    "end_header\n";

Bytes file_of(std::string_view header, const std::vector<float>& values) {
  ByteWriter writer;
  writer.write_bytes(as_bytes(header));
  for (const float value : values) {
    writer.write(value);
  }
  return writer.take();
}

std::vector<float> count_up(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(i + 1);
  }
  return values;
}

/// The plain header with one piece of text replaced.
std::string header_with(std::string_view from, std::string_view to) {
  std::string header(kPlainHeader);
  const std::size_t at = header.find(from);
  EXPECT_NE(at, header.npos) << from;
  return header.replace(at, from.size(), to);
}

Error error_of(ByteView file) {
  const auto cloud = decode_ply(file);
  EXPECT_FALSE(cloud);
  return cloud ? Error{} : cloud.error();
}

void expect_equal(const GaussianCloud& a, const GaussianCloud& b) {
  EXPECT_EQ(a.positions, b.positions);
  EXPECT_EQ(a.log_scales, b.log_scales);
  EXPECT_EQ(a.rotations, b.rotations);
  EXPECT_EQ(a.opacity_logits, b.opacity_logits);
  EXPECT_EQ(a.f_dc, b.f_dc);
  EXPECT_EQ(a.sh_degree, b.sh_degree);
  EXPECT_EQ(a.sh_rest, b.sh_rest);
}

TEST(Ply, WritesTheseExactBytes) {
  GaussianCloud cloud;
  cloud.resize(1);
  cloud.positions[0] = {1, 2, 3};
  cloud.f_dc[0] = {4, 5, 6};
  cloud.opacity_logits[0] = 7;
  cloud.log_scales[0] = {8, 9, 10};
  cloud.rotations[0] = glm::quat(11, 12, 13, 14);  // w first
  EXPECT_EQ(encode_ply(cloud), file_of(kPlainHeader, count_up(14)));
}

TEST(Ply, WritesNormalsAsZerosAfterTheCentre) {
  GaussianCloud cloud;
  cloud.resize(1);
  cloud.positions[0] = {1, 2, 3};
  const Bytes file = encode_ply(cloud, {.normals = true});
  const std::string header =
      header_with("z\n", "z\nproperty float nx\nproperty float ny\nproperty float nz\n");
  EXPECT_EQ(file, file_of(header, {1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}));
}

TEST(Ply, RoundTripsEveryDegreeExactly) {
  Rng rng(2);
  for (int degree = 0; degree <= 3; ++degree) {
    const GaussianCloud cloud = test::random_cloud(rng, 37, degree);
    for (const bool normals : {false, true}) {
      const auto decoded = decode_ply(encode_ply(cloud, {.normals = normals}));
      ASSERT_TRUE(decoded) << decoded.error().message();
      expect_equal(*decoded, cloud);
    }
  }
}

/// `file` with its float properties in reverse order, from the last to the first.
Bytes reversed(const Bytes& file, std::size_t n_properties) {
  const std::string_view text = as_text(file);
  const std::size_t begin = text.find("property"), end = text.find("end_header");
  std::string properties;
  for (std::size_t line = begin; line < end; line = text.find('\n', line) + 1) {
    properties.insert(0, text.substr(line, text.find('\n', line) + 1 - line));
  }
  Bytes out = file;
  std::copy(properties.begin(), properties.end(), out.begin() + static_cast<std::ptrdiff_t>(begin));
  const std::size_t body = end + std::string_view("end_header\n").size();
  for (std::size_t row = body; row < file.size(); row += n_properties * 4) {
    for (std::size_t k = 0; k < n_properties; ++k) {
      std::memcpy(&out[row + k * 4], &file[row + (n_properties - 1 - k) * 4], 4);
    }
  }
  return out;
}

TEST(Ply, ReadsManyVerticesAlikeWhateverTheOrderOfProperties) {
  Rng rng(7);
  for (const int degree : {0, 2, 3}) {
    for (const std::size_t count : {127U, 128U, 129U, 300U}) {  // around a block
      const GaussianCloud cloud = test::random_cloud(rng, count, degree);
      const Bytes file = encode_ply(cloud);
      const auto decoded = decode_ply(reversed(file, 14 + sh_rest_count(degree) * 3));
      ASSERT_TRUE(decoded) << decoded.error().message();
      expect_equal(*decoded, cloud);
      expect_equal(*decode_ply(file), cloud);
    }
  }
}

TEST(Ply, NamesTheFirstOfManyGaussiansThatIsNotFinite) {
  Rng rng(8);
  GaussianCloud cloud = test::random_cloud(rng, 400, 1);
  cloud.rotations[399].x = NAN;
  cloud.sh_rest[258 * 9 + 8] = INFINITY;  // coefficient 2, blue
  cloud.f_dc[259].x = NAN;
  for (const Bytes& file : {encode_ply(cloud), reversed(encode_ply(cloud), 23)}) {
    EXPECT_EQ(error_of(file).context, "PLY: gaussian 258: f_rest_8 is not a finite number");
  }
}

TEST(Ply, StoresSphericalHarmonicsChannelByChannel) {
  GaussianCloud cloud;
  cloud.sh_degree = 1;
  cloud.resize(1);
  cloud.sh_rest = {1, 4, 7, 2, 5, 8, 3, 6, 9};  // [coefficient, channel]
  const Bytes file = encode_ply(cloud);
  const std::size_t body = file.size() - std::size_t{14 + 9} * 4;
  for (std::size_t i = 0; i < 9; ++i) {
    float value = 0;
    std::memcpy(&value, &file[body + (6 + i) * 4], 4);
    EXPECT_EQ(value, static_cast<float>(i + 1)) << "f_rest_" << i;
  }
}

TEST(Ply, ReadsPropertiesInAnyOrderAndSkipsStrangers) {
  const std::string header =
      "ply\r\nformat binary_little_endian 1.0\r\ncomment made by hand\r\nelement vertex 1\r\n"
      "property uchar red\r\nproperty float32 rot_3\r\nproperty float rot_2\r\n"
      "property double time\r\nproperty float rot_1\r\nproperty float rot_0\r\n"
      "property float scale_2\r\nproperty float scale_1\r\nproperty float scale_0\r\n"
      "property float opacity\r\nproperty float f_dc_2\r\nproperty float f_dc_1\r\n"
      "property float f_dc_0\r\nproperty float z\r\nproperty float y\r\nproperty float x\r\n"
      "property short label\r\nend_header\r\n";
  ByteWriter body;
  body.write_bytes(as_bytes(header));
  body.write<std::uint8_t>(9);
  body.write(14.0F);
  body.write(13.0F);
  body.write(0.5);
  for (int value = 12; value >= 1; --value) {
    body.write(static_cast<float>(value));
  }
  body.write<std::int16_t>(-1);
  const auto cloud = decode_ply(body.bytes());
  ASSERT_TRUE(cloud) << cloud.error().message();
  expect_equal(*cloud, *decode_ply(file_of(kPlainHeader, count_up(14))));
}

TEST(Ply, IgnoresElementsAfterTheVertices) {
  const std::string header =
      header_with("end_header", "element camera 1\nproperty list uchar int frames\nend_header");
  Bytes file = file_of(header, count_up(14));
  file.push_back(0);
  EXPECT_TRUE(decode_ply(file));
}

TEST(Ply, RefusesAsciiAndBigEndianByName) {
  for (const char* format : {"ascii", "binary_big_endian"}) {
    const Error error =
        error_of(file_of(header_with("binary_little_endian", format), count_up(14)));
    EXPECT_EQ(error.code, Errc::unsupported);
    EXPECT_EQ(error.context,
              "PLY: 'format " + std::string(format) + " 1.0', binary_little_endian was expected");
  }
}

TEST(Ply, NamesWhatIsWrongWithAHeader) {
  const std::tuple<const char*, const char*, Errc, const char*> cases[] = {
      {"ply\n", "plx\n", Errc::invalid_input, "begin with 'ply'"},
      {"vertex 1", "vertex 0", Errc::invalid_input, "positive count"},
      {"vertex 1", "vertex -1", Errc::invalid_input, "positive count"},
      {"vertex 1", "vertex 1x", Errc::invalid_input, "positive count"},
      {"vertex 1", "vertex 99999999999999999999", Errc::invalid_input, "positive count"},
      {"vertex 1", "vertex 10485761", Errc::limit_exceeded, "at most 10485760"},
      {"vertex 1", "chunk 1", Errc::invalid_input, "'chunk'"},
      {"float opacity", "double opacity", Errc::unsupported, "'opacity' is double"},
      {"float opacity", "list uchar int opacity", Errc::unsupported, "scalars"},
      {"float opacity", "float transparency", Errc::invalid_input, "'opacity' is missing"},
      {"float opacity", "float x", Errc::invalid_input, "'x' is declared twice"},
      {"float opacity", "float opacity\nproperty float f_rest_0", Errc::invalid_input,
       "0, 9, 24 or 45"},
      {"end_header", "nonsense", Errc::invalid_input, "'nonsense'"}};
  for (const auto& [from, to, code, text] : cases) {
    const Error error = error_of(file_of(header_with(from, to), count_up(14)));
    EXPECT_EQ(error.code, code) << to;
    EXPECT_NE(error.context.find(text), std::string::npos) << error.context;
  }
}

TEST(Ply, RefusesSphericalHarmonicsWithAGap) {
  std::string rest;
  for (const int i : {0, 1, 2, 3, 4, 5, 6, 7, 9}) {
    rest += "property float f_rest_" + std::to_string(i) + "\n";
  }
  const Error error =
      error_of(file_of(header_with("end_header", rest + "end_header"), count_up(23)));
  EXPECT_NE(error.context.find("with a gap"), std::string::npos) << error.context;
}

TEST(Ply, RefusesALyingVertexCountBeforeAllocating) {
  const Error error =
      error_of(file_of(header_with("vertex 1\n", "vertex 10000000\n"), count_up(14)));
  EXPECT_EQ(error.context,
            "PLY: 10000000 vertices of 56 bytes need 560000000 bytes after the header, there are "
            "56");
  EXPECT_EQ(error_of(file_of(header_with("vertex 1\n", "vertex 1000000000\n"), count_up(14))).code,
            Errc::limit_exceeded);
}

TEST(Ply, RefusesAnEndlessHeader) {
  std::string header(kPlainHeader.substr(0, 40));
  while (header.size() < 70000) {
    header += "comment x\n";
  }
  EXPECT_FALSE(decode_ply(as_bytes(header + std::string(kPlainHeader.substr(40)))));
}

TEST(Ply, NamesTheGaussianAndPropertyThatIsNotFinite) {
  Rng rng(3);
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    GaussianCloud cloud = test::random_cloud(rng, 5);
    cloud.log_scales[3].y = bad;
    EXPECT_EQ(error_of(encode_ply(cloud)).context,
              "PLY: gaussian 3: scale_1 is not a finite number");
  }
  GaussianCloud cloud = test::random_cloud(rng, 5, 1);
  cloud.sh_rest[4 * 9 + 3] = NAN;  // coefficient 1, red
  EXPECT_EQ(error_of(encode_ply(cloud)).context,
            "PLY: gaussian 4: f_rest_1 is not a finite number");
}

TEST(Ply, AcceptsInfiniteButNotNanOpacityLogits) {
  Rng rng(4);
  GaussianCloud cloud = test::random_cloud(rng, 3);
  cloud.opacity_logits = {INFINITY, -INFINITY, 0};
  const auto decoded = decode_ply(encode_ply(cloud));
  ASSERT_TRUE(decoded) << decoded.error().message();
  EXPECT_EQ(decoded->opacity_logits, cloud.opacity_logits);
  cloud.opacity_logits[2] = NAN;
  EXPECT_FALSE(decode_ply(encode_ply(cloud)));
}

TEST(Ply, RefusesTruncationAtEveryByteAndTrailingBytes) {
  Rng rng(5);
  Bytes file = encode_ply(test::random_cloud(rng, 5, 1));
  test::for_each_truncation(
      file, [](const Bytes& cut, std::size_t length) { EXPECT_FALSE(decode_ply(cut)) << length; });
  file.push_back(0);
  EXPECT_FALSE(decode_ply(file));
}

TEST(Ply, SurvivesBitFlipsWithAnErrorOrACloudOfOneShape) {
  Rng rng(6);
  const Bytes file = encode_ply(test::random_cloud(rng, 5, 1));
  std::size_t refused = 0;
  test::for_each_bit_flip(
      file,
      [&](const Bytes& flipped, std::size_t offset) {
        const auto cloud = decode_ply(flipped);
        refused += cloud ? 0 : 1;
        if (cloud) {
          EXPECT_EQ(cloud->rotations.size(), cloud->size()) << offset;
          EXPECT_EQ(cloud->sh_rest.size(), cloud->size() * sh_rest_count(cloud->sh_degree) * 3);
        } else {
          EXPECT_FALSE(cloud.error().context.empty());
        }
      },
      file.size());
  EXPECT_GT(refused, 1000U) << "most flips in the header are noticed";
}

TEST(Ply, ReadsTheSharedHamburger) {
  const auto path = test::shared_data("splats/hamburger.ply");
  if (!path) {
    GTEST_SKIP() << "splats/hamburger.ply is not among the shared data";
  }
  const auto file = read_file(*path, 1U << 30);
  ASSERT_TRUE(file);
  const auto cloud = decode_ply(*file);
  ASSERT_TRUE(cloud) << cloud.error().message();
  EXPECT_EQ(cloud->size(), 52709U);
  EXPECT_EQ(cloud->sh_degree, 0);
  EXPECT_EQ(encode_ply(*cloud), *file) << "written as it was read";
}

}  // namespace
}  // namespace lode::splat
