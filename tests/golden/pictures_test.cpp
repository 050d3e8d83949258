// Decoding, resizing and edge colours held against Pillow and the public BiRefNet code:
// tests/golden/birefnet/README.md says how the files were made.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "cutout/foreground.h"
#include "image/codec.h"
#include "image/pil_resize.h"
#include "weights/checkpoint.h"

namespace lode {
namespace {

const std::filesystem::path kFolder = LODE_SOURCE_DIR "/tests/golden/birefnet/pictures";

weights::Checkpoint checkpoint(const char* name) {
  auto file = weights::Checkpoint::open(kFolder / name);
  EXPECT_TRUE(file) << file.error().message();
  return *std::move(file);
}

/// The largest difference of two runs of bytes, or 256 when their lengths differ.
int worst(ByteView a, ByteView b) {
  int most = a.size() == b.size() ? 0 : 256;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    most = std::max(most, std::abs(a[i] - b[i]));
  }
  return most;
}

weights::StoredTensor tensor(const weights::Checkpoint& file, const std::string& name) {
  const auto found = file.find(name);
  LODE_ASSERT(found, "the golden file has the tensor");
  return *found;
}

int side(const weights::StoredTensor& view, std::size_t axis) {
  return static_cast<int>(view.shape[axis]);
}

image::Image picture_of(const weights::StoredTensor& view) {
  image::Image out(side(view, 1), side(view, 0), side(view, 2));
  out.pixels.assign(view.bytes.begin(), view.bytes.end());
  return out;
}

image::GreyImage mask_of(const weights::StoredTensor& view) {
  image::GreyImage out(side(view, 1), side(view, 0));
  out.pixels.assign(view.bytes.begin(), view.bytes.end());
  return out;
}

TEST(PictureGoldens, DecodeAsPillowDoes) {
  const weights::Checkpoint decoded = checkpoint("decoded.safetensors");
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    const std::string name = entry.path().filename().string();
    // Pillow ignores the profile of icc.png and cuts grey16.png off at 255: here both are
    // converted.
    if (entry.path().extension() == ".safetensors" || name == "icc.png" || name == "grey16.png") {
      continue;
    }
    const auto picture = image::read_image(entry.path());
    ASSERT_TRUE(picture) << picture.error().message();
    const weights::StoredTensor expected =
        tensor(decoded, name + (picture->channels == 4 ? ".rgba" : ".rgb"));
    ASSERT_EQ(picture->width, side(expected, 1)) << name;
    // 16 bits are rounded to 8 here and cut there.
    EXPECT_LE(worst(picture->pixels, expected.bytes), name.find("16.") != name.npos ? 1 : 0)
        << name;
    ++files;
  }
  EXPECT_GE(files, 25);
}

TEST(PictureGoldens, ResizeAsPillowDoes) {
  const weights::Checkpoint resized = checkpoint("resize.safetensors");
  for (const char* name : {"down", "mixed", "one_axis", "pixel", "same", "steep", "up"}) {
    const std::string key = std::string("picture.") + name;
    const weights::StoredTensor expected = tensor(resized, key + ".out");
    const image::Image out =
        image::pil_resize(picture_of(tensor(resized, key + ".in")), side(expected, 1),
                          side(expected, 0), image::PilFilter::bilinear);
    EXPECT_EQ(worst(out.pixels, expected.bytes), 0) << key;
  }
  for (const char* name : {"down", "mixed", "pixel", "same", "up"}) {
    const std::string key = std::string("mask.") + name;
    const weights::StoredTensor expected = tensor(resized, key + ".out");
    const image::GreyImage out =
        image::pil_resize(mask_of(tensor(resized, key + ".in")), side(expected, 1),
                          side(expected, 0), image::PilFilter::bicubic);
    EXPECT_EQ(worst(out.pixels, expected.bytes), 0) << key;
  }
}

// foreground.resized is left out: Pillow 13 resized its mask columns first, we run rows first as
// Pillow did until then.
TEST(PictureGoldens, EstimateEdgeColoursAsTheReferenceDoes) {
  const weights::Checkpoint file = checkpoint("foreground.safetensors");
  const image::Image picture = picture_of(tensor(file, "foreground.image"));
  const auto check = [&](const std::string& key, const image::GreyImage& mask, int coarse) {
    const image::Image out = cutout::estimate_foreground(picture, mask, {.coarse = coarse});
    const weights::StoredTensor expected = tensor(file, key);
    for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
      for (std::size_t c = 0; c < 3; ++c) {
        // The reference cuts the fraction off, we round.
        EXPECT_NEAR(out.pixels[4 * i + c], expected.bytes[3 * i + c], 1) << key << " " << i;
      }
    }
  };
  for (const std::string name : {"soft", "hard", "empty", "full"}) {
    check("foreground." + name + ".r90", mask_of(tensor(file, "foreground." + name + ".mask")), 90);
  }
  check("foreground.soft.r15", mask_of(tensor(file, "foreground.soft.mask")), 15);
}

}  // namespace
}  // namespace lode
