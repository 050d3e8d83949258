// What an object is built with: parts of solids and paint, the prompt's wishes, and chance.
#pragma once

#include <string_view>
#include <vector>

#include "base/rng.h"
#include "sketch/paint.h"
#include "sketch/sdf.h"
#include "sketch/sketch.h"

namespace lode::sketch {

/// A solid of one paint. Parts may touch and overlap; what lies inside another part is not drawn.
struct Part {
  Solid solid;
  Paint paint;
};

/// Collects the parts of one object. Objects stand on y = 0 around the Y axis, face +Z, and are
/// about one unit high or wide; their natural size is in the table of objects.
class Kit {
 public:
  Kit(const ObjectSpec& spec, const Rng& rng) : spec_(spec), rng_(rng) {}

  void add(Solid solid, Paint paint) { parts_.push_back({std::move(solid), std::move(paint)}); }

  /// The paint of the object's body: the prompt's first colour and its material, else these.
  Paint main(std::uint32_t hex, Finish finish) const;
  /// The paint of a second, smaller share: the prompt's second colour, else this.
  Paint accent(std::uint32_t hex, Finish finish) const;
  /// Whether the prompt names a second colour.
  bool has_accent() const { return spec_.colours.size() > 1; }
  /// A paint that no prompt changes (tyres, eyes, flames).
  static Paint fixed(std::uint32_t hex, Finish finish);

  /// A value of this kind's usual spread: uniform within +-share of it.
  float vary(float value, float share = 0.12F);
  float between(float low, float high) { return static_cast<float>(rng_.uniform(low, high)); }
  bool chance(double probability) { return rng_.uniform() < probability; }
  /// Uniform in low..high, both included.
  int pick(int low, int high);

  const std::vector<Part>& parts() const { return parts_; }

 private:
  const ObjectSpec& spec_;
  Rng rng_;
  std::vector<Part> parts_;
};

}  // namespace lode::sketch
