// Pictures in the forms that decoders trip over; tools/golden/odd_images.py makes the files.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "image/codec.h"
#include "image/codec_internal.h"
#include "tests/support/mutations.h"

namespace lode::image {
namespace {

constexpr const char* kFolder = LODE_SOURCE_DIR "/tests/golden/image/odd/";

Decoded decoded(const std::string& name) {
  auto picture = read_image_with_notes(kFolder + name);
  EXPECT_TRUE(picture) << picture.error().message();
  return picture ? *std::move(picture) : Decoded{Image(1, 1, 3), {}};
}

bool has_note(const Decoded& picture, std::string_view text) {
  return std::ranges::any_of(
      picture.notes, [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

void expect_colour(const Image& image, int x, int y, Rgb expected, int tolerance,
                   const std::string& name) {
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(image.at(x, y)[c], expected[c], tolerance) << name << " " << x << "," << y;
  }
}

/// Red and green above blue and white, 16x12.
void expect_quarters(const Image& image, const std::string& name, int tolerance) {
  ASSERT_EQ(image.width, 16) << name;
  ASSERT_EQ(image.height, 12) << name;
  expect_colour(image, 1, 1, {255, 0, 0}, tolerance, name);
  expect_colour(image, 14, 1, {0, 255, 0}, tolerance, name);
  expect_colour(image, 1, 10, {0, 0, 255}, tolerance, name);
  expect_colour(image, 14, 10, {255, 255, 255}, tolerance, name);
}

TEST(OddPicture, TurnsEveryExifOrientationUpright) {
  for (int orientation = 1; orientation <= 8; ++orientation) {
    const std::string name = "exif" + std::to_string(orientation) + ".jpg";
    const Decoded picture = decoded(name);
    expect_quarters(picture.image, name, 6);
    EXPECT_EQ(has_note(picture, "EXIF"), orientation != 1) << name;
  }
  for (const char* name : {"exif6.png", "exif6.webp"}) {
    expect_quarters(decoded(name).image, name, 0);
  }
}

TEST(OddPicture, ShowsPrintDataInScreenColours) {
  const Decoded picture = decoded("cmyk.jpg");
  EXPECT_EQ(picture.image.channels, 3);
  expect_quarters(picture.image, "cmyk.jpg", 8);
  EXPECT_TRUE(has_note(picture, "print data"));
}

TEST(OddPicture, ConvertsByTheEmbeddedProfile) {
  // Red and blue primaries are exchanged in the profile, so converting exchanges the channels.
  for (const std::string extension : {"png", "jpg", "webp"}) {
    const std::string name = "swapped_profile." + extension;
    const Decoded picture = decoded(name);
    EXPECT_TRUE(has_note(picture, "ICC")) << name;
    expect_colour(picture.image, 1, 1, {0, 0, 255}, 6, name);
    expect_colour(picture.image, 1, 10, {255, 0, 0}, 6, name);
    expect_colour(picture.image, 14, 10, {255, 255, 255}, 6, name);
  }
}

TEST(OddPicture, LeavesThePixelsOfAnSrgbProfileAlone) {
  const Decoded picture = decoded("srgb_profile.png");
  expect_quarters(picture.image, "srgb_profile.png", 0);
  EXPECT_TRUE(picture.notes.empty());
}

TEST(OddPicture, AssumesSrgbWhereTheProfileIsBroken) {
  const Decoded picture = decoded("broken_profile.png");
  expect_quarters(picture.image, "broken_profile.png", 0);
}

TEST(OddPicture, NotesAProfileForAnotherKindOfPicture) {
  StoredPicture picture;
  picture.image = Image(2, 2, 3, 77);
  picture.profile = {1, 2, 3};
  convert_to_srgb(picture);
  ASSERT_EQ(picture.notes.size(), 1U);
  EXPECT_EQ(picture.image.pixels, Image(2, 2, 3, 77).pixels);
}

TEST(OddPicture, TakesTheFirstFrameOfAnAnimationAndSaysSo) {
  for (const char* name : {"animated.gif", "animated.webp", "animated.png"}) {
    const Decoded picture = decoded(name);
    expect_quarters(picture.image, name, 0);
    EXPECT_TRUE(has_note(picture, "3 frames")) << name;
  }
  EXPECT_TRUE(decoded("still.gif").notes.empty());
}

TEST(OddPicture, KeepsThePalettesTransparency) {
  for (const char* name : {"transparent_blue.gif", "transparent_blue.png"}) {
    const Image image = decoded(name).image;
    ASSERT_EQ(image.channels, 4) << name;
    EXPECT_EQ(image.at(1, 10)[3], 0) << name;
    EXPECT_EQ(image.at(1, 1)[3], 255) << name;
    expect_colour(image, 1, 1, {255, 0, 0}, 0, name);
  }
  expect_quarters(decoded("still.gif").image, "still.gif", 0);
  EXPECT_EQ(decoded("still.gif").image.channels, 3) << "no pixel of it is transparent";
}

TEST(OddPicture, ReducesSixteenBitGreyAlphaAndSingleBits) {
  EXPECT_EQ(decoded("grey16.png").image.pixels, Image(3, 2, 3, 0x80).pixels);
  const Image grey_alpha = decoded("grey_alpha.png").image;
  ASSERT_EQ(grey_alpha.channels, 4);
  EXPECT_EQ(std::vector<std::uint8_t>(grey_alpha.pixels.begin(), grey_alpha.pixels.begin() + 4),
            (std::vector<std::uint8_t>{90, 90, 90, 128}));
  EXPECT_EQ(decoded("one_bit.png").image.pixels, Image(9, 2, 3, 255).pixels);
  EXPECT_EQ(decoded("grey.jpg").image.channels, 3);
}

TEST(OddPicture, IsRefusedWhereverItIsCutShort) {
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const Bytes file = *read_file(entry.path(), 1 << 20);
    test::for_each_truncation(file, [&](const Bytes& cut, std::size_t length) {
      const auto picture = decode_with_notes(cut);
      EXPECT_FALSE(picture) << entry.path() << " at " << length;
    });
  }
}

TEST(OddPicture, SurvivesBitFlips) {
  // A flip in a size can make a picture of up to kMaxPixels, which takes a while: not every byte.
  constexpr std::size_t kDense = 0, kStride = 13;
  for (const char* name : {"cmyk.jpg", "exif6.webp", "swapped_profile.png", "swapped_profile.jpg",
                           "animated.gif", "animated.webp", "transparent_blue.gif"}) {
    const auto check = [&](const Bytes& flipped, std::size_t offset) {
      if (const auto image = decode(flipped)) {
        EXPECT_EQ(image->pixels.size(),
                  static_cast<std::size_t>(image->width) * image->height * image->channels)
            << name << " " << offset;
      }
    };
    test::for_each_bit_flip(*read_file(std::string(kFolder) + name, 1 << 20), check, kDense,
                            kStride);
  }
}

TEST(OddPicture, OfSixteenThousandSquaredPixelsIsRefusedWithTheLimitNamed) {
  // A GIF's header states its size in its first ten bytes.
  Bytes gif = {'G', 'I', 'F', '8', '9', 'a', 0x80, 0x3e, 0x80, 0x3e, 0, 0, 0};
  const auto picture = decode(gif);
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, Errc::limit_exceeded);
  EXPECT_NE(picture.error().context.find(std::to_string(kMaxPixels)), std::string::npos);
}

TEST(Exif, ReadsBothByteOrdersAndNothingElse) {
  const Bytes little = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0};
  const Bytes big = {'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 8, 0, 0};
  EXPECT_EQ(exif_orientation(little), 8);
  EXPECT_EQ(exif_orientation(big), 8);
  Bytes out_of_range = little;
  out_of_range[18] = 9;
  EXPECT_EQ(exif_orientation(out_of_range), 1);
  test::for_each_truncation(little, [](const Bytes& cut, std::size_t length) {
    EXPECT_EQ(exif_orientation(cut), 1) << length;
  });
}

}  // namespace
}  // namespace lode::image
