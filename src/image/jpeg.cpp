// JPEG through libjpeg-turbo; EXIF and ICC blocks are found here.
#include <turbojpeg.h>

#include <map>
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

constexpr std::uint8_t kMarker = 0xff, kStartOfScan = 0xda, kApp1 = 0xe1, kApp2 = 0xe2;
constexpr std::string_view kExifPrefix("Exif\0\0", 6);
constexpr std::string_view kIccPrefix("ICC_PROFILE\0", 12);

/// Calls `visit(marker, payload)` for the segments before the first scan. Stops at what is no
/// segment: the decoder says what is wrong with the file.
template <class Visit>
void for_each_segment(ByteView bytes, const Visit& visit) {
  std::size_t at = 2;  // behind the start of image
  while (at + 4 <= bytes.size() && bytes[at] == kMarker) {
    const std::uint8_t marker = bytes[at + 1];
    if (marker == kMarker) {  // padding
      ++at;
      continue;
    }
    const std::size_t length = static_cast<std::size_t>(bytes[at + 2]) << 8 | bytes[at + 3];
    if (marker == kStartOfScan || length < 2 || at + 2 + length > bytes.size()) {
      return;
    }
    visit(marker, bytes.subspan(at + 4, length - 2));
    at += 2 + length;
  }
}

/// EXIF's orientation and the ICC profile, which is stored in numbered pieces (ICC.1, annex B.4).
void read_metadata(ByteView bytes, StoredPicture& picture) {
  std::map<std::uint8_t, ByteView> pieces;
  std::size_t expected = 0;
  for_each_segment(bytes, [&](std::uint8_t marker, ByteView payload) {
    const std::string_view text = as_text(payload);
    if (marker == kApp1 && text.starts_with(kExifPrefix)) {
      picture.orientation = exif_orientation(payload);
    } else if (marker == kApp2 && text.starts_with(kIccPrefix) && payload.size() > 14) {
      expected = payload[13];
      pieces.emplace(payload[12], payload.subspan(14));
    }
  });
  if (pieces.empty() || pieces.size() != expected) {
    return;
  }
  for (const auto& [number, piece] : pieces) {
    picture.profile.insert(picture.profile.end(), piece.begin(), piece.end());
  }
  if (picture.profile.size() > kMaxProfileBytes) {
    picture.profile.clear();
    picture.notes.emplace_back("the ICC profile is too large to be read: sRGB assumed");
  }
}

}  // namespace

Result<StoredPicture> decode_jpeg(ByteView bytes) {
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
  StoredPicture picture;
  const bool is_cmyk = colour_space == TJCS_CMYK || colour_space == TJCS_YCCK;
  picture.model = is_cmyk                     ? ColourModel::cmyk
                  : colour_space == TJCS_GRAY ? ColourModel::grey
                                              : ColourModel::rgb;
  picture.image = Image(width, height, is_cmyk ? 4 : 3);
  // TJFLAG_LIMITSCANS bounds the time a malicious progressive file can take.
  if (tjDecompress2(handle.get(), bytes.data(), bytes.size(), picture.image.pixels.data(), width, 0,
                    height, is_cmyk ? TJPF_CMYK : TJPF_RGB, TJFLAG_LIMITSCANS) != 0) {
    const std::string message = tjGetErrorStr2(handle.get());
    if (tjGetErrorCode(handle.get()) == TJERR_FATAL || is_cut_short(message)) {
      return fail(Errc::invalid_input, "JPEG: " + message);
    }
  }
  read_metadata(bytes, picture);
  return picture;
}

}  // namespace lode::image
