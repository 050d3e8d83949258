// What the parts of splat_bench share: its generated cloud, and the rows each part registers.
#pragma once

#include <cstddef>

#include "splat/cloud.h"

namespace lode::bench {

/// A bumpy sphere of flat, mostly opaque gaussians that just cover it, whatever their number. The
/// same for the same `count`.
splat::GaussianCloud sphere_cloud(std::size_t count);

/// Registers views of the generated clouds and the shared data: 128 to 1080 pixels, one and two
/// threads, with and without the backward pass.
void register_render_benchmarks();

/// Registers reading and writing of PLY and SPZ: generated clouds of 10k to 1M gaussians, and the
/// shared data where it is present.
void register_codec_benchmarks();

}  // namespace lode::bench
