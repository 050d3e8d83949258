// The subject of a picture: which pixels belong to it.
#pragma once

#include <stop_token>
#include <vector>

#include "base/result.h"
#include "image/image.h"

namespace lode::sketch {

/// Which pixels of a picture show its subject, row-major.
struct Mask {
  int width = 0;
  int height = 0;
  std::vector<bool> is_subject;

  bool at(int x, int y) const {
    return x >= 0 && y >= 0 && x < width && y < height &&
           is_subject[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                      static_cast<std::size_t>(x)];
  }
  std::size_t count() const;
};

/// The subject's silhouette: pixels of alpha >= 128 where the picture has transparency, otherwise
/// those that cannot be reached from the border through colours like the border's (or, where those
/// are many, what stands out by colour and place, see colour_model.h). Of several
/// pieces the largest is kept, and pinholes are closed. Errc::invalid_input when nothing or
/// everything would be subject; Errc::cancelled after a requested stop.
Result<Mask> find_subject(const image::Image& picture, const std::stop_token& stop = {});

/// The subject cut out: RGBA, cropped to the silhouette with `margin` transparent pixels around,
/// the mask as alpha. The mask must fit the picture and hold a subject.
image::Image cut_out(const image::Image& picture, const Mask& mask, int margin);

}  // namespace lode::sketch
