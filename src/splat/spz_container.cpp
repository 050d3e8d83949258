#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <memory>
#include <new>
#include <thread>

#include "base/assert.h"
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

Error too_large(std::size_t max_bytes) {
  return fail(Errc::limit_exceeded,
              "SPZ: the body is larger than " + std::to_string(max_bytes) + " bytes");
}

template <class Context>
std::unique_ptr<Context, Free> owned(Context* context) {
  if (context == nullptr) {
    throw std::bad_alloc();
  }
  return std::unique_ptr<Context, Free>(context);
}

Result<Bytes> compress_gzip(ByteView body, int level) {
  const auto compressor = owned(libdeflate_alloc_compressor(std::clamp(level, 1, 12)));
  Bytes out(libdeflate_gzip_compress_bound(compressor.get(), body.size()));
  const std::size_t size =
      libdeflate_gzip_compress(compressor.get(), body.data(), body.size(), out.data(), out.size());
  out.resize(size);
  return out;
}

/// For a frame that states no size or an implausible one: grows with what comes out.
Result<Bytes> decompress_zstd_growing(ByteView file, std::size_t max_bytes) {
  const auto context = owned(ZSTD_createDCtx());
  ZSTD_inBuffer in{file.data(), file.size(), 0};
  Bytes out(std::min<std::size_t>(max_bytes, 64U << 10));
  std::size_t done = 0, hint = 1;
  while (hint != 0) {
    if (done == out.size()) {
      if (out.size() == max_bytes) {
        return too_large(max_bytes);
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
    return too_large(max_bytes);
  }
  if (declared / kMaxDeflateRatio > file.size()) {
    return bad("gzip: a size in the trailer that its data cannot reach");
  }
  const auto decompressor = owned(libdeflate_alloc_decompressor());
  Bytes out(declared);
  std::size_t consumed = 0, size = 0;
  const auto outcome = libdeflate_gzip_decompress_ex(decompressor.get(), file.data(), file.size(),
                                                     out.data(), out.size(), &consumed, &size);
  if (outcome != LIBDEFLATE_SUCCESS || size != out.size() || consumed != file.size()) {
    return bad("the gzip member is broken or cut short");
  }
  return out;
}

bool is_zstd(ByteView file) { return as_text(file).starts_with("\x28\xb5\x2f\xfd"); }

}  // namespace

struct ZstdFrame::State {
  std::unique_ptr<ZSTD_CCtx, Free> context;
  std::size_t content_bytes = 0;
  std::size_t fed = 0;
  Bytes frame;           // allocated when zstd first has to empty its own buffers into it
  std::size_t size = 0;  // bytes of the frame that are there

  Result<void> advance(ByteView content, std::size_t ready, ZSTD_EndDirective end) {
    ZSTD_inBuffer in{content.data(), ready, fed};
    std::size_t left = 1;
    while (end == ZSTD_e_end ? left != 0 : in.pos < in.size) {
      const std::size_t before = in.pos;
      ZSTD_outBuffer out{frame.data(), frame.size(), size};
      left = ZSTD_compressStream2(context.get(), &out, &in, end);
      if (ZSTD_isError(left) != 0) {
        return fail(Errc::internal, std::string("SPZ: zstd: ") + ZSTD_getErrorName(left));
      }
      size = out.pos;
      if (in.pos == before && frame.empty()) {
        frame.resize(ZSTD_compressBound(content_bytes));
      }
    }
    fed = in.pos;
    return {};
  }
};

ZstdFrame::ZstdFrame(std::size_t content_bytes, int level, int workers)
    : state_(std::make_unique<State>()) {
  state_->context = owned(ZSTD_createCCtx());
  state_->content_bytes = content_bytes;
  ZSTD_CCtx* context = state_->context.get();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
  // With workers zstd cuts the input into jobs as the reference packer does, which makes the frames
  // equal byte for byte; a zstd built without threads ignores it.
  ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, workers);
  ZSTD_CCtx_setPledgedSrcSize(context, content_bytes);
}

ZstdFrame::~ZstdFrame() = default;

Result<void> ZstdFrame::feed(ByteView content, std::size_t ready) {
  // A content that makes a single job is given whole: zstd then works as in one call.
  constexpr std::size_t kSmallestSplit = 2U << 20;
  if (ready < kSmallestSplit || ready == state_->content_bytes) {
    return {};
  }
  return state_->advance(content, ready, ZSTD_e_continue);
}

Result<Bytes> ZstdFrame::finish(ByteView content) {
  LODE_ASSERT(content.size() == state_->content_bytes, "the frame's content has its stated size");
  if (state_->fed == 0) {
    state_->frame.resize(ZSTD_compressBound(content.size()));
  }
  LODE_CHECK(state_->advance(content, content.size(), ZSTD_e_end));
  state_->frame.resize(state_->size);
  return std::move(state_->frame);
}

int zstd_workers() {
  constexpr unsigned kMost = 8;  // each holds a job's input and output, some megabytes
  return static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1U, kMost)) + 1;
}

Result<Bytes> compress_spz(ByteView body, SpzContainer container, int level) {
  if (container == SpzContainer::zstd) {
    return ZstdFrame(body.size(), level == 0 ? 1 : level, zstd_workers()).finish(body);
  }
  return compress_gzip(body, level == 0 ? 6 : level);
}

std::optional<std::size_t> plausible_content_bytes(ByteView frame, std::size_t max_bytes) {
  const unsigned long long stated = ZSTD_getFrameContentSize(frame.data(), frame.size());
  if (stated == ZSTD_CONTENTSIZE_UNKNOWN || stated == ZSTD_CONTENTSIZE_ERROR ||
      stated > max_bytes || stated / kPlausibleRatio > frame.size()) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(stated);
}

Result<void> decompress_zstd(ByteView frame, std::span<std::uint8_t> content) {
  // In one call, which would take frame after frame: hence the look for the first one's end.
  const std::size_t end = ZSTD_findFrameCompressedSize(frame.data(), frame.size());
  if (ZSTD_isError(end) != 0) {
    return bad(std::string("zstd: ") + ZSTD_getErrorName(end));
  }
  if (end != frame.size()) {
    return bad(std::to_string(frame.size() - end) + " bytes follow the zstd frame");
  }
  const auto context = owned(ZSTD_createDCtx());
  const std::size_t size = ZSTD_decompressDCtx(context.get(), content.data(), content.size(),
                                               frame.data(), frame.size());
  if (ZSTD_isError(size) != 0) {
    return bad(std::string("zstd: ") + ZSTD_getErrorName(size));
  }
  if (size != content.size()) {
    return bad("the zstd frame holds less than was expected");
  }
  return {};
}

Result<Bytes> decompress_spz(ByteView file, std::size_t max_bytes) {
  if (is_zstd(file)) {
    const auto size = plausible_content_bytes(file, max_bytes);
    if (!size) {
      return decompress_zstd_growing(file, max_bytes);
    }
    Bytes body(*size);
    LODE_CHECK(decompress_zstd(file, body));
    return body;
  }
  if (as_text(file).starts_with("\x1f\x8b")) {
    return decompress_gzip(file, max_bytes);
  }
  return bad("begins like neither a zstd frame, a gzip member nor 'NGSP'");
}

}  // namespace lode::splat
