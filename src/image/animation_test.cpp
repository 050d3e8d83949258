#include "image/animation.h"

#include <gif_lib.h>
#include <gtest/gtest.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <webm/buffer_reader.h>
#include <webm/callback.h>
#include <webm/webm_parser.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include "base/rng.h"

namespace lode::image {
namespace {

/// A shaded ball on white, as the turntables show objects: frame `index` of `count`.
Image ball(int width, int height, int index, int count) {
  Image image(width, height, 3, 255);
  const double angle = 2 * std::numbers::pi * index / count;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const double u = (x + 0.5) * 2 / width - 1, v = (y + 0.5) * 2 / height - 1;
      const double squared = (u * u + v * v) / 0.64;
      if (squared < 1) {
        const double light = 0.4 + 0.6 * std::sqrt(1 - squared);
        const double stripe = 0.5 + 0.5 * std::sin(6 * u + angle);
        std::uint8_t* p = image.at(x, y);
        p[0] = static_cast<std::uint8_t>(230 * light);
        p[1] = static_cast<std::uint8_t>(200 * light * stripe);
        p[2] = static_cast<std::uint8_t>(90 * light * (1 - stripe));
      }
    }
  }
  return image;
}

std::vector<Image> balls(int width, int height, int count) {
  std::vector<Image> frames;
  for (int i = 0; i < count; ++i) {
    frames.push_back(ball(width, height, i, count));
  }
  return frames;
}

Bytes encoded(Result<std::unique_ptr<AnimationEncoder>> encoder, const std::vector<Image>& frames) {
  EXPECT_TRUE(encoder);
  for (const Image& frame : frames) {
    const auto added = (*encoder)->add(frame);
    EXPECT_TRUE(added) << added.error().message();
  }
  const auto bytes = (*encoder)->finish();
  EXPECT_TRUE(bytes) << bytes.error().message();
  return bytes ? *bytes : Bytes();
}

// --- GIF, read back by giflib -------------------------------------------------------------------

struct Gif {
  explicit Gif(ByteView bytes) : rest(bytes) {
    int error = 0;
    file = DGifOpen(this, read, &error);
    EXPECT_NE(file, nullptr);
    EXPECT_EQ(DGifSlurp(file), GIF_OK);
  }
  ~Gif() { DGifCloseFile(file, nullptr); }
  Gif(const Gif&) = delete;
  Gif& operator=(const Gif&) = delete;

  static int read(GifFileType* gif, GifByteType* out, int count) {
    auto* self = static_cast<Gif*>(gif->UserData);
    const auto size = std::min(self->rest.size(), static_cast<std::size_t>(count));
    std::memcpy(out, self->rest.data(), size);
    self->rest = self->rest.subspan(size);
    return static_cast<int>(size);
  }

  Image frame(int index) const {
    const SavedImage& saved = file->SavedImages[index];
    Image image(saved.ImageDesc.Width, saved.ImageDesc.Height, 3);
    for (std::size_t i = 0; i < image.pixels.size() / 3; ++i) {
      const GifColorType& colour = saved.ImageDesc.ColorMap->Colors[saved.RasterBits[i]];
      image.pixels[i * 3] = colour.Red;
      image.pixels[i * 3 + 1] = colour.Green;
      image.pixels[i * 3 + 2] = colour.Blue;
    }
    return image;
  }

  std::vector<int> delays() const {
    std::vector<int> hundredths;
    for (int i = 0; i < file->ImageCount; ++i) {
      GraphicsControlBlock control{};
      EXPECT_EQ(DGifSavedExtensionToGCB(file, i, &control), GIF_OK);
      hundredths.push_back(control.DelayTime);
    }
    return hundredths;
  }

  ByteView rest;
  GifFileType* file = nullptr;
};

