// LPIPS (Zhang et al. 2018), as torchmetrics computes it: how far apart two pictures look.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "nn/layers.h"
#include "nn/loader.h"
#include "nn/pass.h"
#include "weights/checkpoint.h"

namespace lode::models {

enum class LpipsTrunk { alexnet, vgg16 };

struct LpipsConfig {
  LpipsTrunk trunk = LpipsTrunk::alexnet;
  std::vector<std::int64_t> channels;  ///< of the five levels that are compared

  /// Pixels along a side that a picture needs.
  static constexpr std::int64_t kLeastSide = 32;
};

/// Read off the shapes of torchvision's "features.*". Errc::unsupported where they are neither
/// AlexNet's nor VGG16's, naming the tensor.
Result<LpipsConfig> lpips_config_of(const weights::Checkpoint& checkpoint);

/// torchvision's AlexNet or VGG16 up to its last rectifier: parameters "features.*".
class LpipsFeatures {
 public:
  LpipsFeatures(const LpipsConfig& config, const nn::Scope& scope);

  /// pictures [B, 3, H, W], 0..1 (torchmetrics' normalize=True), at least kLeastSide a side -> the
  /// five levels [B, C, H', W'], of unit length at every place.
  std::vector<at::Tensor> operator()(const at::Tensor& pictures, nn::Pass& pass) const;

  /// torchvision's classifier and LPIPS's own layers are ignored; names may be those of
  /// torchmetrics ("net.slice2.3.weight").
  static nn::LoadRules load_rules();

  /// In the order of the forward pass.
  const std::vector<nn::Block>& blocks() const { return blocks_; }
  const LpipsConfig& config() const { return config_; }

 private:
  LpipsConfig config_;
  std::vector<std::vector<nn::Conv2d>> levels_;
  std::vector<nn::Block> blocks_;
};

/// LPIPS's own layers: parameters "lin0.model.1.weight" to "lin4.model.1.weight".
class LpipsHead {
 public:
  LpipsHead(const LpipsConfig& config, const nn::Scope& scope);

  /// Of the levels of two lists of B pictures the distance of each pair: [B], at least 0.
  at::Tensor operator()(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b,
                        nn::Pass& pass) const;

  /// The features are ignored.
  static nn::LoadRules load_rules();
  const std::vector<nn::Block>& blocks() const { return blocks_; }

 private:
  std::vector<const nn::Parameter*> weights_;
  std::vector<nn::Block> blocks_;
};

}  // namespace lode::models
