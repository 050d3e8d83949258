// For tests: tensors into a checkpoint file, and a network of a few linear layers.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "nn/layers.h"
#include "nn/parameter.h"
#include "nn/pass.h"
#include "tests/support/scratch_folder.h"
#include "weights/checkpoint.h"
#include "weights/safetensors.h"

namespace lode::nn {

using TensorsByName = std::map<std::string, at::Tensor>;

inline weights::DType stored_type(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return weights::DType::f32;
    case at::kDouble:
      return weights::DType::f64;
    case at::kHalf:
      return weights::DType::f16;
    case at::kBFloat16:
      return weights::DType::bf16;
    default:
      return weights::DType::i64;
  }
}

/// Writes the tensors to a file, opens it and deletes it: the mapping stays.
inline weights::Checkpoint checkpoint_of(const TensorsByName& tensors) {
  const testing_support::ScratchFolder folder;
  const std::filesystem::path path = folder.path() / "network.safetensors";
  std::vector<at::Tensor> dense;
  std::vector<weights::TensorToWrite> stored;
  for (const auto& [name, tensor] : tensors) {
    dense.push_back(tensor.contiguous());
    const ByteView bytes(static_cast<const std::uint8_t*>(dense.back().data_ptr()),
                         dense.back().nbytes());
    stored.push_back({name, stored_type(tensor), dense.back().sizes().vec(), bytes});
  }
  EXPECT_TRUE(weights::write_safetensors(path, stored));
  return *weights::Checkpoint::open(path);  // the mapping outlives the file
}

/// "in" [8 -> 16], "layers.0" to "layers.<n - 1>" [16 -> 16] and "out" [16 -> 8], each a block.
struct Tower {
  explicit Tower(std::int64_t count) {
    layers.emplace_back(set.root()["in"], 8, 16);
    blocks.push_back(set.block("in", {"in."}));
    for (std::int64_t i = 0; i < count; ++i) {
      const std::string name = "layers." + std::to_string(i);
      layers.emplace_back(set.root()[name], 16, 16);
      blocks.push_back(set.block(name, {name + "."}));
    }
    layers.emplace_back(set.root()["out"], 16, 8);
    blocks.push_back(set.block("out", {"out."}));
  }

  at::Tensor operator()(at::Tensor x, Pass& pass) const {
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const InBlock inside(pass, blocks[i]);
      x = layers[i](x).tanh();
    }
    return x;
  }

  /// Random values for all parameters.
  TensorsByName values(at::ScalarType type = at::kFloat) const {
    torch::manual_seed(9);
    TensorsByName made;
    for (const Parameter& parameter : set.all()) {
      made[parameter.name()] = torch::randn(parameter.shape()).to(type);
    }
    return made;
  }

  ParameterSet set;
  std::vector<Linear> layers;
  std::vector<Block> blocks;
};

}  // namespace lode::nn
