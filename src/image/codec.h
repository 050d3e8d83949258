// PNG, JPEG, WebP and GIF in, PNG out, through libpng, libjpeg-turbo, libwebp and giflib.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "image/image.h"

namespace lode::image {

/// The largest picture we decode: 64 Mpixel (256 MB as RGBA), several times what any prompt image
/// has. Checked against the file's header before any pixel is allocated.
inline constexpr std::int64_t kMaxPixels = 64LL << 20;

/// Colour profiles larger than this are not read: print profiles, the largest, have 0.5 to 2 MB.
inline constexpr std::size_t kMaxProfileBytes = 4U << 20;

/// Whether the bytes begin like a PNG, JPEG, WebP or GIF file.
bool is_image(ByteView bytes);

/// A picture, and what was done to it that its sender may not expect.
struct Decoded {
  Image image;
  /// One line each: "the first frame of an animation", "CMYK print data converted to sRGB", ...
  std::vector<std::string> notes;
};

/// Decodes by magic bytes to upright sRGB or, where the file has transparency, RGBA:
/// - palettes, grey, grey+alpha, 16 bits a channel, CMYK and YCCK are converted;
/// - of an animation (GIF, WebP, PNG) the first frame is taken;
/// - EXIF's orientation is carried out (JPEG, PNG, WebP);
/// - an embedded ICC profile is converted to sRGB; without one, sRGB is assumed.
/// Errors name the format and what is wrong with it: a file that is cut short is refused.
Result<Decoded> decode_with_notes(ByteView bytes);

/// The picture of decode_with_notes().
Result<Image> decode(ByteView bytes);

/// A PNG file of the picture.
Result<Bytes> encode_png(const Image& image);

/// Read and decoded; errors name the file.
Result<Decoded> read_image_with_notes(const std::filesystem::path& path);
Result<Image> read_image(const std::filesystem::path& path);
Result<void> write_png(const std::filesystem::path& path, const Image& image);

}  // namespace lode::image