TEST(GifAnimation, KeepsEveryFrameItsSizeAndItsColours) {
  const std::vector<Image> frames = balls(61, 48, 7);
  const Bytes bytes = encoded(gif_encoder(20), frames);
  const Gif gif(bytes);
  EXPECT_EQ(gif.file->SWidth, 61);
  EXPECT_EQ(gif.file->SHeight, 48);
  ASSERT_EQ(gif.file->ImageCount, 7);
  for (int i = 0; i < 7; ++i) {
    const auto difference = compare(gif.frame(i), frames[i]);
    ASSERT_TRUE(difference) << difference.error().message();
    EXPECT_GT(difference->psnr_db, 38) << i;
    EXPECT_LE(difference->max_abs, 20) << i;
    EXPECT_EQ(gif.frame(i).at(0, 0)[0], 255) << "white stays white";
  }
}

TEST(GifAnimation, LoopsForEver) {
  const Gif gif(encoded(gif_encoder(20), balls(16, 16, 2)));
  ASSERT_GE(gif.file->SavedImages[0].ExtensionBlockCount, 2);
  const ExtensionBlock* blocks = gif.file->SavedImages[0].ExtensionBlocks;
  EXPECT_EQ(blocks[0].Function, APPLICATION_EXT_FUNC_CODE);
  EXPECT_EQ(std::memcmp(blocks[0].Bytes, "NETSCAPE2.0", 11), 0);
  ASSERT_EQ(blocks[1].ByteCount, 3);
  EXPECT_EQ(Bytes(blocks[1].Bytes, blocks[1].Bytes + 3), (Bytes{1, 0, 0}));
}

TEST(GifAnimation, LastsAsLongAsItsRateSays) {
  const std::vector<int> delays = Gif(encoded(gif_encoder(24), balls(8, 8, 48))).delays();
  EXPECT_EQ(std::accumulate(delays.begin(), delays.end(), 0), 200);
  for (const int delay : delays) {
    EXPECT_GE(delay, 4);
    EXPECT_LE(delay, 5);
  }
}

TEST(GifAnimation, PutsTransparencyOverWhite) {
  Image frame(4, 4, 4, 0);
  const Gif gif(encoded(gif_encoder(10), {frame}));
  EXPECT_EQ(gif.frame(0).pixels, Image(4, 4, 3, 255).pixels);
}

/// A square of ten thousand colours; nine tenths of the picture are white.
Image many_colours() {
  Image frame(320, 320, 3, 255);
  for (int y = 0; y < 100; ++y) {
    for (int x = 0; x < 100; ++x) {
      std::uint8_t* p = frame.at(x + 110, y + 110);
      p[0] = static_cast<std::uint8_t>(250 - 2 * y);
      p[1] = static_cast<std::uint8_t>(40 + 2 * x);
      p[2] = static_cast<std::uint8_t>(30 + x);
    }
  }
  return frame;
}

TEST(GifAnimation, SpendsItsColoursOnTheObjectNotOnTheBackground) {
  const Gif gif(encoded(gif_encoder(20), {many_colours()}));
  EXPECT_GT(compare(gif.frame(0), many_colours())->psnr_db, 46);
}

TEST(GifAnimation, KeepsColoursFromFrameToFrameButNotBeyondACut) {
  const Image frame = many_colours();
  Image other = frame;  // in wholly different ones
  for (std::size_t i = 0; i < other.pixels.size(); i += 3) {
    std::swap(other.pixels[i], other.pixels[i + 2]);
  }
  const Gif gif(encoded(gif_encoder(20), {frame, frame, other}));
  const double first = compare(gif.frame(0), frame)->psnr_db;
  EXPECT_GT(compare(gif.frame(1), frame)->psnr_db, first) << "k-means goes on";
  const Gif alone(encoded(gif_encoder(20), {other}));
  EXPECT_GE(compare(gif.frame(2), other)->psnr_db, compare(alone.frame(0), other)->psnr_db - 0.5);
}

