#include "weights/dtype.h"

#include "base/assert.h"

namespace lode::weights {
namespace {

struct Row {
  DType dtype;
  std::string_view text;
  std::size_t bytes;
};

constexpr Row kRows[] = {
    {DType::f64, "F64", 8},   {DType::f32, "F32", 4},         {DType::f16, "F16", 2},
    {DType::bf16, "BF16", 2}, {DType::f8_e4m3, "F8_E4M3", 1}, {DType::f8_e5m2, "F8_E5M2", 1},
    {DType::i64, "I64", 8},   {DType::i32, "I32", 4},         {DType::i16, "I16", 2},
    {DType::i8, "I8", 1},     {DType::u8, "U8", 1},           {DType::boolean, "BOOL", 1},
};

const Row& row_of(DType dtype) {
  const auto index = static_cast<std::size_t>(dtype);
  LODE_ASSERT(index < std::size(kRows) && kRows[index].dtype == dtype, "rows are in enum order");
  return kRows[index];
}

}  // namespace

std::string_view to_string(DType dtype) { return row_of(dtype).text; }

std::size_t element_bytes(DType dtype) { return row_of(dtype).bytes; }

std::optional<DType> parse_dtype(std::string_view text) {
  for (const Row& row : kRows) {
    if (row.text == text) {
      return row.dtype;
    }
  }
  return std::nullopt;
}

}  // namespace lode::weights
