// The decoders behind codec.h, one per format.
#pragma once

#include "base/bytes.h"
#include "image/codec.h"

namespace lode::image {

Result<Image> decode_png(ByteView bytes);
Result<Image> decode_jpeg(ByteView bytes);
Result<Image> decode_webp(ByteView bytes);

/// Fails unless a picture of this size may be decoded; called before any pixel is allocated.
Result<void> validate_size(std::string_view format, std::int64_t width, std::int64_t height);

}  // namespace lode::image
