#include "models/camera_projection.h"

#include <nlohmann/json.hpp>
#include <string>

#include "models/config_internal.h"

namespace lode::models {

Result<CameraProjectionConfig> parse_camera_projection_config(const nlohmann::ordered_json& json) {
  ConfigReader read(json);
  CameraProjectionConfig config;
  read.expect_class("CLIPCameraProjection");
  config.width = read.integer_or("embedding_dim", kWidth, config.width);
  config.pose = read.integer_or("additional_embeddings", kWidth, config.pose);
  LODE_CHECK(read.result());
  return config;
}

CameraProjection::CameraProjection(const CameraProjectionConfig& config, const nn::Scope& scope)
    : config_(config), linear_(scope["proj"], config.width + config.pose, config.width) {
  blocks_.push_back(scope.block("proj", {"proj."}));
}

at::Tensor CameraProjection::operator()(const at::Tensor& joined, nn::Pass& pass) const {
  const nn::InBlock inside(pass, blocks_.front());
  return linear_(joined);
}

nn::LoadRules CameraProjection::load_rules() {
  nn::LoadRules rules;
  rules.aliases = [](std::string_view parameter) {
    const std::string leaf(parameter.substr(parameter.find('.')));
    return std::vector<std::string>{"projection" + leaf, "cc_projection" + leaf,
                                    "cc_projection.projection" + leaf};
  };
  return rules;
}

}  // namespace lode::models
