#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <memory>

#include "splat/spz_internal.h"

namespace lode::splat {
namespace {

/// Deflate's densest code is 258 bytes in 2 bits: no member expands by more.
constexpr std::size_t kMaxDeflateRatio = 1032;
constexpr std::size_t kGzipOverhead = 18;  // header and trailer

struct Free {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  void operator()(libdeflate_compressor* c) const { libdeflate_free_compressor(c); }
  void operator()(libdeflate_decompressor* d) const { libdeflate_free_decompressor(d); }
};

Error bad(const std::string& what) { return fail(Errc::invalid_input, "SPZ: " + what); }

Result<Bytes> compress_zstd(ByteView body, int level) {
  const std::unique_ptr<ZSTD_CCtx, Free> context(ZSTD_createCCtx());
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, std::max(level, 1));
  // One worker cuts the input into jobs as the reference packer does, which makes the frames equal
  // byte for byte; a zstd built without threads ignores it.
  ZSTD_CCtx_setParameter(context.get(), ZSTD_c_nbWorkers, 1);
  Bytes out(ZSTD_compressBound(body.size()));
  const std::size_t size =
      ZSTD_compress2(context.get(), out.data(), out.size(), body.data(), body.size());
  if (ZSTD_isError(size) != 0) {
    return fail(Errc::internal, std::string("SPZ: zstd: ") + ZSTD_getErrorName(size));
  }
  out.resize(size);
  return out;
}

Result<Bytes> compress_gzip(ByteView body, int level) {
  const std::unique_ptr<libdeflate_compressor, Free> compressor(
      libdeflate_alloc_compressor(std::clamp(level, 1, 12)));
  Bytes out(libdeflate_gzip_compress_bound(compressor.get(), body.size()));
  const std::size_t size =
      libdeflate_gzip_compress(compressor.get(), body.data(), body.size(), out.data(), out.size());
  out.resize(size);
  return out;
}

Result<Bytes> decompress_zstd(ByteView file, std::size_t max_bytes) {
  const std::unique_ptr<ZSTD_DCtx, Free> context(ZSTD_createDCtx());
  ZSTD_inBuffer in{file.data(), file.size(), 0};
  Bytes out(std::min<std::size_t>(max_bytes, 64U << 10));
  std::size_t done = 0, hint = 1;
  while (hint != 0) {
    if (done == out.size()) {
      if (out.size() == max_bytes) {
        return fail(Errc::limit_exceeded,
                    "SPZ: the body is larger than " + std::to_string(max_bytes) + " bytes");
      }
      out.resize(std::min(max_bytes, out.size() * 2));
    }
    ZSTD_outBuffer target{out.data(), out.size(), done};
    hint = ZSTD_decompressStream(context.get(), &target, &in);
    if (ZSTD_isError(hint) != 0) {
      return bad(std::string("zstd: ") + ZSTD_getErrorName(hint));
    }
    done = target.pos;
    if (hint != 0 && in.pos == in.size && done < out.size()) {
      return bad("the zstd frame is cut short");
    }
  }
  if (in.pos != in.size) {
    return bad(std::to_string(in.size - in.pos) + " bytes follow the zstd frame");
  }
  out.resize(done);
  return out;
}

Result<Bytes> decompress_gzip(ByteView file, std::size_t max_bytes) {
  if (file.size() < kGzipOverhead) {
    return bad("the gzip member is cut short");
  }
  std::uint32_t declared = 0;  // the trailer's uncompressed size
  std::memcpy(&declared, &file[file.size() - sizeof(declared)], sizeof(declared));
  if (declared > max_bytes) {
    return fail(Errc::limit_exceeded,
                "SPZ: the body is larger than " + std::to_string(max_bytes) + " bytes");
  }
  if (declared / kMaxDeflateRatio > file.size()) {
    return bad("gzip: a size in the trailer that its data cannot reach");
  }
  const std::unique_ptr<libdeflate_decompressor, Free> decompressor(
      libdeflate_alloc_decompressor());
  Bytes out(declared);
  std::size_t consumed = 0, size = 0;
  const auto outcome = libdeflate_gzip_decompress_ex(decompressor.get(), file.data(), file.size(),
                                                     out.data(), out.size(), &consumed, &size);
  if (outcome != LIBDEFLATE_SUCCESS || size != out.size() || consumed != file.size()) {
    return bad("the gzip member is broken or cut short");
  }
  return out;
}

}  // namespace

Result<Bytes> compress_spz(ByteView body, const SpzOptions& options) {
  return options.container == SpzContainer::zstd ? compress_zstd(body, options.level)
                                                 : compress_gzip(body, options.level);
}

Result<Bytes> decompress_spz(ByteView file, std::size_t max_bytes) {
  const std::string_view text = as_text(file);
  if (text.starts_with("\x28\xb5\x2f\xfd")) {
    return decompress_zstd(file, max_bytes);
  }
  if (text.starts_with("\x1f\x8b")) {
    return decompress_gzip(file, max_bytes);
  }
  return bad("begins like neither a zstd frame nor a gzip member");
}

}  // namespace lode::splat
