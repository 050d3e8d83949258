// The compressed container around an SPZ body.
#pragma once

#include "splat/spz.h"

namespace lode::splat {

/// One zstd frame with its content size in the header, or one gzip member.
Result<Bytes> compress_spz(ByteView body, const SpzOptions& options);

/// The body of either container. Memory grows with what is really decompressed and never beyond
/// `max_bytes`, so a header that promises much costs nothing.
Result<Bytes> decompress_spz(ByteView file, std::size_t max_bytes);

}  // namespace lode::splat
