// Choosing a device by its name, and bringing libtorch's exceptions back to values.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "nn/compute.h"

namespace lode::nn {

/// "cpu", "cuda", "cuda:1", or "auto": the first GPU, else the CPU. Errc::invalid_input for other
/// names, Errc::unsupported for a GPU where this libtorch has none to offer or not so many.
Result<c10::Device> parse_device(std::string_view name);

/// What is asked for, as a type; `automatic` is float32 on a CPU and `on_gpu` on a GPU.
/// Errc::unsupported for float16 on a CPU.
Result<c10::ScalarType> compute_type(Compute asked, const c10::Device& device,
                                     c10::ScalarType on_gpu = c10::ScalarType::BFloat16);

/// The exception in flight as an Error that says what was being done: out_of_resource with advice
/// for lack of memory, cancelled for Cancelled, LoadFailed's own, else internal with the first line
/// of what it says. For catch (...) of a boundary.
Error error_in_flight(std::string_view doing);

/// The value of `work()`, which is no Result itself, or its exception as an Error: where a forward
/// pass begins, so that the process outlives its failure.
///
///   LODE_TRY(at::Tensor image, guard("decoding the image", [&] { return decoder(latents, pass);
///   }));
template <class Work>
auto guard(std::string_view doing, Work&& work) -> Result<std::invoke_result_t<Work>> {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
      std::forward<Work>(work)();
      return {};
    } else {
      return std::forward<Work>(work)();
    }
  } catch (...) {
    return error_in_flight(doing);
  }
}

}  // namespace lode::nn
