// Any bytes as text, as UTF-8 and as bytes read in the wrong page: fixing ends, gives valid
// characters, and leaves what it has fixed.
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "tokenize/code_pages_internal.h"
#include "tokenize/fix_text.h"
#include "tokenize/unicode_internal.h"

namespace {

using namespace lode;
using namespace lode::tokenize;

std::u32string read_in(const CodePage& page, ByteView bytes) {
  std::u32string text;
  for (const std::uint8_t byte : bytes) {
    text.push_back(page.decode(byte));
  }
  return text;
}

/// A line, which ftfy fixes until nothing changes; a new line's end makes two of it the next time.
/// Without references, of which a limited number of levels is undone.
bool is_one_line(std::u32string_view text) {
  return text.find_first_of(U"\n&") == std::u32string_view::npos;
}

void check(const std::u32string& text) {
  const std::u32string fixed = fix_text(text);
  for (const char32_t c : fixed) {
    LODE_ASSERT(c <= 0x10FFFF && (c < 0xD800 || c > 0xDFFF), "only characters");
  }
  LODE_ASSERT(!is_one_line(text) || !is_one_line(fixed) || fix_text(fixed) == fixed,
              "a fixed line is left as it is");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const ByteView bytes(data + 1, size - 1);
  const auto pages = code_pages();
  const std::size_t which = data[0] % (pages.size() + 1);
  check(which == pages.size() ? decode_utf8(as_text(bytes)) : read_in(pages[which], bytes));
  return 0;
}
