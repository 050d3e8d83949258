// The index of a sharded checkpoint: which file beside it holds which tensor.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lode::weights {

/// Tensor name to the name of its shard, a plain file name.
using WeightMap = std::map<std::string, std::string, std::less<>>;

/// Reads `{"weight_map": {"<tensor>": "<file>", ...}, ...}`; other members (Hugging Face's
/// "metadata") are ignored. The caller has bounded the text's size. Errc::limit_exceeded above
/// kMaxTensors, kMaxNameBytes or kMaxJsonDepth; Errc::invalid_input otherwise, which includes file
/// names that lead out of the folder and tensors that are listed twice.
Result<WeightMap> parse_weight_map(std::string_view text);

}  // namespace lode::weights