TEST(GifAnimation, HoldsPicturesOfMoreColoursThanItsPalette) {
  Rng rng(3);
  Image noise(64, 64, 3);
  for (auto& value : noise.pixels) {
    value = static_cast<std::uint8_t>(rng.next());
  }
  const Gif gif(encoded(gif_encoder(10), {noise}));
  EXPECT_GT(compare(gif.frame(0), noise)->psnr_db, 20);
}

// --- WebM, read back by libwebm and libvpx
// --------------------------------------------------------

struct Webm : webm::Callback {
  explicit Webm(const Bytes& bytes) {
    webm::BufferReader reader(bytes);
    webm::WebmParser parser;
    const webm::Status status = parser.Feed(this, &reader);
    EXPECT_TRUE(status.completed_ok()) << status.code;
  }

  webm::Status OnEbml(const webm::ElementMetadata&, const webm::Ebml& ebml) override {
    doc_type = ebml.doc_type.value();
    return webm::Status(webm::Status::kOkCompleted);
  }
  webm::Status OnSegmentBegin(const webm::ElementMetadata& metadata,
                              webm::Action* action) override {
    segment_begin = metadata.position + metadata.header_size;
    segment_size = metadata.size;
    *action = webm::Action::kRead;
    return webm::Status(webm::Status::kOkCompleted);
  }
  webm::Status OnInfo(const webm::ElementMetadata&, const webm::Info& value) override {
    info = value;
    return webm::Status(webm::Status::kOkCompleted);
  }
  webm::Status OnTrackEntry(const webm::ElementMetadata&, const webm::TrackEntry& value) override {
    track = value;
    return webm::Status(webm::Status::kOkCompleted);
  }
  webm::Status OnCuePoint(const webm::ElementMetadata&, const webm::CuePoint& value) override {
    cues.push_back(value);
    return webm::Status(webm::Status::kOkCompleted);
  }
  webm::Status OnClusterBegin(const webm::ElementMetadata& metadata, const webm::Cluster& value,
                              webm::Action* action) override {
    cluster_positions.push_back(metadata.position - segment_begin);
    cluster_time = value.timecode.value();
    *action = webm::Action::kRead;
    return webm::Status(webm::Status::kOkCompleted);
  }
  webm::Status OnSimpleBlockBegin(const webm::ElementMetadata&, const webm::SimpleBlock& block,
                                  webm::Action* action) override {
    times.push_back(static_cast<std::int64_t>(cluster_time) + block.timecode);
    keys.push_back(block.is_key_frame);
    *action = webm::Action::kRead;
    return webm::Status(webm::Status::kOkCompleted);
  }
  webm::Status OnFrame(const webm::FrameMetadata&, webm::Reader* reader,
                       std::uint64_t* remaining) override {
    Bytes data(*remaining);
    std::uint64_t done = 0;
    const webm::Status status = reader->Read(data.size(), data.data(), &done);
    *remaining -= done;
    packets.push_back(std::move(data));
    return status;
  }

  /// Every packet decoded to RGB.
  std::vector<Image> decode() const;

  std::string doc_type;
  std::uint64_t segment_begin = 0, segment_size = 0;
  webm::Info info;
  webm::TrackEntry track;
  std::vector<webm::CuePoint> cues;
  std::vector<std::uint64_t> cluster_positions;
  std::uint64_t cluster_time = 0;
  std::vector<std::int64_t> times;
  std::vector<bool> keys;
  std::vector<Bytes> packets;
};

