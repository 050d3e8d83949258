// Any bytes as a preset: one whose every value is within its bounds, or a refusal.
#include <cmath>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "dream/schedule.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const auto preset = dream::parse_preset(as_text({data, size}), "fuzz.toml");
  if (!preset) {
    for (const char c : preset.error().context) {
      LODE_ASSERT(c != '\x1b', "no terminal obeys a preset's error");
    }
    return 0;
  }
  LODE_ASSERT(preset->iters >= 1 && preset->num_pts >= 4 && preset->batch_size >= 1,
              "there is something to do");
  LODE_ASSERT(preset->lambda() > 0, "there is a guidance");
  for (const float elevation : {-80.0F, 0.0F, 80.0F}) {
    const dream::ElevationRange range = dream::elevation_range(*preset, elevation);
    LODE_ASSERT(range.min < range.max, "there are views to draw");
  }
  for (const double position : {0.0, 1.0, 1e6}) {
    const float rate = dream::learning_rates(*preset, position).position;
    LODE_ASSERT(std::isfinite(rate) && rate > 0, "positions have a rate");
  }
  return 0;
}
