// The matte that a picture brings with it.
#include "cutout/matter.h"

namespace lode::cutout {
namespace {

/// From here on a pixel counts as opaque.
constexpr std::uint8_t kOpaque = 250;

class AlphaMatter final : public Matter {
 public:
  std::string_view name() const override { return "alpha"; }

  Result<Matte> matte(const image::Image& picture, std::stop_token) override {
    if (picture.channels != 4) {
      return fail(Errc::unsupported, "the picture has no alpha channel");
    }
    if (!carries_alpha(picture)) {
      return fail(Errc::unsupported, "the picture's alpha channel is opaque");
    }
    Matte matte{image::GreyImage(picture.width, picture.height), "the picture's own alpha"};
    for (std::size_t i = 0; i < matte.alpha.pixels.size(); ++i) {
      matte.alpha.pixels[i] = picture.pixels[4 * i + 3];
    }
    return matte;
  }
};

}  // namespace

bool carries_alpha(const image::Image& picture) {
  for (std::size_t i = 3; picture.channels == 4 && i < picture.pixels.size(); i += 4) {
    if (picture.pixels[i] < kOpaque) {
      return true;
    }
  }
  return false;
}

std::unique_ptr<Matter> alpha_matter() { return std::make_unique<AlphaMatter>(); }

}  // namespace lode::cutout
