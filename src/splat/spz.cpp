#include "splat/spz.h"

#include <algorithm>
#include <future>

#include "splat/finite_internal.h"
#include "splat/spz_body_internal.h"
#include "splat/spz_internal.h"

namespace lode::splat {
namespace {

/// The newest versions that each container's reference reader knows.
constexpr std::uint32_t kNewestInZstd = 2;
constexpr std::uint32_t kNewestInGzip = 3;

Error bad(const std::string& what) { return fail(Errc::invalid_input, "SPZ: " + what); }

Result<GaussianCloud> decode_body(ByteView body, std::uint32_t newest,
                                  GaussianCloud prepared = {}) {
  LODE_TRY(const SpzHeader header, ByteReader(body).read<SpzHeader>("SPZ header"));
  LODE_CHECK(validate(header, newest));
  const std::size_t expected = SpzLayout(header).bytes();
  // Niantic's extensions follow the blocks; the subnet's reader knows none.
  if (newest == kNewestInGzip && (header.flags & kSpzHasExtensions) != 0 &&
      body.size() > expected) {
    LODE_CHECK(check_spz_extensions(body.subspan(expected)));
    body = body.first(expected);
  }
  if (body.size() != expected) {
    return bad(std::to_string(header.n_gaussians) + " gaussians need a body of " +
               std::to_string(expected) + " bytes, there are " + std::to_string(body.size()));
  }
  GaussianCloud cloud = unpack_body(header, body, std::move(prepared));
  if (header.version == 1) {  // half floats can be infinite; no other code can
    LODE_CHECK(check_finite(cloud, "SPZ"));
  }
  return cloud;
}

/// A cloud of the size that a body of `bytes` has when it is of degree 0, as the subnet's are.
GaussianCloud prepared_cloud(std::size_t bytes) {
  SpzHeader header;
  header.n_gaussians = 1;
  const std::size_t each = SpzLayout(header).bytes() - sizeof(header);
  GaussianCloud cloud;
  if ((bytes - sizeof(header)) % each == 0) {
    cloud.resize((bytes - sizeof(header)) / each);
  }
  return cloud;
}

/// Decompresses a frame of a plausible size, and beside it has the kernel find pages for the cloud:
/// in a fresh process these take as long as the decompression.
Result<GaussianCloud> decode_zstd(ByteView file, std::size_t bytes) {
  constexpr std::size_t kLargeBody = 256U << 10;  // below this a thread costs more than it saves
  // A cloud is three times its body, and its pages are touched before the body has been seen.
  constexpr std::size_t kLikelyRatio = 4;
  std::future<GaussianCloud> preparing;
  if (bytes >= kLargeBody && bytes / kLikelyRatio <= file.size()) {
    preparing = std::async(std::launch::async, prepared_cloud, bytes);
  }
  const auto body = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
  LODE_CHECK(decompress_zstd(file, {body.get(), bytes}));
  return decode_body({body.get(), bytes}, kNewestInZstd,
                     preparing.valid() ? preparing.get() : GaussianCloud());
}

Result<Bytes> encode_zstd(const GaussianCloud& cloud, const SpzHeader& header, int level) {
  const std::size_t bytes = SpzLayout(header).bytes();
  const auto body = std::make_unique_for_overwrite<std::uint8_t[]>(bytes);
  const std::span<std::uint8_t> all(body.get(), bytes);
  ZstdFrame frame(bytes, level == 0 ? 1 : level, zstd_workers());
  Result<void> fed;
  LODE_CHECK(pack_body(cloud, header, all, [&](std::size_t n) {
    if (fed) {
      fed = frame.feed(all, n);
    }
  }));
  LODE_CHECK(fed);
  return frame.finish(all);
}

}  // namespace

Result<Bytes> encode_spz(const GaussianCloud& cloud, const SpzOptions& options) {
  if (cloud.size() == 0 || cloud.size() > kMaxSpzGaussians) {
    return bad("1 to " + std::to_string(kMaxSpzGaussians) + " gaussians can be packed, not " +
               std::to_string(cloud.size()));
  }
  if (options.container == SpzContainer::v4) {
    return encode_spz_v4(cloud, options.level);
  }
  SpzHeader header;
  header.version = options.container == SpzContainer::gzip_v3 ? 3 : 2;
  header.n_gaussians = static_cast<std::uint32_t>(cloud.size());
  header.sh_degree = static_cast<std::uint8_t>(cloud.sh_degree);
  if (options.container == SpzContainer::zstd) {
    return encode_zstd(cloud, header, options.level);
  }
  Bytes body(SpzLayout(header).bytes());
  LODE_CHECK(pack_body(cloud, header, body, [](std::size_t) {}));
  return compress_spz(body, SpzContainer::gzip, options.level);
}

Result<GaussianCloud> decode_spz(ByteView file) {
  if (is_spz_v4(file)) {
    return decode_spz_v4(file);
  }
  const bool is_gzip = as_text(file).starts_with("\x1f\x8b");
  if (const auto bytes = plausible_content_bytes(file, kMaxSpzBodyBytes); bytes && !is_gzip) {
    return decode_zstd(file, *bytes);
  }
  LODE_TRY(const Bytes body, decompress_spz(file, kMaxSpzBodyBytes));
  return decode_body(body, is_gzip ? kNewestInGzip : kNewestInZstd);
}

}  // namespace lode::splat
