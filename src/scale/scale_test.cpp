#include "scale/scale.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/rng.h"

namespace lode::scale {
namespace {

using std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t;

struct Inner {
  Compact<uint16_t> port;
  bool open = false;
  bool operator==(const Inner&) const = default;
  static constexpr auto scale_fields() {
    return std::tuple{field("port", &Inner::port), field("open", &Inner::open)};
  }
};
struct Outer {
  std::string name;
  std::vector<Inner> inners;
  std::optional<std::tuple<uint8_t, std::int64_t>> extra;
  std::array<uint16_t, 2> pair{};
  U128 wide = 0;
  bool operator==(const Outer&) const = default;
  static constexpr auto scale_fields() {
    return std::tuple{field("name", &Outer::name), field("inners", &Outer::inners),
                      field("extra", &Outer::extra), field("pair", &Outer::pair),
                      field("wide", &Outer::wide)};
  }
};

template <class T>
std::string hex(const T& value) {
  return hex_encode(encode(value));
}

template <class T>
void expect_round_trip(const T& value) {
  const Bytes bytes = encode(value);
  const auto back = decode_all<T>(bytes, "value");
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_TRUE(*back == value);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(decode_all<T>(ByteView(bytes).first(length), "value")) << length;
  }
}

/// Values at and beside every power of two and the ends: the borders of all forms are among them.
template <class T>
void expect_borders_round_trip() {
  for (unsigned bit = 0; bit < sizeof(T) * 8; ++bit) {
    for (int offset = -2; offset <= 2; ++offset) {
      const T value = static_cast<T>((T{1} << bit) + static_cast<T>(offset));
      expect_round_trip(value);
      expect_round_trip(Compact<T>{value});
    }
  }
}

TEST(Scale, EncodesCompactIntegersAsTheSpecificationsExamples) {
  EXPECT_EQ(hex(Compact<uint8_t>{0}), "00");
  EXPECT_EQ(hex(Compact<uint8_t>{1}), "04");
  EXPECT_EQ(hex(Compact<uint8_t>{42}), "a8");
  EXPECT_EQ(hex(Compact<uint8_t>{63}), "fc");
  EXPECT_EQ(hex(Compact<uint8_t>{64}), "0101");
  EXPECT_EQ(hex(Compact<uint8_t>{69}), "1501");
  EXPECT_EQ(hex(Compact<uint16_t>{16383}), "fdff");
  EXPECT_EQ(hex(Compact<uint16_t>{16384}), "02000100");
  EXPECT_EQ(hex(Compact<uint32_t>{65535}), "feff0300");
  EXPECT_EQ(hex(Compact<uint32_t>{(1U << 30) - 1}), "feffffff");
  EXPECT_EQ(hex(Compact<uint32_t>{1U << 30}), "0300000040");
  EXPECT_EQ(hex(Compact<uint64_t>{100'000'000'000'000}), "0b00407a10f35a");
  EXPECT_EQ(hex(Compact<U128>{~U128{0}}), "33ffffffffffffffffffffffffffffffff");
}

TEST(Scale, EncodesTheMetagraphRequestOfTheProtocol) {
  const std::tuple<uint16_t, std::vector<uint16_t>> request{17, {0, 7, 52, 55, 57, 60, 62, 64, 69}};
  EXPECT_EQ(hex(request), "110024000007003400370039003c003e0040004500");
}

TEST(Scale, EncodesTextOptionsAndVectorsAsTheSpecificationsExamples) {
  EXPECT_EQ(hex(std::string("Hamlet")), "1848616d6c6574");
  EXPECT_EQ(hex(std::vector<uint16_t>{4, 8, 15, 16, 23, 42}), "18040008000f00100017002a00");
  EXPECT_EQ(hex(std::optional<bool>{}), "00");
  EXPECT_EQ(hex(std::optional<bool>{false}), "0100");
  EXPECT_EQ(hex(std::tuple<Compact<uint32_t>, bool>{{3}, false}), "0c00");
}

TEST(Scale, RoundTripsEveryIntegerTypeAtItsBorders) {
  expect_borders_round_trip<uint8_t>();
  expect_borders_round_trip<uint16_t>();
  expect_borders_round_trip<uint32_t>();
  expect_borders_round_trip<uint64_t>();
  expect_borders_round_trip<U128>();
  expect_round_trip(std::numeric_limits<std::int64_t>::min());
}

TEST(Scale, RoundTripsRandomStructuresAndRefusesEveryTruncation) {
  Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    Outer value;
    value.name.assign(rng.below(70), static_cast<char>(rng.next()));
    for (std::uint64_t i = rng.below(5); i > 0; --i) {
      value.inners.push_back({{static_cast<uint16_t>(rng.next())}, rng.below(2) == 1});
    }
    if (rng.below(2) == 1) {
      value.extra = {static_cast<uint8_t>(rng.next()), static_cast<std::int64_t>(rng.next())};
    }
    value.pair = {static_cast<uint16_t>(rng.next()), static_cast<uint16_t>(rng.next())};
    value.wide = U128{rng.next()} << 64 | rng.next();
    expect_round_trip(value);
  }
}

