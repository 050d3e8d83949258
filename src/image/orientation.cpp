// EXIF's orientation: found in the block that cameras write, and carried out.
#include <utility>

#include "image/codec_internal.h"

namespace lode::image {
namespace {

constexpr std::uint16_t kOrientationTag = 0x0112;
constexpr std::uint16_t kShort = 3;  // TIFF's type of a 16-bit number
constexpr std::size_t kEntryBytes = 12;

/// Reads TIFF numbers in the block's own byte order; 0 behind the end.
struct TiffReader {
  ByteView bytes;
  bool is_big_endian = false;

  std::uint32_t byte(std::size_t offset) const { return offset < bytes.size() ? bytes[offset] : 0; }
  std::uint32_t u16(std::size_t offset) const {
    const std::uint32_t a = byte(offset), b = byte(offset + 1);
    return is_big_endian ? a << 8 | b : b << 8 | a;
  }
  std::uint32_t u32(std::size_t offset) const {
    const std::uint32_t a = u16(offset), b = u16(offset + 2);
    return is_big_endian ? a << 16 | b : b << 16 | a;
  }
};

}  // namespace

int exif_orientation(ByteView exif) {
  constexpr std::string_view kPrefix("Exif\0\0", 6);
  if (as_text(exif).starts_with(kPrefix)) {
    exif = exif.subspan(kPrefix.size());
  }
  const std::string_view text = as_text(exif);
  TiffReader tiff{exif, text.starts_with("MM")};
  if (!tiff.is_big_endian && !text.starts_with("II")) {
    return 1;
  }
  const std::size_t directory = tiff.u32(4);
  const std::size_t count = tiff.u16(directory);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t entry = directory + 2 + i * kEntryBytes;
    if (entry + kEntryBytes > exif.size()) {
      break;
    }
    if (tiff.u16(entry) == kOrientationTag && tiff.u16(entry + 2) == kShort) {
      const std::uint32_t value = tiff.u16(entry + 8);
      return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
    }
  }
  return 1;
}

Image turned_upright(Image image, int orientation) {
  if (orientation <= 1 || orientation > 8) {
    return image;
  }
  // 5..8 have rows and columns exchanged; then each axis may run backwards.
  const bool is_transposed = orientation >= 5;
  const bool flips_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flips_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image out;
  out.width = is_transposed ? image.height : image.width;
  out.height = is_transposed ? image.width : image.height;
  out.channels = image.channels;
  out.pixels.resize(image.pixels.size());
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      int from_x = is_transposed ? y : x, from_y = is_transposed ? x : y;
      from_x = flips_x ? image.width - 1 - from_x : from_x;
      from_y = flips_y ? image.height - 1 - from_y : from_y;
      const std::uint8_t* source = image.at(from_x, from_y);
      std::uint8_t* target = out.at(x, y);
      for (int c = 0; c < image.channels; ++c) {
        target[c] = source[c];
      }
    }
  }
  return out;
}

}  // namespace lode::image
