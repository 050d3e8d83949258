// SPZ: the subnet's form (404-Repo/spz 0.1) and Niantic's.
#pragma once

#include "base/bytes.h"
#include "splat/cloud.h"

namespace lode::splat {

/// The most gaussians the reference reader accepts (its packer accepts a little more, files that
/// it then cannot read).
inline constexpr std::size_t kMaxSpzGaussians = 10'000'000;

/// How a cloud is packed and compressed; docs/formats/spz.md tells who reads what.
enum class SpzContainer {
  zstd,     ///< version 2 in one zstd frame: what the validators read, and nobody else
  gzip,     ///< version 2 in a gzip member: Niantic's first public form, read by every viewer
  gzip_v3,  ///< version 3 in a gzip member: rotations as their smallest three components
  v4        ///< Niantic's current form: a table of zstd streams, rotations as in version 3
};

struct SpzOptions {
  SpzContainer container = SpzContainer::zstd;
  /// zstd 1..22 or deflate 1..12; 0 is the level of the form's reference packer: 1 for zstd, 6 for
  /// gzip, 12 for v4.
  int level = 0;
};

/// Packs: positions as 24-bit fixed point with 12 fractional bits (range +-2048), 8 bits for
/// everything else (10 bits for rotations from version 3 on); see docs/formats/spz.md. Values
/// outside a field's range are clamped. A cloud that is empty, over kMaxSpzGaussians or holds a
/// value that is not finite (other than an infinite opacity logit) is Errc::invalid_input.
/// Compresses in threads of its own; the bytes depend on the cloud and the options alone.
Result<Bytes> encode_spz(const GaussianCloud& cloud, const SpzOptions& options = {});

/// Unpacks versions 1 and 2 from a zstd frame, 1 to 3 from a gzip member, and version 4. Opacity
/// logits may come back infinite (alpha bytes 0 and 255), as the reference decoder's do. SH degree
/// 4 is not read. Sizes are bounded before allocation.
Result<GaussianCloud> decode_spz(ByteView file);

}  // namespace lode::splat
