// One stored tensor as the value of a parameter.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "nn/memory_plan.h"
#include "nn/parameter.h"
#include "nn/pass.h"
#include "weights/checkpoint.h"

namespace lode::nn {

struct MaterialiseOptions {
  const Placement& placement;
  std::shared_ptr<const void> owner;  ///< of the mapped bytes
  bool check_values = true;           ///< look for NaN and infinity
};

struct Materialised {
  at::Tensor value;
  QuantisedMatrix quantised;
  bool is_mapped = false;  ///< the value lies in the mapped file
  bool is_finite = true;   ///< false, and no value, where a check found NaN or infinity
};

/// `stored` has the parameter's number of elements and a floating-point type.
Materialised materialise(const Parameter& parameter, const weights::StoredTensor& stored,
                         const MaterialiseOptions& options);

}  // namespace lode::nn
