#include "score/ssim.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace lode::score {
namespace {

Planes random_planes(int width, int height, std::uint64_t seed) {
  Rng rng(seed);
  Planes planes{width, height, std::vector<float>(3UL * width * height)};
  for (float& value : planes.values) {
    value = static_cast<float>(rng.uniform());
  }
  return planes;
}

double sample(const Planes& p, int c, int y, int x) {
  const auto mirrored = [](int i, int n) { return i < 0 ? -i : (i < n ? i : 2 * (n - 1) - i); };
  return p.values[(static_cast<std::size_t>(c) * p.height + mirrored(y, p.height)) * p.width +
                  mirrored(x, p.width)];
}

/// The definition, two-dimensional and in double.
double reference_ssim(const Planes& a, const Planes& b) {
  double weights[11], total = 0;
  for (int k = 0; k < 11; ++k) {
    total += weights[k] = std::exp(-(k - 5) * (k - 5) / (2 * 1.5 * 1.5));
  }
  double sum = 0;
  for (int c = 0; c < 3; ++c) {
    for (int y = 0; y < a.height; ++y) {
      for (int x = 0; x < a.width; ++x) {
        double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
        for (int j = 0; j < 11; ++j) {
          for (int i = 0; i < 11; ++i) {
            const double w = weights[i] * weights[j] / (total * total);
            const double p = sample(a, c, y + j - 5, x + i - 5);
            const double q = sample(b, c, y + j - 5, x + i - 5);
            mx += w * p, my += w * q, xx += w * p * p, yy += w * q * q, xy += w * p * q;
          }
        }
        const double vx = std::max(0.0, xx - mx * mx), vy = std::max(0.0, yy - my * my);
        sum += (2 * mx * my + 1e-4) * (2 * (xy - mx * my) + 9e-4) /
               ((mx * mx + my * my + 1e-4) * (vx + vy + 9e-4));
      }
    }
  }
  return sum / (3.0 * a.width * a.height);
}

image::Image random_picture(int width, int height, std::uint64_t seed) {
  Rng rng(seed);
  image::Image picture(width, height, 3);
  for (auto& value : picture.pixels) {
    value = static_cast<std::uint8_t>(rng.below(256));
  }
  return picture;
}

TEST(Ssim, EqualsTheDefinitionInDouble) {
  for (const auto& [width, height] : {std::pair{6, 6}, {7, 23}, {40, 31}}) {
    const Planes a = random_planes(width, height, 1);
    Planes b = random_planes(width, height, 2);
    EXPECT_NEAR(*ssim(a, b), reference_ssim(a, b), 2e-6) << width << "x" << height;
    for (std::size_t i = 0; i < b.values.size(); ++i) {
      b.values[i] = 0.8F * a.values[i] + 0.2F * b.values[i];
    }
    EXPECT_NEAR(*ssim(a, b), reference_ssim(a, b), 2e-6) << width << "x" << height;
  }
}

TEST(Ssim, FlatPicturesAreExact) {
  Planes white{20, 20, std::vector<float>(1200, 1.0F)};
  Planes black{20, 20, std::vector<float>(1200, 0.0F)};
  EXPECT_NEAR(*ssim(white, white), 1, 1e-6);
  EXPECT_NEAR(*ssim(white, black), 1e-4 / 1.0001, 1e-7);  // means alone: c1 / (1 + c1)
}

TEST(Ssim, IsSymmetricAndOneForEqualPictures) {
  const Planes a = random_planes(33, 20, 3), b = random_planes(33, 20, 4);
  EXPECT_EQ(*ssim(a, b), *ssim(b, a));
  EXPECT_NEAR(*ssim(a, a), 1, 1e-6);
}

TEST(Ssim, NeighboursAreThePairsInTheirOrder) {
  std::vector<image::Image> views;
  for (int i = 0; i < 4; ++i) {
    views.push_back(random_picture(24, 17, 10 + i));
  }
  views[3] = views[0];
  const std::vector<double> similarities = *neighbour_ssim(views);
  ASSERT_EQ(similarities.size(), 4U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(similarities[i], *ssim(to_planes(views[i]), to_planes(views[(i + 1) % 4]))) << i;
  }
  EXPECT_NEAR(similarities[3], 1, 1e-6);
}

TEST(Ssim, PlanesAreTheBytesOver255WithoutAlpha) {
  image::Image picture(2, 1, 4);
  picture.pixels = {255, 51, 0, 7, 0, 102, 255, 9};
  const Planes planes = to_planes(picture);
  EXPECT_EQ(planes.values, (std::vector<float>{1, 0, 0.2F, 0.4F, 0, 1}));
}

TEST(Ssim, RefusesOtherSizesAndTooSmallPictures) {
  EXPECT_EQ(ssim(random_planes(8, 8, 1), random_planes(8, 9, 1)).error().code, Errc::invalid_input);
  EXPECT_EQ(ssim(random_planes(5, 8, 1), random_planes(5, 8, 1)).error().code, Errc::invalid_input);
  const std::vector<image::Image> one{random_picture(8, 8, 1)};
  EXPECT_EQ(neighbour_ssim(one).error().code, Errc::invalid_input);
  const std::vector<image::Image> two{random_picture(8, 8, 1), random_picture(9, 8, 1)};
  EXPECT_EQ(neighbour_ssim(two).error().code, Errc::invalid_input);
}

}  // namespace
}  // namespace lode::score
