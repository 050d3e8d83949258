#include "cutout/foreground.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "cutout/box_blur_internal.h"
#include "cutout/test_pictures.h"

namespace lode::cutout {
namespace {

int mirrored(int at, int length) {
  while (length > 1 && (at < 0 || at >= length)) {
    at = at < 0 ? -at : 2 * (length - 1) - at;
  }
  return length > 1 ? at : 0;
}

TEST(BoxBlur, IsTheMeanOfTheMirroredWindow) {
  Rng rng(3);
  for (const auto& [width, height, size] :
       {std::tuple(7, 5, 3), std::tuple(6, 9, 6), std::tuple(4, 3, 20), std::tuple(1, 5, 4)}) {
    Plane plane{width, height, 2, {}};
    for (int i = 0; i < width * height * 2; ++i) {
      plane.values.push_back(static_cast<float>(rng.uniform()));
    }
    Plane blurred = plane;
    box_blur(blurred, size);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 2; ++c) {
          double sum = 0;
          for (int j = y - size / 2; j < y - size / 2 + size; ++j) {
            for (int i = x - size / 2; i < x - size / 2 + size; ++i) {
              sum += plane.values[static_cast<std::size_t>(
                  (mirrored(j, height) * width + mirrored(i, width)) * 2 + c)];
            }
          }
          EXPECT_NEAR(blurred.values[static_cast<std::size_t>((y * width + x) * 2 + c)],
                      sum / size / size, 1e-5);
        }
      }
    }
  }
}

/// Of pixels with alpha between `low` and 254, the largest difference from `colour`.
int worst_edge(const image::Image& rgba, image::Rgb colour, int low) {
  int worst = 0;
  for (std::size_t i = 0; i < rgba.pixels.size(); i += 4) {
    if (rgba.pixels[i + 3] >= low && rgba.pixels[i + 3] < 255) {
      for (std::size_t c = 0; c < 3; ++c) {
        worst = std::max(worst, std::abs(rgba.pixels[i + c] - colour[c]));
      }
    }
  }
  return worst;
}

TEST(Foreground, LeavesNoHaloOfTheOldGround) {
  const image::Rgb red = {200, 40, 30}, green = {20, 220, 40};
  const image::GreyImage alpha = test::disc(160, 50, 8);
  const image::Image picture = test::composite(alpha, red, green);
  const image::Image clean = estimate_foreground(picture, alpha);
  EXPECT_LE(worst_edge(clean, red, 8), 12);
  image::Image halo = clean;
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    std::copy_n(&picture.pixels[3 * i], 3, &halo.pixels[4 * i]);
  }
  EXPECT_GT(worst_edge(halo, red, 8), 150) << "the picture's own colours would show one";
}

TEST(Foreground, KeepsTheColoursOfOpaquePixelsAndTheMatte) {
  const image::Image picture = test::textured_ground(50, 40);
  image::GreyImage alpha(50, 40);
  test::fill_box(alpha, 10, 10, 20, 20);
  test::fill_box(alpha, 9, 9, 22, 1, 90);
  const image::Image out = estimate_foreground(picture, alpha);
  for (std::size_t i = 0; i < alpha.pixels.size(); ++i) {
    EXPECT_EQ(out.pixels[4 * i + 3], alpha.pixels[i]);
    for (std::size_t c = 0; c < 3 && alpha.pixels[i] == 255; ++c) {
      EXPECT_EQ(out.pixels[4 * i + c], picture.pixels[3 * i + c]);
    }
  }
}

TEST(Foreground, TakesEmptyFullAndSinglePixelMattes) {
  for (const std::uint8_t value : {0, 255}) {
    const image::Image out =
        estimate_foreground(test::textured_ground(9, 7), image::GreyImage(9, 7, value));
    EXPECT_EQ(out.pixels[3], value);
  }
  EXPECT_EQ(estimate_foreground(image::Image(1, 1, 3, 9), image::GreyImage(1, 1, 255)).pixels,
            (std::vector<std::uint8_t>{9, 9, 9, 255}));
}

}  // namespace
}  // namespace lode::cutout
