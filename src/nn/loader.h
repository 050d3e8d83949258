// From a checkpoint's bytes to a network's parameters: names bound strictly, then values block by
// block.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "nn/memory_plan.h"
#include "nn/parameter.h"
#include "weights/checkpoint.h"

namespace lode::nn {

/// In what a checkpoint may differ from the network that it is for.
struct LoadRules {
  /// Stored names that need no parameter; '*' stands for any run of characters.
  std::vector<std::string> ignore;
  /// Other names under which a parameter may be stored, in the order of trying, after its own.
  std::function<std::vector<std::string>(std::string_view parameter)> aliases;
  /// Whether a stored [N, M, 1, 1] may be a parameter of [N, M], as in autoencoders whose attention
  /// was written as convolutions.
  bool allow_1x1_convolutions = false;
};

/// Whether `text` is `pattern`, in which '*' stands for any run of characters, dots too.
bool matches_pattern(std::string_view text, std::string_view pattern);

/// One parameter's value, not yet given to it.
struct LoadedParameter {
  Parameter* parameter = nullptr;
  at::Tensor value;           ///< undefined where it is quantised
  QuantisedMatrix quantised;  ///< undefined where it is not
};

/// The values of a block. install() hands them to the parameters.
struct LoadedBlock {
  std::vector<LoadedParameter> parameters;

  void install() &&;
};

/// A network's parameters with their tensors of a checkpoint. Parameters must outlive it.
class WeightBank {
 public:
  /// Finds a tensor for each parameter; reads no values. Strict both ways: one Errc::invalid_input
  /// names the checkpoint and what is missing, unexpected, of another shape or of a type that is
  /// no floating point, the first kListedProblems of each with the number of all.
  static Result<WeightBank> bind(ParameterSet& parameters, weights::Checkpoint checkpoint,
                                 const LoadRules& rules = {});

  /// A block's values as `placement` wants them. On the CPU a tensor of the type that is computed
  /// in is not copied: it lies in the mapped file, which must not be written through it. Everything
  /// else is converted by the calling thread alone, some rows at a time, and its pages of the file
  /// released.
  ///
  /// The first time, values are looked at: LoadFailed names a tensor that holds NaN or infinity.
  /// Throws std::bad_alloc and c10::Error for lack of memory. May be called by several threads.
  LoadedBlock load(const Block& block, const Placement& placement) const;

  /// Tells the kernel that a block's bytes are not needed soon.
  void release(const Block& block) const;

 private:
  struct State;
  explicit WeightBank(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

inline constexpr std::size_t kListedProblems = 20;

}  // namespace lode::nn
