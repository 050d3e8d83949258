#include "sketch/kit.h"

#include "sketch/lexicon.h"

namespace lode::sketch {
namespace {

/// The colour in place `index` of the prompt's colours, or the fallback.
glm::vec3 wished(const ObjectSpec& spec, std::size_t index, const glm::vec3& fallback) {
  return index < spec.colours.size() ? colour_value(spec.colours[index]).value_or(fallback)
                                     : fallback;
}

}  // namespace

Paint Kit::main(std::uint32_t hex, Finish finish) const {
  Paint paint;
  paint.colour = rgb(hex);
  paint.finish = finish;
  if (const MaterialEntry* entry = material(spec_.material)) {
    paint.finish = entry->finish;
    paint.colour = entry->colour.value_or(paint.colour);
  }
  paint.colour = wished(spec_, 0, paint.colour);
  return paint;
}

Paint Kit::accent(std::uint32_t hex, Finish finish) const {
  Paint paint;
  paint.colour = wished(spec_, 1, rgb(hex));
  paint.finish = finish;
  return paint;
}

Paint Kit::fixed(std::uint32_t hex, Finish finish) {
  Paint paint;
  paint.colour = rgb(hex);
  paint.finish = finish;
  return paint;
}

float Kit::vary(float value, float share) { return value * between(1 - share, 1 + share); }

int Kit::pick(int low, int high) {
  const int count = high - low + 1;
  return low + static_cast<int>(rng_.below(static_cast<std::uint64_t>(count)));
}

}  // namespace lode::sketch
