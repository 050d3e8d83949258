// The decoders behind codec.h, one per format, and what they share.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "image/codec.h"

namespace lode::image {

/// What the values of a decoded file are, before its profile is applied.
enum class ColourModel {
  rgb,
  grey,  ///< the same value in R, G and B
  cmyk   ///< four channels, 255 for no ink, as Adobe writes them
};

/// A picture as its file stores it.
struct StoredPicture {
  Image image;
  ColourModel model = ColourModel::rgb;
  Bytes profile;        ///< the ICC profile, or empty
  int orientation = 1;  ///< EXIF's 1..8; 1 is upright
  std::vector<std::string> notes;
};

Result<StoredPicture> decode_png(ByteView bytes);
Result<StoredPicture> decode_jpeg(ByteView bytes);
Result<StoredPicture> decode_webp(ByteView bytes);
Result<StoredPicture> decode_gif(ByteView bytes);

/// Fails unless a picture of this size may be decoded; called before any pixel is allocated.
Result<void> validate_size(std::string_view format, std::int64_t width, std::int64_t height);

/// The orientation in an EXIF block (a TIFF header and its first directory, with or without the
/// "Exif\0\0" before it): 1..8, or 1 where there is none or the block is broken.
int exif_orientation(ByteView exif);

/// The picture as EXIF's orientation wants it shown.
Image turned_upright(Image image, int orientation);

/// To sRGB by the stored profile; without one (or with a broken or unfit one, which is noted) grey
/// and RGB stay and CMYK is converted as screens show it: colour times key.
void convert_to_srgb(StoredPicture& picture);

}  // namespace lode::image