/// BT.709 of limited range back to RGB (ITU-R BT.709-6, item 4), nearest chroma sample.
Image to_rgb(const vpx_image_t& picture) {
  EXPECT_EQ(picture.fmt, VPX_IMG_FMT_I420);
  EXPECT_EQ(picture.cs, VPX_CS_BT_709);
  EXPECT_EQ(picture.range, VPX_CR_STUDIO_RANGE);
  Image image(static_cast<int>(picture.d_w), static_cast<int>(picture.d_h), 3);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const double luma = (picture.planes[0][y * picture.stride[0] + x] - 16) / 219.0;
      const double cb = (picture.planes[1][y / 2 * picture.stride[1] + x / 2] - 128) / 224.0;
      const double cr = (picture.planes[2][y / 2 * picture.stride[2] + x / 2] - 128) / 224.0;
      const double red = luma + 1.5748 * cr, blue = luma + 1.8556 * cb;
      const double green = (luma - 0.2126 * red - 0.0722 * blue) / 0.7152;
      std::uint8_t* p = image.at(x, y);
      for (const double value : {red, green, blue}) {
        *p++ = static_cast<std::uint8_t>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
      }
    }
  }
  return image;
}

std::vector<Image> Webm::decode() const {
  std::vector<Image> images;
  vpx_codec_ctx_t codec{};
  EXPECT_EQ(vpx_codec_dec_init(&codec, vpx_codec_vp9_dx(), nullptr, 0), VPX_CODEC_OK);
  for (const Bytes& packet : packets) {
    EXPECT_EQ(
        vpx_codec_decode(&codec, packet.data(), static_cast<unsigned>(packet.size()), nullptr, 0),
        VPX_CODEC_OK);
    vpx_codec_iter_t iterator = nullptr;
    while (const vpx_image_t* picture = vpx_codec_get_frame(&codec, &iterator)) {
      images.push_back(to_rgb(*picture));
    }
  }
  vpx_codec_destroy(&codec);
  return images;
}

TEST(WebmAnimation, KeepsEveryFrameItsSizeAndItsColours) {
  for (const auto& [width, height] : {std::pair(96, 64), std::pair(61, 47), std::pair(1, 1)}) {
    SCOPED_TRACE(width);
    const std::vector<Image> frames = balls(width, height, 9);
    const Webm video(encoded(webm_encoder(20), frames));
    EXPECT_EQ(video.track.video.value().pixel_width.value(), static_cast<unsigned>(width));
    EXPECT_EQ(video.track.video.value().pixel_height.value(), static_cast<unsigned>(height));
    const std::vector<Image> decoded = video.decode();
    ASSERT_EQ(decoded.size(), frames.size());
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto difference = compare(decoded[i], frames[i]);
      ASSERT_TRUE(difference) << difference.error().message();
      // Half of the error is the halved resolution of colour at the ball's rim.
      EXPECT_GT(difference->psnr_db, 30) << i;
    }
  }
}

TEST(WebmAnimation, KeepsPlainColoursToWithinRounding) {
  for (const Rgb colour : {Rgb{255, 255, 255}, Rgb{0, 0, 0}, Rgb{255, 0, 0}, Rgb{0, 255, 0},
                           Rgb{0, 0, 255}, Rgb{120, 60, 200}}) {
    Image frame(32, 32, 3);
    for (std::size_t i = 0; i < frame.pixels.size(); ++i) {
      frame.pixels[i] = colour[i % 3];
    }
    const std::vector<Image> decoded = Webm(encoded(webm_encoder(10), {frame})).decode();
    ASSERT_EQ(decoded.size(), 1U);
    EXPECT_LE(compare(decoded[0], frame)->max_abs, 4) << +colour[0] << ' ' << +colour[1];
  }
}

TEST(WebmAnimation, SaysHowLongItLastsAndWhenEveryFrameIsShown) {
  const Webm video(encoded(webm_encoder(24), balls(16, 16, 48)));
  EXPECT_EQ(video.doc_type, "webm");
  EXPECT_EQ(video.track.codec_id.value(), "V_VP9");
  EXPECT_EQ(video.info.timecode_scale.value(), 1'000'000U);
  EXPECT_DOUBLE_EQ(video.info.duration.value(), 2000);
  ASSERT_EQ(video.times.size(), 48U);
  for (std::size_t i = 0; i < video.times.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(video.times[i]), 1000.0 * static_cast<double>(i) / 24, 0.5);
  }
}

