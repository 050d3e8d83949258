// WebP through libwebp and its demultiplexer.
#include <webp/decode.h>
#include <webp/demux.h>

#include <memory>

#include "image/codec_internal.h"

namespace lode::image {
namespace {

struct DeleteDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct DeleteAnimation {
  void operator()(WebPAnimDecoder* decoder) const { WebPAnimDecoderDelete(decoder); }
};

/// The payload of a metadata chunk, or nothing.
Bytes chunk_of(const WebPDemuxer* demuxer, const char* name) {
  WebPChunkIterator chunk;
  Bytes bytes;
  if (WebPDemuxGetChunk(demuxer, name, 1, &chunk) != 0) {
    bytes.assign(chunk.chunk.bytes, chunk.chunk.bytes + chunk.chunk.size);
  }
  WebPDemuxReleaseChunkIterator(&chunk);
  return bytes;
}

void read_metadata(ByteView bytes, StoredPicture& picture) {
  const WebPData data{bytes.data(), bytes.size()};
  const std::unique_ptr<WebPDemuxer, DeleteDemuxer> demuxer(WebPDemux(&data));
  if (!demuxer) {
    return;
  }
  picture.orientation = exif_orientation(chunk_of(demuxer.get(), "EXIF"));
  picture.profile = chunk_of(demuxer.get(), "ICCP");
  if (picture.profile.size() > kMaxProfileBytes) {
    picture.profile.clear();
    picture.notes.emplace_back("the ICC profile is too large to be read: sRGB assumed");
  }
}

Result<StoredPicture> decode_first_frame(ByteView bytes) {
  const WebPData data{bytes.data(), bytes.size()};
  const std::unique_ptr<WebPAnimDecoder, DeleteAnimation> decoder(
      WebPAnimDecoderNew(&data, nullptr));
  WebPAnimInfo info{};
  std::uint8_t* frame = nullptr;
  int timestamp = 0;
  if (!decoder || WebPAnimDecoderGetInfo(decoder.get(), &info) == 0 ||
      WebPAnimDecoderGetNext(decoder.get(), &frame, &timestamp) == 0) {
    return fail(Errc::invalid_input, "WebP: the animation is broken or cut short");
  }
  StoredPicture picture;
  picture.image =
      Image(static_cast<int>(info.canvas_width), static_cast<int>(info.canvas_height), 4);
  std::copy_n(frame, picture.image.pixels.size(), picture.image.pixels.data());
  picture.notes.push_back("the first of " + std::to_string(info.frame_count) +
                          " frames of an animation");
  return picture;
}

}  // namespace

Result<StoredPicture> decode_webp(ByteView bytes) {
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(bytes.data(), bytes.size(), &features) != VP8_STATUS_OK) {
    return fail(Errc::invalid_input, "WebP: the header is broken or cut short");
  }
  LODE_CHECK(validate_size("WebP", features.width, features.height));
  StoredPicture picture;
  if (features.has_animation != 0) {
    LODE_TRY(picture, decode_first_frame(bytes));
  } else {
    Image& image = picture.image =
        Image(features.width, features.height, features.has_alpha != 0 ? 4 : 3);
    const auto decode_into = image.channels == 4 ? WebPDecodeRGBAInto : WebPDecodeRGBInto;
    if (decode_into(bytes.data(), bytes.size(), image.pixels.data(), image.pixels.size(),
                    image.width * image.channels) == nullptr) {
      return fail(Errc::invalid_input, "WebP: the picture data is broken or cut short");
    }
  }
  read_metadata(bytes, picture);
  return picture;
}

}  // namespace lode::image
