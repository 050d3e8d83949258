// What can tell a picture's subject from its background: one interface, several ways.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "image/grey_image.h"
#include "image/image.h"

namespace lode::cutout {

/// How much of each pixel belongs to the subject.
struct Matte {
  image::GreyImage alpha;  ///< of the picture's size; 0 background, 255 subject
  std::string note;        ///< one line for people: how it came about; may be empty
};

/// One way to a matte. Used by one thread at a time.
class Matter {
 public:
  virtual ~Matter() = default;

  /// As flags and reports call it: "alpha", "grabcut".
  virtual std::string_view name() const = 0;

  /// The matte of an RGB or RGBA picture, the same for the same picture. Errc::unsupported when
  /// this way does not apply to the picture, Errc::cancelled soon after a stop was requested.
  virtual Result<Matte> matte(const image::Image& picture, std::stop_token stop) = 0;
};

/// Whether the picture has a pixel of alpha below 250: what an editor left transparent, not the
/// rounding of an opaque channel.
bool carries_alpha(const image::Image& picture);

/// The picture's own alpha; Errc::unsupported when it carries none.
std::unique_ptr<Matter> alpha_matter();

struct GrabCutOptions {
  /// The picture is segmented at this longest side, in pixels; edges are then drawn along those of
  /// the full picture. The graph cut takes time out of proportion to the number of pixels.
  int work_side = 320;
  int iterations = 5;  ///< at most; it ends early when hardly a pixel changes sides
};

/// GrabCut (Rother, Kolmogorov, Blake: "GrabCut", SIGGRAPH 2004) through OpenCV, begun with the
/// border's colours for the background. Needs no weights. Errc::invalid_input when nothing differs
/// from the border, or the picture is smaller than 8x8.
std::unique_ptr<Matter> grabcut_matter(const GrabCutOptions& options = {});

}  // namespace lode::cutout
