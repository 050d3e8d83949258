// 3DGS PLY files: binary little-endian, float properties in any order.
#pragma once

#include "base/bytes.h"
#include "splat/cloud.h"

namespace lode::splat {

/// The most gaussians a PLY may hold: the bound of the subnet's packer for its PLY input.
inline constexpr std::size_t kMaxGaussians = 10'485'760;

/// Reads a 3DGS PLY: `binary_little_endian 1.0`, one `vertex` element of scalar properties in any
/// order, among them x y z, f_dc_0..2, opacity, scale_0..2, rot_0..3 (w first) as float; normals
/// and unknown scalar properties are skipped, f_rest_* give the SH degree. ASCII and big-endian
/// files are Errc::unsupported. NaN and infinite positions, scales, rotations or colours are
/// refused with the gaussian's index and the property; opacity logits may be infinite.
Result<GaussianCloud> decode_ply(ByteView file);

struct PlyOptions {
  bool normals = false;  ///< also write nx ny nz (zeros), as Inria's trainer and the base miner do
};

/// x y z [nx ny nz] f_dc_0..2 f_rest_* opacity scale_0..2 rot_0..3, all float32.
Bytes encode_ply(const GaussianCloud& cloud, const PlyOptions& options = {});

}  // namespace lode::splat
