// JPEG through libjpeg-turbo.
#include <turbojpeg.h>

#include <memory>

#include "image/codec_internal.h"

namespace lode::image {
namespace {

struct Destroy {
  void operator()(void* handle) const { tjDestroy(handle); }
};
using Handle = std::unique_ptr<void, Destroy>;

/// A cut file is reported as a warning whose text holds "premature end"; other warnings (stray
/// bytes between segments) are common in pictures that every viewer shows.
bool is_cut_short(const std::string& message) {
  return message.find("remature end") != message.npos;
}

}  // namespace

Result<Image> decode_jpeg(ByteView bytes) {
  const Handle handle(tjInitDecompress());
  if (!handle) {
    return fail(Errc::internal, "JPEG: libjpeg-turbo could not start");
  }
  int width = 0, height = 0, subsampling = 0, colour_space = 0;
  if (tjDecompressHeader3(handle.get(), bytes.data(), bytes.size(), &width, &height, &subsampling,
                          &colour_space) != 0) {
    return fail(Errc::invalid_input, std::string("JPEG: ") + tjGetErrorStr2(handle.get()));
  }
  LODE_CHECK(validate_size("JPEG", width, height));
  if (colour_space == TJCS_CMYK || colour_space == TJCS_YCCK) {
    return fail(Errc::unsupported, "JPEG: four-colour print data, RGB or grey expected");
  }
  Image image(width, height, 3);
  // TJFLAG_LIMITSCANS bounds the time a malicious progressive file can take.
  if (tjDecompress2(handle.get(), bytes.data(), bytes.size(), image.pixels.data(), width, 0, height,
                    TJPF_RGB, TJFLAG_LIMITSCANS) != 0) {
    const std::string message = tjGetErrorStr2(handle.get());
    if (tjGetErrorCode(handle.get()) == TJERR_FATAL || is_cut_short(message)) {
      return fail(Errc::invalid_input, "JPEG: " + message);
    }
  }
  return image;
}

}  // namespace lode::image
