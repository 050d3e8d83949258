// For tests: the tiny folders, noise and views of tests/golden/sds.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "guidance/diffusion_internal.h"
#include "tests/support/golden_tensors.h"

namespace lode::guidance {

inline std::filesystem::path golden_folder() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "sds";
}

/// Draws what the reference drew: by purpose, the stored noise's name, and which of its rows.
struct Replay {
  struct Noise {
    std::string name;
    std::int64_t row = -1;  ///< -1: all
  };
  const test::GoldenTensors& golden;
  std::map<std::string, Noise, std::less<>> names;

  at::Tensor operator()(std::uint64_t, std::string_view purpose, const nn::Shape& shape) const {
    const auto found = names.find(purpose);
    if (found == names.end()) {
      ADD_FAILURE() << "nobody expected noise for " << purpose;
      return draw_noise(0, purpose, shape);
    }
    at::Tensor noise = golden["drawn." + found->second.name];
    if (found->second.row >= 0) {
      noise = noise.narrow(0, found->second.row, 1);
    }
    EXPECT_EQ(noise.sizes().vec(), shape) << purpose;
    return noise;
  }
};

/// Frames of [B, 3, side, side], seen from `orbits`.
class Frames {
 public:
  Frames(const at::Tensor& pictures, std::vector<render::Orbit> orbits)
      : plain_(pictures.permute({0, 2, 3, 1}).contiguous()) {
    for (std::size_t i = 0; i < orbits.size(); ++i) {
      orbits[i].size = static_cast<int>(plain_.size(1));
      const auto count = static_cast<std::size_t>(plain_[0].numel());
      views_.push_back({orbits[i], {plain_.data_ptr<float>() + i * count, count}});
    }
  }
  std::span<const dream::DrawnView> views() const { return views_; }

 private:
  at::Tensor plain_;
  std::vector<dream::DrawnView> views_;
};

/// An answer of Guidance::differentiate.
struct Answer {
  double loss = 0;
  std::vector<std::vector<float>> gradients;

  /// [B, 3, side, side].
  at::Tensor tensor(std::int64_t side) const {
    std::vector<float> all;
    for (const std::vector<float>& one : gradients) {
      all.insert(all.end(), one.begin(), one.end());
    }
    at::Tensor plain = at::empty({static_cast<std::int64_t>(gradients.size()), side, side, 3},
                                 at::TensorOptions(at::kFloat));
    std::ranges::copy(all, plain.data_ptr<float>());
    return plain.permute({0, 3, 1, 2});
  }
};

inline Result<Answer> ask(dream::Guidance& guidance, const Frames& frames,
                          const dream::GuidanceStep& step, const std::stop_token& stop = {}) {
  Answer answer;
  answer.gradients.resize(frames.views().size());
  LODE_TRY(answer.loss, guidance.differentiate(frames.views(), step, answer.gradients, stop));
  return answer;
}

inline image::Image picture_of(const at::Tensor& bytes) {  // uint8 [H, W, C]
  image::Image picture(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)),
                       static_cast<int>(bytes.size(2)));
  const at::Tensor plain = bytes.contiguous();
  std::copy_n(plain.data_ptr<std::uint8_t>(), picture.pixels.size(), picture.pixels.begin());
  return picture;
}

template <class ModelOptions>
ModelOptions on_cpu() {
  ModelOptions options;
  options.device = "cpu";
  options.compute = Compute::float32;
  return options;
}

}  // namespace lode::guidance
