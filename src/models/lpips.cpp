#include "models/lpips.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <span>

#include "base/assert.h"
#include "models/config_internal.h"

namespace lode::models {

namespace {

/// A convolution by its number in torchvision's "features".
struct Convolution {
  int number;
  std::int64_t kernel, stride, padding;
};

constexpr Convolution three(int number) { return {number, 3, 1, 1}; }

/// The convolutions of each level; a level after the first may begin with a pooling.
struct Level {
  std::vector<Convolution> convolutions;
  bool pools = false;
};

const std::vector<Level>& levels_of(LpipsTrunk trunk) {
  static const std::vector<Level> kAlexNet = {{{{0, 11, 4, 2}}, false},
                                              {{{3, 5, 1, 2}}, true},
                                              {{three(6)}, true},
                                              {{three(8)}, false},
                                              {{three(10)}, false}};
  static const std::vector<Level> kVgg16 = {{{three(0), three(2)}, false},
                                            {{three(5), three(7)}, true},
                                            {{three(10), three(12), three(14)}, true},
                                            {{three(17), three(19), three(21)}, true},
                                            {{three(24), three(26), three(28)}, true}};
  return trunk == LpipsTrunk::alexnet ? kAlexNet : kVgg16;
}

at::Tensor per_channel(std::initializer_list<double> values, const at::TensorOptions& options) {
  return at::tensor(at::ArrayRef<double>(values), at::TensorOptions(at::kDouble))
      .to(options)
      .view({1, 3, 1, 1});
}

}  // namespace

Result<LpipsConfig> lpips_config_of(const weights::Checkpoint& checkpoint) {
  const auto names = LpipsFeatures::load_rules().aliases;
  const auto find = [&](int number) -> std::optional<weights::StoredTensor> {
    const std::string name = fmt::format("features.{}.weight", number);
    if (const auto stored = checkpoint.find(name)) {
      return stored;
    }
    for (const std::string& other : names(name)) {
      if (const auto stored = checkpoint.find(other)) {
        return stored;
      }
    }
    return std::nullopt;
  };
  LpipsConfig config;
  const auto first = find(0);
  if (first && first->shape.size() == 4 && first->shape[2] == 3) {
    config.trunk = LpipsTrunk::vgg16;
  }
  for (const Level& level : levels_of(config.trunk)) {
    const int number = level.convolutions.back().number;
    const auto stored = find(number);
    if (!stored || stored->shape.size() != 4 || stored->shape[0] < kChannels.least ||
        stored->shape[0] > kChannels.most) {
      return fail(Errc::unsupported,
                  fmt::format("{}: no convolution features.{}.weight: torchvision's AlexNet or "
                              "VGG16 expected",
                              checkpoint.files().front().string(), number));
    }
    config.channels.push_back(stored->shape[0]);
  }
  return config;
}

nn::LoadRules LpipsFeatures::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"classifier.*", "lin*", "scaling_layer.*"};
  rules.aliases = [](std::string_view parameter) {
    std::vector<std::string> names;
    constexpr std::string_view kFeatures = "features.";
    for (int slice = 1; slice <= 5; ++slice) {
      names.push_back(fmt::format("net.slice{}.{}", slice, parameter.substr(kFeatures.size())));
    }
    return names;
  };
  return rules;
}

LpipsFeatures::LpipsFeatures(const LpipsConfig& config, const nn::Scope& scope) : config_(config) {
  std::int64_t in = 3;
  const std::vector<Level>& levels = levels_of(config.trunk);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    levels_.emplace_back();
    nn::Block block{fmt::format("level {}", i), {}};
    for (const Convolution& c : levels[i].convolutions) {
      const std::string name = fmt::format("features.{}", c.number);
      levels_.back().emplace_back(
          scope[name], in, config.channels[i],
          nn::Conv2d::Options{.kernel = c.kernel, .stride = c.stride, .padding = c.padding});
      const nn::Block added = scope.block(name, {name + "."});
      block.parameters.insert(block.parameters.end(), added.parameters.begin(),
                              added.parameters.end());
      in = config.channels[i];
    }
    blocks_.push_back(std::move(block));
  }
}

std::vector<at::Tensor> LpipsFeatures::operator()(const at::Tensor& pictures,
                                                  nn::Pass& pass) const {
  LODE_ASSERT(pictures.dim() == 4 && pictures.size(2) >= LpipsConfig::kLeastSide &&
                  pictures.size(3) >= LpipsConfig::kLeastSide,
              "LPIPS compares pictures of at least 32 pixels");
  // _LPIPS.forward and ScalingLayer: to -1..1, then ImageNet's mean and deviation on that scale.
  at::Tensor x = (2 * pictures - 1 - per_channel({-0.030, -0.088, -0.188}, pictures.options())) /
                 per_channel({0.458, 0.448, 0.450}, pictures.options());
  std::vector<at::Tensor> out;
  const std::vector<Level>& levels = levels_of(config_.trunk);
  const std::int64_t window = config_.trunk == LpipsTrunk::alexnet ? 3 : 2;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    const nn::InBlock block(pass, blocks_[i]);
    if (levels[i].pools) {
      x = at::max_pool2d(x, window, 2);
    }
    for (const nn::Conv2d& convolution : levels_[i]) {
      x = at::relu(convolution(x));
    }
    out.push_back(x / at::sqrt(x.square().sum(1, true) + 1e-8));
  }
  return out;
}

nn::LoadRules LpipsHead::load_rules() {
  nn::LoadRules rules;
  rules.ignore = {"features.*", "classifier.*", "net.*", "lins.*", "scaling_layer.*"};
  rules.aliases = [](std::string_view parameter) -> std::vector<std::string> {
    // Without dropout the convolution is the first of its sequence.
    return {fmt::format("{}.model.0.weight", parameter.substr(0, parameter.find('.')))};
  };
  return rules;
}

LpipsHead::LpipsHead(const LpipsConfig& config, const nn::Scope& scope) {
  for (std::size_t i = 0; i < config.channels.size(); ++i) {
    weights_.push_back(
        &scope[fmt::format("lin{}.model.1", i)].add("weight", {1, config.channels[i], 1, 1}));
  }
  blocks_.push_back(scope.block("lin", {"lin"}));
}

at::Tensor LpipsHead::operator()(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b,
                                 nn::Pass& pass) const {
  LODE_ASSERT(a.size() == weights_.size() && b.size() == weights_.size(),
              "LPIPS compares every level");
  const nn::InBlock block(pass, blocks_.front());
  at::Tensor sum;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    const at::Tensor level =
        at::conv2d((a[i] - b[i]).square(), weights_[i]->value()).mean({1, 2, 3});
    sum = sum.defined() ? sum + level : level;
  }
  return sum;
}

}  // namespace lode::models
