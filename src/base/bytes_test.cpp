#include "base/bytes.h"

#include <gtest/gtest.h>

namespace lode {
namespace {

TEST(ByteReader, ReadsWhatTheWriterWrote) {
  ByteWriter writer;
  writer.write<std::uint32_t>(0x5053474e);
  writer.write<float>(1.5F);
  writer.write_bytes(as_bytes("ab"));
  EXPECT_EQ(writer.bytes()[0], 0x4e) << "little-endian";

  ByteReader reader(writer.bytes());
  EXPECT_EQ(*reader.read<std::uint32_t>("magic"), 0x5053474eU);
  EXPECT_EQ(*reader.read<float>("x"), 1.5F);
  EXPECT_EQ(as_text(*reader.take(2, "tail")), "ab");
  EXPECT_EQ(reader.remaining(), 0U);
}

TEST(ByteReader, NamesTheFieldAndOffsetOfAShortRead) {
  const Bytes three(3);
  ByteReader reader(three);
  ASSERT_TRUE(reader.read<std::uint8_t>("first"));
  const auto word = reader.read<std::uint32_t>("numPoints");
  ASSERT_FALSE(word);
  EXPECT_EQ(word.error().context, "numPoints: 4 bytes expected at offset 1, 2 left");
}

TEST(ByteReader, RefusesACountThatWouldWrapAround) {
  const Bytes three(3);
  ByteReader reader(three);
  (void)reader.take(1, "first");
  EXPECT_FALSE(reader.take(SIZE_MAX, "body"));
  EXPECT_EQ(reader.remaining(), 2U) << "a failed read consumes nothing";
}

}  // namespace
}  // namespace lode