TEST(Scale, NamesTheFieldThatFailedByItsPath) {
  Outer value;
  value.inners = {{{1}, true}, {{2}, true}};
  Bytes bytes = encode(value);
  bytes[5] = 7;  // name 1, count 1, inner 2, port 1, open
  const auto wrong = decode_all<Outer>(bytes, "outer");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::invalid_input);
  EXPECT_EQ(wrong.error().context, "outer.inners[1].open: 0 or 1 was expected for a bool (byte 6)");
  bytes[5] = 1;
  bytes.resize(9);
  EXPECT_EQ(decode_all<Outer>(bytes, "outer").error().context,
            "outer.pair[1]: 2 bytes were expected, 0 are left (byte 9)");
}

TEST(Scale, RefusesCompactIntegersLongerThanTheyNeedBe) {
  for (const char* text : {"0100", "fd00", "02000000", "feff0000", "03ffffff3f", "0700000000",
                           "0b000000400000", "33ffffffffffffffffffffffffffffff00"}) {
    EXPECT_FALSE(decode_all<Compact<U128>>(*hex_decode(text), "n")) << text;
  }
}

TEST(Scale, RefusesCompactIntegersAboveTheirTypeByBothNumbers) {
  const auto error =
      decode_all<Compact<uint16_t>>(encode(Compact<uint32_t>{65536}), "port").error();
  EXPECT_TRUE(error.context.starts_with("port: 65536 is above the largest value, 65535"))
      << error.context;
  EXPECT_FALSE(decode_all<Compact<U128>>(*hex_decode("37" + std::string(34, 'f')), "n"));
}

TEST(Scale, RefusesCountsThatTheInputCannotHold) {
  // Four thousand million items of 8 bytes, announced by 5 bytes.
  const Bytes huge = *hex_decode("03ffffffff");
  const auto refused = decode_all<std::vector<uint64_t>>(huge, "items");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().context.find("items: 4294967295 items"), std::string::npos);
  EXPECT_FALSE(decode_all<std::string>(huge, "text"));
}

TEST(Scale, RefusesOrIgnoresBytesAfterTheValueAsAsked) {
  const Bytes bytes = *hex_decode("010203");
  EXPECT_FALSE(decode_all<uint16_t>(bytes, "n"));
  EXPECT_EQ(*decode_all<uint16_t>(bytes, "n", Trailing::ignore), 0x0201);
}

TEST(Scale, RefusesTagsOtherThanZeroAndOne) {
  EXPECT_FALSE(decode_all<std::optional<uint8_t>>(*hex_decode("0205"), "o"));
  EXPECT_FALSE(decode_all<bool>(*hex_decode("02"), "b"));
}

}  // namespace
}  // namespace lode::scale
