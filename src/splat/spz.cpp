#include "splat/spz.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>

#include "splat/finite_internal.h"
#include "splat/spz_body_internal.h"
#include "splat/spz_internal.h"

namespace lode::splat {
namespace {

/// The newest versions that each container's reference reader knows.
constexpr std::uint32_t kNewestInZstd = 2;
constexpr std::uint32_t kNewestInGzip = 3;

/// Below this a thread costs more than it saves.
constexpr std::size_t kSmallBody = 256U << 10;

Error bad(const std::string& what) { return fail(Errc::invalid_input, "SPZ: " + what); }

Result<SpzHeader> read_header(ByteView body, std::uint32_t newest) {
  LODE_TRY(const SpzHeader header, ByteReader(body).read<SpzHeader>("SPZ header"));
  LODE_CHECK(validate(header, newest));
  return header;
}

Result<void> check_size(const SpzHeader& header, std::size_t body_bytes) {
  const std::size_t expected = SpzLayout(header).bytes();
  if (body_bytes != expected) {
    return bad(std::to_string(header.n_gaussians) + " gaussians need a body of " +
               std::to_string(expected) + " bytes, there are " + std::to_string(body_bytes));
  }
  return {};
}

/// Half floats can be infinite; no other code can.
Result<void> check_decoded(const SpzHeader& header, const GaussianCloud& cloud) {
  return header.version == 1 ? check_finite(cloud, "SPZ") : Result<void>();
}

Result<GaussianCloud> decode_body(ByteView body, std::uint32_t newest) {
  LODE_TRY(const SpzHeader header, read_header(body, newest));
  const std::size_t blocks = SpzLayout(header).bytes();
  // Niantic's extensions follow the blocks; the subnet's reader knows none.
  if (newest == kNewestInGzip && (header.flags & kSpzHasExtensions) != 0 && body.size() > blocks) {
    LODE_CHECK(check_spz_extensions(body.subspan(blocks)));
    body = body.first(blocks);
  }
  LODE_CHECK(check_size(header, body.size()));
  GaussianCloud cloud;
  unpack_body(header, body.data(), cloud, [](std::size_t) { return true; });
  LODE_CHECK(check_decoded(header, cloud));
  return cloud;
}

/// A body that one thread decompresses while another unpacks it.
class GrowingBody {
 public:
  explicit GrowingBody(std::size_t bytes)
      : bytes_(bytes), body_(std::make_unique_for_overwrite<std::uint8_t[]>(bytes)) {}

  std::span<std::uint8_t> all() { return {body_.get(), bytes_}; }
  const std::uint8_t* data() const { return body_.get(); }

  /// The first `n` bytes are there.
  void publish(std::size_t n) { set(n); }
  /// No more bytes will come.
  void finish() { set(ready_.load(std::memory_order_relaxed) | kFinished); }

  /// Waits for the first `n` bytes. False when the last have come before them.
  bool await(std::size_t n) {
    std::size_t ready = ready_.load(std::memory_order_acquire);
    while ((ready & ~kFinished) < n && (ready & kFinished) == 0) {
      ready_.wait(ready, std::memory_order_acquire);
      ready = ready_.load(std::memory_order_acquire);
    }
    return (ready & ~kFinished) >= n;
  }

  /// Nobody will read more of it.
  void abandon() { is_abandoned_.store(true, std::memory_order_relaxed); }
  bool is_abandoned() const { return is_abandoned_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kFinished = std::size_t{1} << 63;

  void set(std::size_t ready) {
    ready_.store(ready, std::memory_order_release);
    ready_.notify_one();
  }

  std::size_t bytes_;
  std::unique_ptr<std::uint8_t[]> body_;
  std::atomic<std::size_t> ready_ = 0;  // bytes, and kFinished
  std::atomic<bool> is_abandoned_ = false;
};

/// What a body that is still growing holds; nothing when it ends too early.
Result<std::optional<GaussianCloud>> unpack_growing(GrowingBody& body) {
  if (!body.await(sizeof(SpzHeader))) {
    return std::nullopt;
  }
  const auto bytes = body.all();
  LODE_TRY(const SpzHeader header, read_header(bytes.first(sizeof(SpzHeader)), kNewestInZstd));
  LODE_CHECK(check_size(header, bytes.size()));
  GaussianCloud cloud;
  if (!unpack_body(header, body.data(), cloud, [&](std::size_t n) { return body.await(n); })) {
    return std::nullopt;
  }
  LODE_CHECK(check_decoded(header, cloud));
  return cloud;
}

/// Decompresses here and unpacks in a thread beside.
Result<GaussianCloud> decode_while_decompressing(ByteView frame, std::size_t bytes) {
  GrowingBody body(bytes);
  auto unpacking = std::async(std::launch::async, [&body] {
    auto cloud = unpack_growing(body);
    if (!cloud) {
      body.abandon();
    }
    return cloud;
  });
  Result<void> outcome;
  {
    struct Finish {
      GrowingBody& body;
      ~Finish() { body.finish(); }  // even when an exception passes: the other thread waits for it
    } finish{body};
    outcome = decompress_zstd(frame, body.all(), [&](std::size_t n) {
      body.publish(n);
      return !body.is_abandoned();
    });
  }
  LODE_TRY(std::optional<GaussianCloud> cloud, unpacking.get());
  LODE_CHECK(outcome);
  if (!cloud) {
    return bad("the body is cut short");
  }
  return *std::move(cloud);
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
  if (!is_gzip) {
    const auto bytes = plausible_content_bytes(file, kMaxSpzBodyBytes);
    if (bytes && *bytes >= kSmallBody) {
      return decode_while_decompressing(file, *bytes);
    }
  }
  LODE_TRY(const Bytes body, decompress_spz(file, kMaxSpzBodyBytes));
  return decode_body(body, is_gzip ? kNewestInGzip : kNewestInZstd);
}

}  // namespace lode::splat
