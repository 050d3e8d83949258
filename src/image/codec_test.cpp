#include "image/codec.h"

#include <gtest/gtest.h>
#include <png.h>
#include <turbojpeg.h>
#include <webp/encode.h>
#include <zlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/support/mutations.h"
#include "tests/support/shared_data.h"

namespace lode::image {
namespace {

Image gradient(int width, int height, int channels) {
  Image image(width, height, channels);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    image.pixels[i] = static_cast<std::uint8_t>((i * 7) % 251);
  }
  return image;
}

Bytes jpeg_of(const Image& image, int format = TJPF_RGB, int subsampling = TJSAMP_444) {
  tjhandle handle = tjInitCompress();
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  EXPECT_EQ(tjCompress2(handle, image.pixels.data(), image.width, 0, image.height, format, &buffer,
                        &size, subsampling, 95, 0),
            0);
  Bytes bytes(buffer, buffer + size);
  tjFree(buffer);
  tjDestroy(handle);
  return bytes;
}

Bytes webp_of(const Image& image) {
  std::uint8_t* buffer = nullptr;
  const int stride = image.width * image.channels;
  const std::size_t size =
      image.channels == 4
          ? WebPEncodeLosslessRGBA(image.pixels.data(), image.width, image.height, stride, &buffer)
          : WebPEncodeLosslessRGB(image.pixels.data(), image.width, image.height, stride, &buffer);
  Bytes bytes(buffer, buffer + size);
  WebPFree(buffer);
  return bytes;
}

void append_chunk(ByteWriter& out, std::string_view type, const Bytes& data) {
  const auto big_endian = [&out](std::uint32_t value) { out.write(__builtin_bswap32(value)); };
  Bytes checked(type.begin(), type.end());
  checked.insert(checked.end(), data.begin(), data.end());
  big_endian(static_cast<std::uint32_t>(data.size()));
  out.write_bytes(checked);
  big_endian(
      static_cast<std::uint32_t>(crc32(0, checked.data(), static_cast<unsigned>(checked.size()))));
}

struct PngHeader {
  std::uint32_t width, height;
  std::uint8_t depth, colour_type;
};

/// A PNG written by hand: any size, depth and colour type, extra chunks before the pixel data.
Bytes png_by_hand(const PngHeader& shape, const Bytes& rows,
                  const std::vector<std::pair<std::string, Bytes>>& chunks = {}) {
  ByteWriter out;
  out.write_bytes(as_bytes(std::string_view("\x89PNG\r\n\x1a\n", 8)));
  ByteWriter header;
  header.write(__builtin_bswap32(shape.width));
  header.write(__builtin_bswap32(shape.height));
  for (const std::uint8_t byte :
       {shape.depth, shape.colour_type, std::uint8_t{0}, std::uint8_t{0}, std::uint8_t{0}}) {
    header.write(byte);
  }
  append_chunk(out, "IHDR", header.bytes());
  for (const auto& [type, data] : chunks) {
    append_chunk(out, type, data);
  }
  uLongf size = compressBound(rows.size());
  Bytes compressed(size);
  EXPECT_EQ(compress(compressed.data(), &size, rows.data(), rows.size()), Z_OK);
  compressed.resize(size);
  append_chunk(out, "IDAT", compressed);
  append_chunk(out, "IEND", {});
  return out.take();
}

TEST(Png, RoundTripsRgbAndRgbaExactly) {
  for (const int channels : {3, 4}) {
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(5, 3), std::pair(64, 33)}) {
      const Image image = gradient(width, height, channels);
      const auto decoded = decode(*encode_png(image));
      ASSERT_TRUE(decoded) << decoded.error().message();
      EXPECT_EQ(decoded->channels, channels);
      EXPECT_EQ(decoded->width, width);
      EXPECT_EQ(decoded->pixels, image.pixels);
    }
  }
}

TEST(Png, ReadsGreyPaletteAndSixteenBit) {
  const auto grey = decode(png_by_hand({2, 1, 8, 0}, {0, 10, 200}));
  ASSERT_TRUE(grey) << grey.error().message();
  EXPECT_EQ(grey->pixels, (std::vector<std::uint8_t>{10, 10, 10, 200, 200, 200}));

  const auto bits = decode(png_by_hand({3, 1, 1, 0}, {0, 0b10100000}));
  ASSERT_TRUE(bits);
  EXPECT_EQ(bits->pixels, (std::vector<std::uint8_t>{255, 255, 255, 0, 0, 0, 255, 255, 255}));

  const auto palette = decode(
      png_by_hand({2, 1, 8, 3}, {0, 1, 0}, {{"PLTE", {1, 2, 3, 4, 5, 6}}, {"tRNS", {128, 255}}}));
  ASSERT_TRUE(palette) << palette.error().message();
  EXPECT_EQ(palette->channels, 4) << "transparency makes it RGBA";
  EXPECT_EQ(palette->pixels, (std::vector<std::uint8_t>{4, 5, 6, 255, 1, 2, 3, 128}));

  const auto deep = decode(png_by_hand({1, 1, 16, 2}, {0, 0xff, 0xff, 0x80, 0x80, 0, 0}));
  ASSERT_TRUE(deep);
  EXPECT_EQ(deep->pixels, (std::vector<std::uint8_t>{255, 128, 0}));

  const auto grey_alpha = decode(png_by_hand({1, 1, 8, 4}, {0, 50, 60}));
  ASSERT_TRUE(grey_alpha);
  EXPECT_EQ(grey_alpha->pixels, (std::vector<std::uint8_t>{50, 50, 50, 60}));
}

