// Any bytes as a picture: refused, or pixels that are consistent and survive PNG.
#include "base/assert.h"
#include "image/codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto picture = lode::image::decode({data, size});
  if (!picture) {
    LODE_ASSERT(!picture.error().context.empty(), "an error says what is wrong");
    return 0;
  }
  const std::size_t pixels = static_cast<std::size_t>(picture->width) * picture->height;
  LODE_ASSERT(picture->pixels.size() == pixels * picture->channels, "every pixel is there");
  if (pixels > 1U << 16) {
    return 0;  // the size came from a mutated header; writing it again would only cost time
  }
  const auto again = lode::image::decode(*lode::image::encode_png(*picture));
  LODE_ASSERT(again && again->pixels == picture->pixels, "PNG is lossless");
  return 0;
}
