#include "weights/check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/file.h"
#include "tests/support/scratch_folder.h"

namespace lode::weights {
namespace {

using testing_support::ScratchFolder;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <class Stored>
TensorHealth health_of(DType dtype, const std::vector<Stored>& values) {
  const std::vector<std::int64_t> shape = {static_cast<std::int64_t>(values.size())};
  return check_values(
      {"w",
       dtype,
       shape,
       {reinterpret_cast<const std::uint8_t*>(values.data()), values.size() * sizeof(Stored)}});
}

TEST(WeightsCheck, MeasuresValues) {
  const TensorHealth health = health_of<float>(DType::f32, {1, -3, 2, 0});
  EXPECT_EQ(health.name, "w");
  EXPECT_EQ(health.elements, 4U);
  EXPECT_EQ(health.non_finite, 0U);
  EXPECT_EQ(health.min, -3);
  EXPECT_EQ(health.max, 2);
  EXPECT_DOUBLE_EQ(health.rms, std::sqrt(14.0 / 4));
}

TEST(WeightsCheck, CountsWhatIsNotFiniteInEveryFloatType) {
  EXPECT_EQ(health_of<float>(DType::f32, {kNaN, 1, kInfinity, -kInfinity}).non_finite, 3U);
  EXPECT_EQ(health_of<double>(DType::f64, {1, kNaN, -kInfinity}).non_finite, 2U);
  EXPECT_EQ(health_of<std::uint16_t>(DType::f16, {0x7c00, 0x7bff, 0xfe00}).non_finite, 2U);
  EXPECT_EQ(health_of<std::uint16_t>(DType::bf16, {0x7f80, 0x7f7f, 0xffc0}).non_finite, 2U);
  EXPECT_EQ(health_of<std::uint8_t>(DType::f8_e4m3, {0x7f, 0x7e, 0xff}).non_finite, 2U);
  EXPECT_EQ(health_of<std::uint8_t>(DType::f8_e5m2, {0x7c, 0x7b, 0xfd}).non_finite, 2U);
}

TEST(WeightsCheck, LeavesWhatIsNotFiniteOutOfTheRange) {
  const TensorHealth health = health_of<float>(DType::f32, {kNaN, 3, -kInfinity, 4});
  EXPECT_EQ(health.min, 3);
  EXPECT_EQ(health.max, 4);
  EXPECT_DOUBLE_EQ(health.rms, std::sqrt(25.0 / 2));
  for (const auto& empty : {std::vector<float>{}, std::vector<float>{kNaN, kInfinity}}) {
    const TensorHealth nothing = health_of<float>(DType::f32, empty);
    EXPECT_EQ(nothing.non_finite, empty.size());
    EXPECT_EQ(nothing.min, 0);
    EXPECT_EQ(nothing.max, 0);
    EXPECT_EQ(nothing.rms, 0);
  }
}

TEST(WeightsCheck, MeasuresWholeNumbersAndLongTensors) {
  EXPECT_EQ(health_of<std::int64_t>(DType::i64, {-(1LL << 40), 5}).min, -0x1p40);
  EXPECT_EQ(health_of<std::int32_t>(DType::i32, {16'777'217, 5}).max, 16'777'217);
  EXPECT_EQ(health_of<std::uint8_t>(DType::u8, {255, 5}).max, 255);
}

TEST(WeightsCheck, SeesEveryElementOfALongTensor) {
  std::vector<float> many(10'003, 2.0F);
  for (const std::size_t at : {0UL, 5UL, 4095UL, 4096UL, 9'999UL, 10'002UL}) {
    many[at] = kNaN;
    const TensorHealth health = health_of<float>(DType::f32, many);
    EXPECT_EQ(health.non_finite, 1U) << at;
    EXPECT_DOUBLE_EQ(health.rms, 2) << at;
    many[at] = -7;
    EXPECT_EQ(health_of<float>(DType::f32, many).min, -7) << at;
    many[at] = 7;
    EXPECT_EQ(health_of<float>(DType::f32, many).max, 7) << at;
    many[at] = 2;
  }
}

TEST(WeightsCheck, HashesAsSha256Does) {
  const ScratchFolder folder;
  ASSERT_TRUE(write_file(folder / "empty", {}));
  ASSERT_TRUE(write_file(folder / "abc", as_bytes("abc")));
  // FIPS 180-4's examples (and the well-known digest of nothing).
  EXPECT_EQ(*sha256_of_file(folder / "empty"),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(*sha256_of_file(folder / "abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(WeightsCheck, TellsItsProgressAndStopsWhenAsked) {
  const ScratchFolder folder;
  const std::size_t size = (9U << 20U) + 1;
  ASSERT_TRUE(write_file(folder / "big", Bytes(size, 'a')));
  std::vector<std::uint64_t> seen;
  const auto whole = sha256_of_file(folder / "big", [&](std::uint64_t done, std::uint64_t total) {
    EXPECT_EQ(total, size);
    seen.push_back(done);
  });
  ASSERT_TRUE(whole);
  EXPECT_EQ(seen, (std::vector<std::uint64_t>{4U << 20U, 8U << 20U, size}));
  std::stop_source stop;
  int calls = 0;
  const auto stopped = sha256_of_file(
      folder / "big",
      [&](std::uint64_t, std::uint64_t) {
        ++calls;
        stop.request_stop();
      },
      stop.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled);
  EXPECT_EQ(calls, 1);
}

TEST(WeightsCheck, NamesWhatItCannotHash) {
  const ScratchFolder folder;
  const auto absent = sha256_of_file(folder / "absent");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::not_found);
  EXPECT_NE(absent.error().context.find("/absent"), std::string::npos);
  EXPECT_EQ(sha256_of_file(folder.path()).error().code, Errc::invalid_input);
}

}  // namespace
}  // namespace lode::weights
