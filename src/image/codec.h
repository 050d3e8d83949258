// PNG, JPEG and WebP in, PNG out, through libpng, libjpeg-turbo and libwebp.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "image/image.h"

namespace lode::image {

/// The largest picture we decode: 64 Mpixel (256 MB as RGBA), several times what any prompt image
/// has. Checked against the file's header before any pixel is allocated.
inline constexpr std::int64_t kMaxPixels = 64LL << 20;

/// Whether the bytes begin like a PNG, JPEG or WebP file.
bool is_image(ByteView bytes);

/// Decodes by magic bytes to RGB or, where the file has transparency, RGBA. Palette, grey and
/// 16-bit PNGs are converted. Errors name the format and what is wrong with it.
Result<Image> decode(ByteView bytes);

/// A PNG file of the picture.
Result<Bytes> encode_png(const Image& image);

Result<Image> read_image(const std::filesystem::path& path);
Result<void> write_png(const std::filesystem::path& path, const Image& image);

}  // namespace lode::image
