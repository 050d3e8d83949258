// Any bytes as SCALE: a value that encodes to the bytes it was read from, or a refusal.
#include <algorithm>
#include <cstdint>

#include "base/assert.h"
#include "scale/scale.h"

namespace {

using namespace lode::scale;

struct Everything {
  std::optional<Compact<std::uint16_t>> small;
  std::vector<std::tuple<Compact<U128>, bool>> pairs;
  std::string text;
  std::vector<std::optional<std::string>> texts;
  std::array<std::uint8_t, 4> bytes{};
  U128 wide = 0;
  static constexpr auto scale_fields() {
    return std::tuple{field("small", &Everything::small), field("pairs", &Everything::pairs),
                      field("text", &Everything::text),   field("texts", &Everything::texts),
                      field("bytes", &Everything::bytes), field("wide", &Everything::wide)};
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto value = decode_all<Everything>({data, size}, "value");
  if (value) {
    const lode::Bytes again = encode(*value);
    LODE_ASSERT(std::equal(again.begin(), again.end(), data, data + size),
                "one value has one encoding");
  }
  return 0;
}
