// Embedded ICC profiles to sRGB, through lcms2.
#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

#include "image/codec_internal.h"

namespace lode::image {
namespace {

struct CloseProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, CloseProfile>;
struct DeleteTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};
using Transform = std::unique_ptr<void, DeleteTransform>;

/// A profile that moves no colour by more than this (of 255) is sRGB under another name; leaving
/// the pixels alone is exact, converting them would only round.
constexpr int kSameColour = 2;

cmsColorSpaceSignature space_of(ColourModel model) {
  switch (model) {
    case ColourModel::rgb:
      return cmsSigRgbData;
    case ColourModel::grey:
      return cmsSigGrayData;
    case ColourModel::cmyk:
      return cmsSigCmykData;
  }
  return cmsSigRgbData;
}

/// From packed values of the model to packed RGB; null when lcms cannot.
Transform make_transform(const Profile& profile, ColourModel model) {
  const Profile srgb(cmsCreate_sRGBProfile());
  const cmsUInt32Number from = model == ColourModel::cmyk   ? TYPE_CMYK_8_REV
                               : model == ColourModel::grey ? TYPE_GRAY_8
                                                            : TYPE_RGB_8;
  return Transform(cmsCreateTransform(profile.get(), from, srgb.get(), TYPE_RGB_8,
                                      INTENT_PERCEPTUAL, cmsFLAGS_NOCACHE));
}

/// Whether RGB values come out of the transform as they went in.
bool is_identity(const Transform& transform) {
  constexpr int kSteps = 6;
  for (int i = 0; i < kSteps * kSteps * kSteps; ++i) {
    const std::array<std::uint8_t, 3> in = {static_cast<std::uint8_t>(i % kSteps * 51),
                                            static_cast<std::uint8_t>(i / kSteps % kSteps * 51),
                                            static_cast<std::uint8_t>(i / kSteps / kSteps * 51)};
    std::array<std::uint8_t, 3> out{};
    cmsDoTransform(transform.get(), in.data(), out.data(), 1);
    for (std::size_t c = 0; c < 3; ++c) {
      if (std::abs(in[c] - out[c]) > kSameColour) {
        return false;
      }
    }
  }
  return true;
}

/// Row by row, so that nothing of the picture's size is allocated but the result.
Image transformed(const Image& image, ColourModel model, const Transform& transform) {
  const bool has_alpha = model != ColourModel::cmyk && image.channels == 4;
  const int values = model == ColourModel::cmyk ? 4 : model == ColourModel::grey ? 1 : 3;
  Image out(image.width, image.height, has_alpha ? 4 : 3);
  std::vector<std::uint8_t> in_row(static_cast<std::size_t>(image.width) * values);
  std::vector<std::uint8_t> out_row(static_cast<std::size_t>(image.width) * 3);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(image.at(x, y), values, &in_row[static_cast<std::size_t>(x) * values]);
    }
    cmsDoTransform(transform.get(), in_row.data(), out_row.data(),
                   static_cast<cmsUInt32Number>(image.width));
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(&out_row[static_cast<std::size_t>(x) * 3], 3, out.at(x, y));
      if (has_alpha) {
        out.at(x, y)[3] = image.at(x, y)[3];
      }
    }
  }
  return out;
}

/// CMYK without a profile, as Pillow and browsers show it: colour times key.
Image rgb_of_cmyk(const Image& cmyk) {
  Image out(cmyk.width, cmyk.height, 3);
  std::uint8_t* target = out.pixels.data();
  for (std::size_t i = 0; i < cmyk.pixels.size(); i += 4) {
    const int key = cmyk.pixels[i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const int product = (255 - cmyk.pixels[i + c]) * key + 128;
      const int ink = ((product >> 8) + product) >> 8;
      *target++ = static_cast<std::uint8_t>(std::max(0, key - ink));
    }
  }
  return out;
}

/// True when the profile was used or is not needed; a note says why not otherwise.
bool apply_profile(StoredPicture& picture) {
  const Profile profile(cmsOpenProfileFromMem(
      picture.profile.data(), static_cast<cmsUInt32Number>(picture.profile.size())));
  if (!profile) {
    picture.notes.emplace_back("the ICC profile is broken: sRGB assumed");
    return false;
  }
  // Editors put RGB profiles on grey pictures, which are RGB by now.
  ColourModel model = picture.model;
  if (model == ColourModel::grey && cmsGetColorSpace(profile.get()) == cmsSigRgbData) {
    model = ColourModel::rgb;
  }
  if (cmsGetColorSpace(profile.get()) != space_of(model)) {
    picture.notes.emplace_back("the ICC profile is for another kind of picture: sRGB assumed");
    return false;
  }
  const Transform transform = make_transform(profile, model);
  if (!transform) {
    picture.notes.emplace_back("the ICC profile cannot be used: sRGB assumed");
    return false;
  }
  if (model == ColourModel::rgb && is_identity(transform)) {
    return true;
  }
  picture.image = transformed(picture.image, model, transform);
  picture.notes.emplace_back("converted to sRGB by its ICC profile");
  return true;
}

}  // namespace

void convert_to_srgb(StoredPicture& picture) {
  const bool is_done = !picture.profile.empty() && apply_profile(picture);
  if (picture.model == ColourModel::cmyk && !is_done) {
    picture.image = rgb_of_cmyk(picture.image);
    picture.notes.emplace_back("four-colour print data shown without a profile");
  }
}

}  // namespace lode::image
