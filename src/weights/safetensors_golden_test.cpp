// Files that the reference library (safetensors 0.8.0) wrote: tools/golden/safetensors_files.py.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "tests/support/mutations.h"
#include "tests/support/scratch_folder.h"
#include "weights/checkpoint.h"
#include "weights/float_convert.h"
#include "weights/safetensors.h"

namespace lode::weights {
namespace {

namespace fs = std::filesystem;
using Shape = std::vector<std::int64_t>;

const fs::path kGolden = fs::path(LODE_SOURCE_DIR) / "tests/golden/safetensors";

Bytes golden_bytes(const fs::path& name) { return *read_file(kGolden / name, 1U << 20U); }

std::vector<float> floats(const StoredTensor& tensor) {
  std::vector<float> values(tensor.bytes.size() / element_bytes(tensor.dtype));
  to_float(tensor.dtype, tensor.bytes, values);
  return values;
}

/// As the script's ramp().
std::vector<float> ramp(std::size_t count, float unit) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = (static_cast<float>(i % 7) - 3) * unit;
  }
  return values;
}

void expect_ramp(const Checkpoint& checkpoint, std::string_view name, DType dtype,
                 const Shape& shape, float unit) {
  const auto tensor = checkpoint.find(name);
  ASSERT_TRUE(tensor) << name;
  EXPECT_EQ(tensor->dtype, dtype) << name;
  EXPECT_TRUE(std::ranges::equal(tensor->shape, shape)) << name;
  std::size_t count = 1;
  for (const std::int64_t dimension : shape) {
    count *= static_cast<std::size_t>(dimension);
  }
  EXPECT_EQ(floats(*tensor), ramp(count, unit)) << name;
}

TEST(SafetensorsGolden, ReadsEveryType) {
  const auto file = Checkpoint::open(kGolden / "every_dtype.safetensors");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->tensors().size(), 12U);
  expect_ramp(*file, "f64", DType::f64, {2, 3}, 0.25F);
  expect_ramp(*file, "f32", DType::f32, {3, 2}, 0.25F);
  expect_ramp(*file, "f16", DType::f16, {5}, 0.25F);
  expect_ramp(*file, "bf16", DType::bf16, {5}, 0.25F);
  expect_ramp(*file, "i64", DType::i64, {3}, 1);
  expect_ramp(*file, "i32", DType::i32, {3}, 1);
  expect_ramp(*file, "i16", DType::i16, {3}, 1);
  expect_ramp(*file, "i8", DType::i8, {3}, 1);
  EXPECT_EQ(floats(*file->find("u8")), (std::vector<float>{0, 100, 200}));
  EXPECT_EQ(file->find("boolean")->dtype, DType::boolean);
  EXPECT_EQ(floats(*file->find("boolean")), (std::vector<float>{1, 0, 1}));
  for (const char* name : {"f8_e4m3", "f8_e5m2"}) {
    const auto tensor = file->find(name);
    ASSERT_TRUE(tensor && tensor->bytes.size() == 256);
    for (std::size_t i = 0; i < 256; ++i) {
      EXPECT_EQ(tensor->bytes[i], i);
    }
  }
  EXPECT_TRUE(std::ranges::equal(file->find("f8_e5m2")->shape, Shape{4, 64}));
}

TEST(SafetensorsGolden, ReadsOddShapesAndNames) {
  const auto file = Checkpoint::open(kGolden / "shapes.safetensors");
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->tensors().size(), 7U);
  EXPECT_EQ(floats(*file->find("scalar")), std::vector<float>{1.5F});
  EXPECT_TRUE(file->find("scalar")->shape.empty());
  EXPECT_TRUE(std::ranges::equal(file->find("empty_inside")->shape, Shape{2, 0, 3}));
  EXPECT_TRUE(file->find("empty")->bytes.empty());
  expect_ramp(*file, "deep", DType::f32, {1, 2, 1, 3, 4}, 0.25F);
  expect_ramp(*file, "quoted \"name\"\\ \t\n\xc3\xa4\xf0\x9f\x98\x80\x01\x7f", DType::i8, {1}, 1);
  const Bytes bytes = golden_bytes("shapes.safetensors");
  EXPECT_EQ(parse_header(bytes, bytes.size())->metadata.at("format"), "pt");
}

TEST(SafetensorsGolden, ReadsAShardedFolder) {
  const auto folder = Checkpoint::open(kGolden / "sharded");
  ASSERT_TRUE(folder) << folder.error().message();
  EXPECT_EQ(folder->files().size(), 2U);
  EXPECT_EQ(folder->total_bytes(), 24U + 12U + 16U);
  ASSERT_EQ(folder->tensors().size(), 3U);
  expect_ramp(*folder, "embed.weight", DType::bf16, {4, 3}, 0.25F);
  expect_ramp(*folder, "layers.0.bias", DType::f32, {3}, 0.25F);
  expect_ramp(*folder, "layers.1.bias", DType::f32, {4}, 0.25F);
}

TEST(SafetensorsGolden, WritesWhatTheReferenceWritesByteForByte) {
  const testing_support::ScratchFolder folder;
  for (const char* name : {"every_dtype.safetensors", "shapes.safetensors", "nothing.safetensors",
                           "sharded/model-00001-of-00002.safetensors"}) {
    const Bytes golden = golden_bytes(name);
    const auto header = parse_header(golden, golden.size());
    ASSERT_TRUE(header) << name << header.error().message();
    std::vector<TensorToWrite> tensors;
    for (const TensorEntry& entry : header->tensors) {
      tensors.push_back(
          {entry.name, entry.dtype, entry.shape,
           ByteView(golden).subspan(header->data_offset + entry.begin, entry.end - entry.begin)});
    }
    std::ranges::sort(tensors, {}, &TensorToWrite::name);
    const auto path = folder / "ours.safetensors";
    ASSERT_TRUE(write_safetensors(path, tensors, header->metadata));
    EXPECT_EQ(*read_file(path, 1U << 20U), golden) << name;
  }
}

TEST(SafetensorsGolden, NamesTheTensorWhoseTypeIsNotRead) {
  const auto file = Checkpoint::open(kGolden / "u16.safetensors");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, Errc::unsupported);
  for (const char* part : {"u16.safetensors", "\"positions\"", "\"U16\""}) {
    EXPECT_NE(file.error().context.find(part), std::string::npos) << file.error().message();
  }
}

TEST(SafetensorsGolden, RefusesTruncationAndSurvivesFlippedBits) {
  for (const char* name : {"every_dtype.safetensors", "shapes.safetensors"}) {
    const Bytes golden = golden_bytes(name);
    test::for_each_truncation(golden, [](const Bytes& bytes, std::size_t length) {
      EXPECT_FALSE(parse_header(bytes, bytes.size())) << length;
    });
    test::for_each_bit_flip(
        golden,
        [](const Bytes& bytes, std::size_t) {
          const auto header = parse_header(bytes, bytes.size());
          if (header && !header->tensors.empty()) {
            EXPECT_EQ(header->data_offset + header->tensors.back().end, bytes.size());
          }
        },
        4096);
  }
}

}  // namespace
}  // namespace lode::weights