TEST(WebmAnimation, CanBeSoughtAtItsKeyFrames) {
  const Bytes bytes = encoded(webm_encoder(5), balls(16, 16, 45));
  const Webm video(bytes);
  EXPECT_EQ(video.segment_begin + video.segment_size, bytes.size());
  ASSERT_EQ(video.times.size(), 45U);
  ASSERT_GE(video.cues.size(), 3U) << "a key frame every four seconds at least";
  ASSERT_EQ(video.cues.size(), video.cluster_positions.size());
  EXPECT_EQ(std::count(video.keys.begin(), video.keys.end(), true),
            static_cast<std::ptrdiff_t>(video.cues.size()));
  for (std::size_t i = 0; i < video.cues.size(); ++i) {
    const webm::CuePoint& cue = video.cues[i];
    EXPECT_EQ(cue.cue_track_positions.at(0).value().cluster_position.value(),
              video.cluster_positions[i]);
    const auto at = std::find(video.times.begin(), video.times.end(),
                              static_cast<std::int64_t>(cue.time.value()));
    ASSERT_NE(at, video.times.end());
    EXPECT_TRUE(video.keys[at - video.times.begin()]);
  }
}

TEST(WebmAnimation, HoldsNoDate) {
  EXPECT_FALSE(Webm(encoded(webm_encoder(10), balls(8, 8, 1))).info.date_utc.is_present());
}

// --- both
// -----------------------------------------------------------------------------------------

using Make = Result<std::unique_ptr<AnimationEncoder>> (*)(int);
class Animation : public testing::TestWithParam<Make> {};
INSTANTIATE_TEST_SUITE_P(Formats, Animation, testing::Values(&gif_encoder, &webm_encoder),
                         [](const auto& param) { return param.index == 0 ? "Gif" : "Webm"; });

TEST_P(Animation, HasTheSameBytesForTheSameFrames) {
  const std::vector<Image> frames = balls(40, 30, 30);
  EXPECT_EQ(encoded(GetParam()(20), frames), encoded(GetParam()(20), frames));
}

TEST_P(Animation, RefusesAFrameOfAnotherSize) {
  auto encoder = GetParam()(20);
  ASSERT_TRUE((*encoder)->add(Image(8, 8, 3)));
  const auto added = (*encoder)->add(Image(8, 9, 3));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::invalid_input);
  EXPECT_NE(added.error().context.find("8x9 after 8x8"), std::string::npos);
}

TEST_P(Animation, RefusesWhatItsFormatCannotHold) {
  auto encoder = GetParam()(20);
  const auto added = (*encoder)->add(Image(65536, 1, 3));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::limit_exceeded);
  EXPECT_FALSE((*encoder)->add(Image()));
  EXPECT_FALSE((*encoder)->finish()) << "nothing was added";
}

TEST_P(Animation, RefusesImpossibleRates) {
  for (const int rate : {-1, 0, 10000}) {
    const auto encoder = GetParam()(rate);
    ASSERT_FALSE(encoder) << rate;
    EXPECT_EQ(encoder.error().code, Errc::invalid_input);
  }
}

TEST_P(Animation, MayBeAbandonedHalfway) {
  auto encoder = GetParam()(20);
  EXPECT_TRUE((*encoder)->add(ball(16, 16, 0, 1)));
}

TEST(AnimationEncoder, IsChosenByTheExtension) {
  EXPECT_TRUE(animation_encoder("a/b.gif", 10));
  EXPECT_TRUE(animation_encoder("b.WebM", 10));
  for (const char* path : {"a.png", "gif", "", "x.mp4"}) {
    const auto encoder = animation_encoder(path, 10);
    ASSERT_FALSE(encoder) << path;
    EXPECT_EQ(encoder.error().code, Errc::unsupported);
  }
}

}  // namespace
}  // namespace lode::image
