// PNG through libpng. libpng reports failures with longjmp, so the functions that call setjmp here
// hold nothing with a destructor; what they need is owned by their callers.
#include <png.h>

#include <csetjmp>
#include <cstring>

#include "image/codec_internal.h"

namespace lode::image {
namespace {

/// Metadata chunks larger than this are not read; colour profiles are the largest that matter.
constexpr png_alloc_size_t kMaxChunkBytes = kMaxProfileBytes;

struct Failure {
  char message[128] = "unknown";
};

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* failure = static_cast<Failure*>(png_get_error_ptr(png));
  std::strncpy(failure->message, message, sizeof(failure->message) - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

Error png_error_of(const Failure& failure) {
  return fail(Errc::invalid_input, std::string("PNG: ") + failure.message);
}

struct Reader {
  explicit Reader(ByteView bytes) : rest(bytes) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &failure, on_error, on_warning);
    info = png != nullptr ? png_create_info_struct(png) : nullptr;
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Failure failure;
  ByteView rest;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

void read_bytes(png_structp png, png_bytep out, std::size_t count) {
  auto* reader = static_cast<Reader*>(png_get_io_ptr(png));
  if (count > reader->rest.size()) {
    png_error(png, "the file is cut short");
  }
  std::memcpy(out, reader->rest.data(), count);
  reader->rest = reader->rest.subspan(count);
}

bool read_header(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {  // NOLINT(cert-err52-cpp): libpng's error protocol
    return false;
  }
  png_set_read_fn(reader.png, &reader, read_bytes);
  png_set_chunk_malloc_max(reader.png, kMaxChunkBytes);
  png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(reader.png, reader.info);
  return true;
}

/// Asks libpng for 8-bit RGB, or RGBA where the file has transparency.
bool set_transforms(Reader& reader) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {  // NOLINT(cert-err52-cpp)
    return false;
  }
  png_set_expand(reader.png);  // palette, low bit depths, tRNS
  png_set_scale_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool read_pixels(Reader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {  // NOLINT(cert-err52-cpp)
    return false;
  }
  png_read_image(reader.png, rows);
  png_read_end(reader.png, reader.info);
  return true;
}

/// What a PNG says about its picture, in libpng's memory.
struct Metadata {
  png_bytep exif = nullptr;
  png_uint_32 exif_bytes = 0;
  png_bytep profile = nullptr;
  png_uint_32 profile_bytes = 0;
};

/// After the pixels: EXIF may stand behind them.
bool read_metadata(Reader& reader, Metadata& metadata) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) {  // NOLINT(cert-err52-cpp)
    return false;
  }
  png_charp name = nullptr;
  int compression = 0;
  png_get_iCCP(reader.png, reader.info, &name, &compression, &metadata.profile,
               &metadata.profile_bytes);
  png_get_eXIf_1(reader.png, reader.info, &metadata.exif_bytes, &metadata.exif);
  return true;
}

/// The frame count of an animated PNG's acTL chunk, which stands before the pixels; 0 without one.
/// libpng does not know it and shows the still picture that is stored for such readers.
std::uint32_t animation_frames(ByteView bytes) {
  const auto big_endian = [&bytes](std::size_t at) {
    return static_cast<std::uint32_t>(bytes[at]) << 24 |
           static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
           static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
  };
  constexpr std::size_t kSignature = 8, kOverhead = 12;  // length, type and CRC
  for (std::size_t at = kSignature; at + kOverhead <= bytes.size();) {
    const std::size_t length = big_endian(at);
    const std::string_view type = as_text(bytes.subspan(at + 4, 4));
    if (type == "IDAT" || length > bytes.size() - at - kOverhead) {
      break;
    }
    if (type == "acTL" && length == 8) {
      return big_endian(at + 8);
    }
    at += kOverhead + length;
  }
  return 0;
}

struct Writer {
  Writer() {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &failure, on_error, on_warning);
    info = png != nullptr ? png_create_info_struct(png) : nullptr;
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Failure failure;
  Bytes bytes;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

void write_bytes(png_structp png, png_bytep data, std::size_t count) {
  auto* writer = static_cast<Writer*>(png_get_io_ptr(png));
  writer->bytes.insert(writer->bytes.end(), data, data + count);
}

bool write_all(Writer& writer, const Image& image, png_bytepp rows) {
  if (setjmp(png_jmpbuf(writer.png)) != 0) {  // NOLINT(cert-err52-cpp)
    return false;
  }
  png_set_write_fn(writer.png, &writer, write_bytes, nullptr);
  png_set_user_limits(writer.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_set_IHDR(writer.png, writer.info, image.width, image.height, 8,
               image.channels == 4 ? PNG_COLOR_TYPE_RGBA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(writer.png, writer.info);
  png_write_image(writer.png, rows);
  png_write_end(writer.png, nullptr);
  return true;
}

std::vector<png_bytep> row_pointers(std::uint8_t* pixels, std::size_t row_bytes, int height) {
  std::vector<png_bytep> rows(height);
  for (int y = 0; y < height; ++y) {
    rows[y] = pixels + y * row_bytes;
  }
  return rows;
}

}  // namespace

Result<StoredPicture> decode_png(ByteView bytes) {
  Reader reader(bytes);
  if (reader.info == nullptr) {
    return fail(Errc::internal, "PNG: libpng could not start");
  }
  if (!read_header(reader)) {
    return png_error_of(reader.failure);
  }
  const std::int64_t width = png_get_image_width(reader.png, reader.info);
  const std::int64_t height = png_get_image_height(reader.png, reader.info);
  LODE_CHECK(validate_size("PNG", width, height));
  StoredPicture picture;
  if ((png_get_color_type(reader.png, reader.info) & PNG_COLOR_MASK_COLOR) == 0) {
    picture.model = ColourModel::grey;
  }
  if (!set_transforms(reader)) {
    return png_error_of(reader.failure);
  }
  const int channels = png_get_channels(reader.png, reader.info);
  Image& image = picture.image = Image(static_cast<int>(width), static_cast<int>(height), channels);
  const std::size_t row_bytes = static_cast<std::size_t>(image.width) * image.channels;
  if (png_get_rowbytes(reader.png, reader.info) != row_bytes) {
    return fail(Errc::unsupported, "PNG: not reducible to 8-bit RGB or RGBA");
  }
  std::vector<png_bytep> rows = row_pointers(image.pixels.data(), row_bytes, image.height);
  if (!read_pixels(reader, rows.data())) {
    return png_error_of(reader.failure);
  }
  Metadata metadata;
  if (!read_metadata(reader, metadata)) {
    return png_error_of(reader.failure);
  }
  picture.orientation = exif_orientation({metadata.exif, metadata.exif_bytes});
  picture.profile.assign(metadata.profile, metadata.profile + metadata.profile_bytes);
  if (const std::uint32_t frames = animation_frames(bytes); frames > 1) {
    picture.notes.push_back("the still picture of an animation of " + std::to_string(frames) +
                            " frames");
  }
  return picture;
}

Result<Bytes> encode_png(const Image& image) {
  if (image.pixels.empty()) {
    return fail(Errc::invalid_input, "PNG: a picture without pixels cannot be written");
  }
  Writer writer;
  if (writer.info == nullptr) {
    return fail(Errc::internal, "PNG: libpng could not start");
  }
  // libpng takes non-const rows but does not write to them.
  auto* pixels = const_cast<std::uint8_t*>(image.pixels.data());
  std::vector<png_bytep> rows =
      row_pointers(pixels, static_cast<std::size_t>(image.width) * image.channels, image.height);
  if (!write_all(writer, image, rows.data())) {
    return png_error_of(writer.failure);
  }
  return std::move(writer.bytes);
}

}  // namespace lode::image
