#include "image/codec.h"

#include "base/file.h"
#include "image/codec_internal.h"

namespace lode::image {
namespace {

/// No picture within kMaxPixels needs more: 4 bytes a pixel uncompressed, and room for metadata.
constexpr std::size_t kMaxFileBytes = kMaxPixels * 4 + (16U << 20);

bool is_png(std::string_view text) {
  return text.starts_with(std::string_view("\x89PNG\r\n\x1a\n", 8));
}
bool is_jpeg(std::string_view text) { return text.starts_with("\xff\xd8\xff"); }
bool is_webp(std::string_view text) {
  return text.size() >= 12 && text.starts_with("RIFF") && text.substr(8, 4) == "WEBP";
}
bool is_gif(std::string_view text) {
  return text.starts_with("GIF87a") || text.starts_with("GIF89a");
}

Result<StoredPicture> decode_stored(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  if (is_png(text)) {
    return decode_png(bytes);
  }
  if (is_jpeg(text)) {
    return decode_jpeg(bytes);
  }
  if (is_webp(text)) {
    return decode_webp(bytes);
  }
  if (is_gif(text)) {
    return decode_gif(bytes);
  }
  return fail(Errc::invalid_input, "picture: begins like none of PNG, JPEG, WebP and GIF");
}

}  // namespace

Result<void> validate_size(std::string_view format, std::int64_t width, std::int64_t height) {
  if (width <= 0 || height <= 0) {
    return fail(Errc::invalid_input, std::string(format) + ": a picture without pixels");
  }
  if (width > kMaxPixels / height) {
    return fail(Errc::limit_exceeded, std::string(format) + ": " + std::to_string(width) + "x" +
                                          std::to_string(height) + " pixels, at most " +
                                          std::to_string(kMaxPixels) + " are decoded");
  }
  return {};
}

bool is_image(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  return is_png(text) || is_jpeg(text) || is_webp(text) || is_gif(text);
}

Result<Decoded> decode_with_notes(ByteView bytes) {
  LODE_TRY(StoredPicture stored, decode_stored(bytes));
  convert_to_srgb(stored);
  if (stored.orientation != 1) {
    stored.notes.push_back("turned upright by EXIF orientation " +
                           std::to_string(stored.orientation));
    stored.image = turned_upright(std::move(stored.image), stored.orientation);
  }
  return Decoded{std::move(stored.image), std::move(stored.notes)};
}

Result<Image> decode(ByteView bytes) {
  LODE_TRY(Decoded decoded, decode_with_notes(bytes));
  return std::move(decoded.image);
}

Result<Decoded> read_image_with_notes(const std::filesystem::path& path) {
  LODE_TRY(const Bytes bytes, read_file(path, kMaxFileBytes));
  Result<Decoded> decoded = decode_with_notes(bytes);
  if (!decoded) {
    return annotate(decoded.error(), path.string());
  }
  return decoded;
}

Result<Image> read_image(const std::filesystem::path& path) {
  LODE_TRY(Decoded decoded, read_image_with_notes(path));
  return std::move(decoded.image);
}

Result<void> write_png(const std::filesystem::path& path, const Image& image) {
  LODE_TRY(const Bytes bytes, encode_png(image));
  return write_file(path, bytes);
}

}  // namespace lode::image
