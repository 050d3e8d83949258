// What joins a picture's CLIP feature with a camera's pose in Zero123 (CLIPCameraProjection).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/result.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"

namespace lode::models {

/// clip_camera_projection/config.json.
struct CameraProjectionConfig {
  std::int64_t width = 768;  ///< of the feature, and of the result
  std::int64_t pose = 4;     ///< numbers of a pose
};

/// Errc::unsupported for another class, Errc::invalid_input for sizes out of bounds; errors name
/// the field.
Result<CameraProjectionConfig> parse_camera_projection_config(const nlohmann::ordered_json& json);

/// Parameters "proj.weight" and "proj.bias".
class CameraProjection {
 public:
  CameraProjection(const CameraProjectionConfig& config, const nn::Scope& scope);

  /// [..., width + pose], the feature first -> [..., width].
  at::Tensor operator()(const at::Tensor& joined, nn::Pass& pass) const;

  /// Other conversions call it "projection" or "cc_projection".
  static nn::LoadRules load_rules();

  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const CameraProjectionConfig& config() const { return config_; }

 private:
  CameraProjectionConfig config_;
  nn::Linear linear_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
