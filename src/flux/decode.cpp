#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

#include "flux/decode_internal.h"

namespace lode::flux {

namespace {

// Where tiles of `side` begin along `length`, overlapping by at least `overlap`.
std::vector<std::int64_t> tile_starts(std::int64_t length, std::int64_t side,
                                      std::int64_t overlap) {
  std::vector<std::int64_t> starts = {0};
  while (starts.back() + side < length) {
    starts.push_back(std::min(starts.back() + side - overlap, length - side));
  }
  return starts;
}

// How much a tile counts along one axis: rising over `ramp` pixels at each end that has a
// neighbour, and never 0.
at::Tensor fade(std::int64_t pixels, std::int64_t ramp, bool before, bool after) {
  at::Tensor weights = at::ones({pixels}, at::kFloat);
  const at::Tensor rise = (at::arange(ramp, at::kFloat) + 0.5) / static_cast<double>(ramp);
  if (before) {
    weights.narrow(0, 0, ramp).mul_(rise);
  }
  if (after) {
    weights.narrow(0, pixels - ramp, ramp).mul_(rise.flip(0));
  }
  return weights;
}

}  // namespace

at::Tensor decode(const models::KlDecoder& decoder, const at::Tensor& latents,
                  const TileOptions& options, nn::Pass& pass) {
  const std::int64_t rows = latents.size(2);
  const std::int64_t columns = latents.size(3);
  if (options.side == 0 || (rows <= options.side && columns <= options.side)) {
    return decoder(latents, pass);
  }
  const std::int64_t reduction = decoder.config().reduction();
  const std::int64_t overlap = options.side / 4;
  const std::int64_t height = std::min(options.side, rows);
  const std::int64_t width = std::min(options.side, columns);
  const at::Tensor sum = at::zeros({1, 3, rows * reduction, columns * reduction}, at::kFloat);
  const at::Tensor total = at::zeros({rows * reduction, columns * reduction}, at::kFloat);
  for (const std::int64_t y : tile_starts(rows, height, overlap)) {
    const at::Tensor down = fade(height * reduction, overlap * reduction, y > 0, y + height < rows);
    for (const std::int64_t x : tile_starts(columns, width, overlap)) {
      if (options.stop.stop_requested()) {
        throw nn::Cancelled();
      }
      const at::Tensor tile =
          decoder(latents.narrow(2, y, height).narrow(3, x, width).contiguous(), pass)
              .to(at::kCPU, at::kFloat);
      const at::Tensor across =
          fade(width * reduction, overlap * reduction, x > 0, x + width < columns);
      const at::Tensor weights = down.unsqueeze(1) * across.unsqueeze(0);
      const auto place = [&](const at::Tensor& whole) {
        return whole.narrow(-2, y * reduction, height * reduction)
            .narrow(-1, x * reduction, width * reduction);
      };
      place(sum).add_(tile * weights);
      place(total).add_(weights);
    }
  }
  return sum / total;
}

}  // namespace lode::flux
