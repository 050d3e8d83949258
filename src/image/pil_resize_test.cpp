#include "image/pil_resize.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <map>
#include <sstream>

namespace lode::image {
namespace {

/// The picture of tools/golden/pil_resize.py.
std::vector<std::uint8_t> golden_pixels(int width, int height, int channels) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height * channels);
  for (std::uint64_t i = 0; i < pixels.size(); ++i) {
    const std::uint64_t noise = ((i * 2654435761U % (1ULL << 32)) >> 13) % 256;
    pixels[i] = static_cast<std::uint8_t>(i / 97 % 3 == 0 ? 255 * (i / 11 % 2) : noise);
  }
  return pixels;
}

std::uint32_t crc_of(const std::vector<std::uint8_t>& bytes) {
  return static_cast<std::uint32_t>(crc32(0, bytes.data(), static_cast<unsigned>(bytes.size())));
}

TEST(PilResize, GivesPillowsBytes) {
  const std::map<std::string, PilFilter> filters = {{"box", PilFilter::box},
                                                    {"bilinear", PilFilter::bilinear},
                                                    {"bicubic", PilFilter::bicubic},
                                                    {"lanczos", PilFilter::lanczos}};
  std::ifstream file(LODE_SOURCE_DIR "/tests/golden/image/pil_resize.txt");
  std::string line;
  int cases = 0;
  while (std::getline(file, line)) {
    if (line.starts_with("#")) {
      continue;
    }
    std::istringstream fields(line);
    std::string filter, mode;
    int width = 0, height = 0, to_width = 0, to_height = 0;
    std::uint32_t crc = 0;
    fields >> filter >> mode >> width >> height >> to_width >> to_height >> std::hex >> crc;
    std::vector<std::uint8_t> out;
    if (mode == "L") {
      GreyImage grey(width, height);
      grey.pixels = golden_pixels(width, height, 1);
      out = pil_resize(grey, to_width, to_height, filters.at(filter)).pixels;
    } else {
      Image picture(width, height, static_cast<int>(mode.size()));
      picture.pixels = golden_pixels(width, height, picture.channels);
      out = pil_resize(picture, to_width, to_height, filters.at(filter)).pixels;
    }
    EXPECT_EQ(crc_of(out), crc) << line;
    ++cases;
  }
  EXPECT_EQ(cases, 180);
}

TEST(PilResize, KeepsAFlatPictureFlat) {
  for (const PilFilter filter :
       {PilFilter::box, PilFilter::bilinear, PilFilter::bicubic, PilFilter::lanczos}) {
    const GreyImage out = pil_resize(GreyImage(37, 23, 201), 64, 5, filter);
    EXPECT_EQ(out.pixels, GreyImage(64, 5, 201).pixels);
  }
}

TEST(PilResize, LeavesThePictureOfTheSameSizeAlone) {
  Image picture(5, 4, 4);
  picture.pixels = golden_pixels(5, 4, 4);
  EXPECT_EQ(pil_resize(picture, 5, 4, PilFilter::lanczos).pixels, picture.pixels);
}

}  // namespace
}  // namespace lode::image
