#include "weights/dtype.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace lode::weights {
namespace {

constexpr DType kAll[] = {DType::f64,     DType::f32,     DType::f16, DType::bf16,
                          DType::f8_e4m3, DType::f8_e5m2, DType::i64, DType::i32,
                          DType::i16,     DType::i8,      DType::u8,  DType::boolean};

TEST(WeightsDType, ReadsBackEverySpelling) {
  std::set<std::string_view> spellings;
  for (const DType dtype : kAll) {
    EXPECT_EQ(parse_dtype(to_string(dtype)), dtype);
    spellings.insert(to_string(dtype));
  }
  EXPECT_EQ(spellings.size(), std::size(kAll));
}

TEST(WeightsDType, SizesAreThoseOfTheNames) {
  for (const DType dtype : kAll) {
    const std::string text(to_string(dtype));
    const std::size_t bits = text == "BOOL" ? 8
                             : text.starts_with("F8")
                                 ? 8
                                 : std::stoul(text.substr(text.find_first_of("0123456789")));
    EXPECT_EQ(element_bytes(dtype), bits / 8) << text;
  }
}

TEST(WeightsDType, RefusesOtherSpellings) {
  for (const char* text :
       {"", "f32", "F32 ", "U16", "U32", "U64", "F4", "F8_E8M0", "C64", "float"}) {
    EXPECT_FALSE(parse_dtype(text)) << text;
  }
}

}  // namespace
}  // namespace lode::weights
