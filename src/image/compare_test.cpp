#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "image/image.h"

namespace lode::image {
namespace {

Image noise(Rng& rng, int width, int height) {
  Image image(width, height, 3);
  for (auto& value : image.pixels) {
    value = static_cast<std::uint8_t>(rng.next());
  }
  return image;
}

double luma_at(const Image& image, int x, int y) {
  const std::uint8_t* p = image.at(x, y);
  return 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
}

/// SSIM straight from its definition, one 11x11 window after the other, in double.
double reference_ssim(const Image& a, const Image& b) {
  double total = 0;
  for (int y = 0; y < a.height; ++y) {
    for (int x = 0; x < a.width; ++x) {
      double sum = 0, ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
      for (int v = std::max(0, y - 5); v <= std::min(a.height - 1, y + 5); ++v) {
        for (int u = std::max(0, x - 5); u <= std::min(a.width - 1, x + 5); ++u) {
          const double w = std::exp(-((u - x) * (u - x) + (v - y) * (v - y)) / (2 * 1.5 * 1.5));
          const double p = luma_at(a, u, v), q = luma_at(b, u, v);
          sum += w;
          ma += w * p;
          mb += w * q;
          aa += w * p * p;
          bb += w * q * q;
          ab += w * p * q;
        }
      }
      ma /= sum;
      mb /= sum;
      const double c1 = 2.55 * 2.55, c2 = 7.65 * 7.65;
      total += (2 * ma * mb + c1) * (2 * (ab / sum - ma * mb) + c2) /
               ((ma * ma + mb * mb + c1) * (aa / sum - ma * ma + bb / sum - mb * mb + c2));
    }
  }
  return total / (a.width * a.height);
}

TEST(Compare, FindsEqualPicturesEqual) {
  Rng rng(1);
  const Image image = noise(rng, 9, 5);
  const auto difference = compare(image, image);
  ASSERT_TRUE(difference);
  EXPECT_TRUE(std::isinf(difference->psnr_db));
  EXPECT_EQ(difference->ssim, 1);
  EXPECT_EQ(difference->max_abs, 0);
}

TEST(Compare, MeasuresPsnrOverAllValues) {
  const Image a(10, 10, 3, 100);
  Image b = a;
  b.pixels[7] = 130;
  const auto difference = compare(a, b);
  EXPECT_NEAR(difference->psnr_db, 10 * std::log10(255.0 * 255.0 * 300 / 900), 1e-9);
  EXPECT_EQ(difference->max_abs, 30);
}

TEST(Compare, MatchesTheDefinitionOfSsim) {
  Rng rng(2);
  for (const auto& [width, height] : {std::pair(1, 1), std::pair(4, 30), std::pair(25, 17)}) {
    const Image a = noise(rng, width, height);
    Image b = a;
    for (auto& value : b.pixels) {
      value = static_cast<std::uint8_t>(value * 0.7 + 40 * rng.uniform());
    }
    EXPECT_NEAR(compare(a, b)->ssim, reference_ssim(a, b), 1e-3);
  }
}

TEST(Compare, PutsRgbaOverWhiteFirst) {
  Image transparent(4, 4, 4, 0);
  EXPECT_EQ(compare(transparent, Image(4, 4, 3, 255))->max_abs, 0);
}

TEST(Compare, RefusesDifferentSizes) {
  const auto difference = compare(Image(4, 4, 3), Image(4, 5, 3));
  ASSERT_FALSE(difference);
  EXPECT_EQ(difference.error().code, Errc::invalid_input);
  EXPECT_NE(difference.error().context.find("4x4 and 4x5"), std::string::npos);
}

TEST(DifferencePicture, AmplifiesAndCutsOff) {
  Image a(2, 1, 3, 100), b(2, 1, 3, 100);
  b.pixels = {100, 97, 103, 60, 101, 100};
  const auto picture = difference_picture(a, b, 8);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->pixels, (std::vector<std::uint8_t>{0, 24, 24, 255, 8, 0}));
  EXPECT_FALSE(difference_picture(a, Image(1, 2, 3), 8));
}

TEST(DifferencePicture, SeesTransparencyAsWhite) {
  const auto picture = difference_picture(Image(1, 1, 4, 0), Image(1, 1, 3, 250), 1);
  ASSERT_TRUE(picture);
  EXPECT_EQ(picture->pixels, (std::vector<std::uint8_t>{5, 5, 5}));
}

}  // namespace
}  // namespace lode::image