TEST(Png, RefusesHugeDimensionsBeforeAllocating) {
  for (const auto& [width, height] : {std::pair(0x7fffffffU, 0x7fffffffU),
                                      std::pair(100000U, 100000U), std::pair(0x7fffffffU, 1U)}) {
    const auto image = decode(png_by_hand({width, height, 8, 2}, {0, 1, 2, 3}));
    ASSERT_FALSE(image);
    EXPECT_EQ(image.error().code, Errc::limit_exceeded) << image.error().context;
  }
}

TEST(Png, RefusesTruncationAtEveryByte) {
  test::for_each_truncation(
      *encode_png(gradient(17, 9, 4)),
      [](const Bytes& cut, std::size_t length) { EXPECT_FALSE(decode(cut)) << length; });
}

TEST(Png, NoticesEveryBitFlipInPixelData) {
  const Bytes file = *encode_png(gradient(17, 9, 3));
  test::for_each_bit_flip(
      file,
      [](const Bytes& flipped, std::size_t offset) {
        EXPECT_FALSE(decode(flipped))
            << "every chunk of this file is critical and has a CRC; " << offset;
      },
      file.size());
}

TEST(Png, RefusesAnEmptyImage) { EXPECT_FALSE(encode_png(Image())); }

TEST(Jpeg, DecodesColourAndGreyClosely) {
  const Image smooth = resize(gradient(4, 4, 3), 64, 48);
  const auto colour = decode(jpeg_of(smooth));
  ASSERT_TRUE(colour) << colour.error().message();
  EXPECT_GT(compare(smooth, *colour)->psnr_db, 32);

  Image grey(16, 16, 3, 90);
  const auto decoded = decode(jpeg_of(grey, TJPF_RGB, TJSAMP_GRAY));
  ASSERT_TRUE(decoded);
  EXPECT_LE(compare(grey, *decoded)->max_abs, 2);
}

TEST(Jpeg, RefusesTruncationAtEveryByte) {
  test::for_each_truncation(
      jpeg_of(resize(gradient(4, 4, 3), 40, 24)),
      [](const Bytes& cut, std::size_t length) { EXPECT_FALSE(decode(cut)) << length; });
}

TEST(WebP, RoundTripsLosslessRgbAndRgba) {
  for (const int channels : {3, 4}) {
    Image image = gradient(31, 14, channels);
    if (channels == 4) {
      for (std::size_t i = 3; i < image.pixels.size(); i += 4) {
        image.pixels[i] |= 1;  // the encoder may drop the colour of wholly transparent pixels
      }
    }
    const auto decoded = decode(webp_of(image));
    ASSERT_TRUE(decoded) << decoded.error().message();
    EXPECT_EQ(decoded->channels, channels);
    EXPECT_EQ(decoded->pixels, image.pixels);
  }
}

TEST(WebP, RefusesTruncationAtEveryByte) {
  test::for_each_truncation(webp_of(gradient(31, 14, 4)), [](const Bytes& cut, std::size_t length) {
    EXPECT_FALSE(decode(cut)) << length;
  });
}

TEST(Decode, SurvivesBitFlipsOfEveryFormat) {
  const Image picture = resize(gradient(5, 5, 4), 24, 24);
  for (const Bytes& file :
       {*encode_png(picture), jpeg_of(composite_over(picture, {0, 0, 0})), webp_of(picture)}) {
    test::for_each_bit_flip(file, [](const Bytes& flipped, std::size_t offset) {
      const auto image = decode(flipped);
      if (image) {
        EXPECT_EQ(image->pixels.size(),
                  static_cast<std::size_t>(image->width) * image->height * image->channels)
            << offset;
      }
    });
  }
}

TEST(Decode, TellsFormatsByTheirFirstBytes) {
  const Image picture = gradient(8, 8, 3);
  EXPECT_TRUE(is_image(*encode_png(picture)));
  EXPECT_TRUE(is_image(jpeg_of(picture)));
  EXPECT_TRUE(is_image(webp_of(picture)));
  for (const char* text : {"", "GIF8", "RIFF1234WAVE", "\x89PNG"}) {
    EXPECT_FALSE(is_image(as_bytes(text)));
    EXPECT_FALSE(decode(as_bytes(text)));
  }
}

TEST(Decode, NamesTheFileItReads) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) / "lode_not_a_png";
  ASSERT_TRUE(write_file(path, as_bytes("nonsense")));
  const auto image = read_image(path);
  ASSERT_FALSE(image);
  EXPECT_NE(image.error().context.find(path.string()), std::string::npos);
  std::filesystem::remove(path);
}

TEST(Decode, ReadsTheSharedPictures) {
  for (const char* name : {"images/catstatue_rgba.png", "images/car_background.png"}) {
    const auto path = test::shared_data(name);
    if (!path) {
      GTEST_SKIP() << name << " is not among the shared data";
    }
    const auto image = read_image(*path);
    ASSERT_TRUE(image) << image.error().message();
    EXPECT_EQ(image->channels, 4);
  }
}

}  // namespace
}  // namespace lode::image
