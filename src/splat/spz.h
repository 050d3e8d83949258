// The subnet's SPZ (404-Repo/spz 0.1): one zstd frame around Niantic's version-2 body.
#pragma once

#include "base/bytes.h"
#include "splat/cloud.h"

namespace lode::splat {

/// The most gaussians the reference reader accepts (its packer accepts a little more, files that
/// it then cannot read).
inline constexpr std::size_t kMaxSpzGaussians = 10'000'000;

/// How the packed body is compressed.
enum class SpzContainer {
  zstd,  ///< what the validators read
  gzip   ///< Niantic's public form, for other viewers
};

struct SpzOptions {
  SpzContainer container = SpzContainer::zstd;
  int level = 1;  ///< zstd level (the base miner's) or deflate level
};

/// Packs: positions as 24-bit fixed point with 12 fractional bits (range +-2048), 8 bits for
/// everything else; see docs/formats/spz.md. Values outside a field's range are clamped. A cloud
/// that is empty, over kMaxSpzGaussians or holds a value that is not finite (other than an infinite
/// opacity logit) is Errc::invalid_input.
Result<Bytes> encode_spz(const GaussianCloud& cloud, const SpzOptions& options = {});

/// Unpacks versions 1 and 2 from a zstd or gzip container. Opacity logits may come back infinite
/// (alpha bytes 0 and 255), as the reference decoder's do. Sizes are bounded before allocation.
Result<GaussianCloud> decode_spz(ByteView file);

}  // namespace lode::splat
