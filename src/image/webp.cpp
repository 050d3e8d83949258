// WebP through libwebp.
#include <webp/decode.h>

#include "image/codec_internal.h"

namespace lode::image {

Result<Image> decode_webp(ByteView bytes) {
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK) {
    return fail(Errc::invalid_input, "WebP: the header is broken or cut short");
  }
  if (features.has_animation != 0) {
    return fail(Errc::unsupported, "WebP: an animation, a still picture was expected");
  }
  LODE_CHECK(validate_size("WebP", features.width, features.height));
  Image image(features.width, features.height, features.has_alpha != 0 ? 4 : 3);
  const auto decode_into = image.channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
  if (decode_into(bytes.data(), bytes.size(), image.pixels.data(), image.pixels.size(),
                  image.width * image.channels) == nullptr) {
    return fail(Errc::invalid_input, "WebP: the picture data is broken or cut short");
  }
  return image;
}

}  // namespace lode::image
