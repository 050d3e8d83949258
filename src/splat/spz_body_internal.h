// The body of an SPZ file before compression: a header and one block for each parameter.
#pragma once

#include <functional>
#include <span>

#include "base/bytes.h"
#include "splat/cloud.h"
#include "splat/spz.h"

namespace lode::splat {

inline constexpr std::uint32_t kSpzMagic = 0x5053474e;  // "NGSP"

/// The 16 bytes at the front of the body in versions 1 to 3.
struct SpzHeader {
  std::uint32_t magic = kSpzMagic;
  std::uint32_t version = 2;
  std::uint32_t n_gaussians = 0;
  std::uint8_t sh_degree = 0;
  std::uint8_t fractional_bits = 12;
  std::uint8_t flags = 0;  ///< 1: antialiased, without meaning here; 2: extensions follow
  std::uint8_t reserved = 0;
};
static_assert(sizeof(SpzHeader) == 16);

inline constexpr std::uint8_t kSpzHasExtensions = 2;

/// The blocks in the order of the body, which is also that of the streams of version 4.
enum SpzBlock : std::size_t {
  kPositions,
  kAlphas,
  kColours,
  kScales,
  kRotations,
  kSh,
  kSpzBlockCount
};

/// Where the blocks of a body lie. Version 4 is laid out here as if its streams were one body.
struct SpzLayout {
  explicit SpzLayout(const SpzHeader& header);

  std::size_t begin(SpzBlock block) const { return offsets[block]; }
  std::size_t size(SpzBlock block) const { return offsets[block + 1] - offsets[block]; }
  std::size_t bytes() const { return offsets[kSpzBlockCount]; }  ///< the whole body

  std::size_t offsets[kSpzBlockCount + 1];
};

/// The largest body that is read: version 3 or 4, degree 3.
inline constexpr std::size_t kMaxSpzBodyBytes = sizeof(SpzHeader) + kMaxSpzGaussians * (20 + 45);

/// Whether the header is one we read, of a version from 1 to `newest_version`. Nothing is allocated
/// before this.
Result<void> validate(const SpzHeader& header, std::uint32_t newest_version);

/// Checks extension records, each a type, a length and a payload. All can be skipped but one: a
/// coordinate system other than ours (right, up, back) is Errc::unsupported.
Result<void> check_spz_extensions(ByteView records);

/// Packs `cloud` into `body`, SpzLayout(header).bytes() long, front to back; header.version 2, 3 or
/// 4 decides the form of rotations. Calls `packed(n)` as the first n bytes become final. A
/// parameter that is not finite (an opacity logit that is NaN) is Errc::invalid_input.
Result<void> pack_body(const GaussianCloud& cloud, const SpzHeader& header,
                       std::span<std::uint8_t> body,
                       const std::function<void(std::size_t)>& packed);

/// Unpacks a body of SpzLayout(header).bytes() into `prepared`, whatever that holds: arrays that
/// have the right length already save their allocation. Version 1 may yield positions that are not
/// finite.
GaussianCloud unpack_body(const SpzHeader& header, ByteView body, GaussianCloud prepared = {});

}  // namespace lode::splat
