// WebM videos: VP9 through libvpx, in the container of webm_mux.cpp.
#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include <cmath>

#include "base/assert.h"
#include "image/animation.h"
#include "image/animation_internal.h"

namespace lode::image {
namespace {

constexpr int kMaxSide = 16384;  // the largest picture of any VP9 level (6.2)
/// Quantiser, 0 (lossless) to 63: edges of splats show no blocks at this one.
constexpr int kQuality = 16;
/// libvpx's balance of time and size, 0 (slowest) to 5 for its "good" deadline.
constexpr int kSpeed = 4;
/// A key frame at least this often, so that a player can seek.
constexpr int kSecondsPerKeyFrame = 4;

/// BT.709 with limited range, as every player assumes: rows of (r, g, b) / 255 -> Y, Cb, Cr.
struct Yuv {
  double y, u, v;
};
constexpr double kRed = 0.2126, kBlue = 0.0722, kGreen = 1 - kRed - kBlue;
Yuv to_yuv(double r, double g, double b) {
  const double luma = kRed * r + kGreen * g + kBlue * b;
  return {16 + 219 * luma / 255, 128 + 224 * (b - luma) / (2 * (1 - kBlue)) / 255,
          128 + 224 * (r - luma) / (2 * (1 - kRed)) / 255};
}

/// Fills a 4:2:0 picture; the colour of a chroma sample is the mean of the (up to) four pixels it
/// covers, as in the "centre" siting that VP9 assumes.
void fill_yuv(const Image& rgb, vpx_image_t& target) {
  for (int top = 0; top < rgb.height; top += 2) {
    for (int left = 0; left < rgb.width; left += 2) {
      const int bottom = std::min(top + 2, rgb.height), right = std::min(left + 2, rgb.width);
      double u = 0, v = 0;
      for (int y = top; y < bottom; ++y) {
        for (int x = left; x < right; ++x) {
          const std::uint8_t* p = rgb.at(x, y);
          const Yuv yuv = to_yuv(p[0], p[1], p[2]);
          target.planes[VPX_PLANE_Y][y * target.stride[VPX_PLANE_Y] + x] =
              static_cast<std::uint8_t>(yuv.y + 0.5);
          u += yuv.u;
          v += yuv.v;
        }
      }
      const int count = (bottom - top) * (right - left);
      const int x = left / 2, y = top / 2;
      target.planes[VPX_PLANE_U][y * target.stride[VPX_PLANE_U] + x] =
          static_cast<std::uint8_t>(u / count + 0.5);
      target.planes[VPX_PLANE_V][y * target.stride[VPX_PLANE_V] + x] =
          static_cast<std::uint8_t>(v / count + 0.5);
    }
  }
}

class WebmEncoder final : public AnimationEncoder {
 public:
  explicit WebmEncoder(int frames_per_second) { track_.frames_per_second = frames_per_second; }
  ~WebmEncoder() override {
    if (is_open_) {
      vpx_codec_destroy(&codec_);
    }
    vpx_img_free(picture_);
  }
  WebmEncoder(const WebmEncoder&) = delete;
  WebmEncoder& operator=(const WebmEncoder&) = delete;

  Result<void> add(const Image& frame) override {
    LODE_CHECK(validate_frame("WebM", frame, {count_, track_.width, track_.height, kMaxSide}));
    if (count_ == 0) {
      LODE_CHECK(open(frame));
    }
    fill_yuv(composite_over(frame, {255, 255, 255}), *picture_);
    LODE_CHECK(encode(picture_));
    ++count_;
    return {};
  }

  Result<Bytes> finish() override {
    if (count_ == 0) {
      return fail(Errc::invalid_input, "WebM: an animation without frames");
    }
    // libvpx looks ahead: it is asked for the frames it still holds until there are none.
    for (std::size_t before = packets_.size() + 1; before != packets_.size();) {
      before = packets_.size();
      LODE_CHECK(encode(nullptr));
    }
    track_.duration_ms = 1000.0 * count_ / track_.frames_per_second;
    return mux_webm(track_, std::move(packets_));
  }

 private:
  Error failure(const char* what) {
    const char* detail = is_open_ ? vpx_codec_error_detail(&codec_) : nullptr;
    return fail(Errc::internal, std::string("WebM: ") + what + ": " +
                                    (detail != nullptr ? detail : "libvpx gave no reason"));
  }

  Result<void> open(const Image& frame) {
    vpx_codec_enc_cfg_t config{};
    if (vpx_codec_enc_config_default(vpx_codec_vp9_cx(), &config, 0) != VPX_CODEC_OK) {
      return failure("no VP9 encoder");
    }
    config.g_w = track_.width = frame.width;
    config.g_h = track_.height = frame.height;
    config.g_timebase = {1, track_.frames_per_second};
    config.g_threads = 1;
    config.rc_end_usage = VPX_Q;
    config.kf_max_dist = kSecondsPerKeyFrame * track_.frames_per_second;
    if (vpx_codec_enc_init(&codec_, vpx_codec_vp9_cx(), &config, 0) != VPX_CODEC_OK) {
      return failure("the VP9 encoder does not start");
    }
    is_open_ = true;
    if (vpx_codec_control(&codec_, VP8E_SET_CPUUSED, kSpeed) != VPX_CODEC_OK ||
        vpx_codec_control(&codec_, VP8E_SET_CQ_LEVEL, kQuality) != VPX_CODEC_OK ||
        vpx_codec_control(&codec_, VP9E_SET_COLOR_SPACE, VPX_CS_BT_709) != VPX_CODEC_OK ||
        vpx_codec_control(&codec_, VP9E_SET_COLOR_RANGE, VPX_CR_STUDIO_RANGE) != VPX_CODEC_OK) {
      return failure("the VP9 encoder refuses a setting");
    }
    picture_ = vpx_img_alloc(nullptr, VPX_IMG_FMT_I420, config.g_w, config.g_h, 1);
    if (picture_ == nullptr) {
      throw std::bad_alloc();
    }
    return {};
  }

  /// Hands over a picture (null: no more follow) and takes what packets are ready.
  Result<void> encode(const vpx_image_t* picture) {
    if (vpx_codec_encode(&codec_, picture, count_, 1, 0, VPX_DL_GOOD_QUALITY) != VPX_CODEC_OK) {
      return failure("a frame is not encoded");
    }
    vpx_codec_iter_t iterator = nullptr;
    while (const vpx_codec_cx_pkt_t* packet = vpx_codec_get_cx_data(&codec_, &iterator)) {
      if (packet->kind != VPX_CODEC_CX_FRAME_PKT) {
        continue;
      }
      const auto& frame = packet->data.frame;
      const auto* data = static_cast<const std::uint8_t*>(frame.buf);
      packets_.push_back(
          {std::llround(1000.0 * static_cast<double>(frame.pts) / track_.frames_per_second),
           (frame.flags & VPX_FRAME_IS_KEY) != 0, Bytes(data, data + frame.sz)});
    }
    return {};
  }

  VideoTrack track_;
  int count_ = 0;
  std::vector<VideoPacket> packets_;
  vpx_codec_ctx_t codec_{};
  bool is_open_ = false;
  vpx_image_t* picture_ = nullptr;
};

}  // namespace

Result<std::unique_ptr<AnimationEncoder>> webm_encoder(int frames_per_second) {
  LODE_CHECK(validate_rate("WebM", frames_per_second, kMaxWebmFramesPerSecond));
  return std::unique_ptr<AnimationEncoder>(std::make_unique<WebmEncoder>(frames_per_second));
}

}  // namespace lode::image
