// The compressed containers around an SPZ body.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "splat/spz.h"

namespace lode::splat {

/// One zstd frame with its content size in the header, or one gzip member.
Result<Bytes> compress_spz(ByteView body, SpzContainer container, int level);

/// A zstd frame that is compressed while its content is still being made.
class ZstdFrame {
 public:
  /// Of `content_bytes` bytes. The frame is the same for any number of `workers` >= 1 and whatever
  /// the pieces: zstd cuts the content into jobs by its size and level alone.
  ZstdFrame(std::size_t content_bytes, int level, int workers);
  ~ZstdFrame();
  ZstdFrame(const ZstdFrame&) = delete;
  ZstdFrame& operator=(const ZstdFrame&) = delete;

  /// The first bytes of `content` are final up to `ready`; `content` is the same buffer each time.
  /// Returns once zstd has copied what makes whole jobs, which it then compresses in its threads.
  Result<void> feed(ByteView content, std::size_t ready);
  /// The frame, after the whole content has been fed.
  Result<Bytes> finish(ByteView content);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Workers that keep this machine's processors busy: one more than there are, because the jobs of
/// a cloud of usual size are few and of unequal length.
int zstd_workers();

/// The body of a zstd frame or gzip member. Memory grows with what is really decompressed and never
/// beyond `max_bytes`, so a header that promises much costs nothing; up to kPlausibleRatio times
/// the compressed bytes are allocated at once.
Result<Bytes> decompress_spz(ByteView file, std::size_t max_bytes);

/// No SPZ of real gaussians comes near: robocop's frame expands by 1.5. A promise within it costs a
/// sender a sixteenth of the memory that it makes us allocate.
inline constexpr std::size_t kPlausibleRatio = 16;

/// The content size that a zstd frame states, if it is plausible and at most `max_bytes`.
std::optional<std::size_t> plausible_content_bytes(ByteView frame, std::size_t max_bytes);

/// Decompresses one zstd frame, which must be all of `frame` and fill `content` exactly.
Result<void> decompress_zstd(ByteView frame, std::span<std::uint8_t> content);

/// Whether the file begins as Niantic's version 4 does.
bool is_spz_v4(ByteView file);
/// Version 4: a header of 32 bytes, a table of sizes and one zstd frame for each block.
Result<GaussianCloud> decode_spz_v4(ByteView file);
Result<Bytes> encode_spz_v4(const GaussianCloud& cloud, int level);

}  // namespace lode::splat
