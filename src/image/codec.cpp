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
  return is_png(text) || is_jpeg(text) || is_webp(text);
}

Result<Image> decode(ByteView bytes) {
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
  return fail(Errc::invalid_input, "picture: begins like none of PNG, JPEG and WebP");
}

Result<Image> read_image(const std::filesystem::path& path) {
  LODE_TRY(const Bytes bytes, read_file(path, kMaxFileBytes));
  Result<Image> image = decode(bytes);
  if (!image) {
    return annotate(image.error(), path.string());
  }
  return image;
}

Result<void> write_png(const std::filesystem::path& path, const Image& image) {
  LODE_TRY(const Bytes bytes, encode_png(image));
  return write_file(path, bytes);
}

}  // namespace lode::image
