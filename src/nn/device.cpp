#include "nn/device.h"

#include <ATen/Context.h>
#include <c10/util/Exception.h>

#include <charconv>
#include <new>
#include <string>

#include "nn/pass.h"

namespace lode::nn {

namespace {

constexpr std::string_view kAdvice =
    "not enough memory: a lower --memory, 8-bit weights or smaller pictures need less";

/// Whether libtorch's allocators say so; the CPU's has no exception of its own.
bool is_about_memory(std::string_view text) {
  return text.find("can't allocate memory") != std::string_view::npos ||
         text.find("not enough memory") != std::string_view::npos ||
         text.find("out of memory") != std::string_view::npos;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

Error out_of_memory(const std::string& where) {
  return fail(Errc::out_of_resource, where + std::string(kAdvice));
}

}  // namespace

Result<c10::Device> parse_device(std::string_view asked) {
  std::string_view name = asked;
  const auto gpus = static_cast<unsigned>(at::hasCUDA() ? at::getNumGPUs() : 0);
  if (name == "cpu" || (name == "auto" && gpus == 0)) {
    return c10::Device(c10::kCPU);
  }
  if (name == "auto") {
    return c10::Device(c10::kCUDA, 0);
  }
  constexpr std::string_view kCuda = "cuda";
  unsigned index = 0;
  if (name.starts_with("cuda:")) {
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + kCuda.size() + 1, end, index);
    if (error != std::errc() || rest != end) {
      name = {};
    }
  }
  if (!name.starts_with(kCuda) || (name.size() > kCuda.size() && name[kCuda.size()] != ':')) {
    return fail(Errc::invalid_input, "device \"" + std::string(asked.substr(0, 40)) +
                                         "\": cpu, cuda, cuda:<number> or auto expected");
  }
  if (!at::hasCUDA()) {
    return fail(Errc::unsupported, "device " + std::string(name) +
                                       ": this libtorch is built without CUDA; only cpu is there");
  }
  if (index >= gpus) {
    return fail(Errc::unsupported, "device " + std::string(name) + ": libtorch sees " +
                                       std::to_string(gpus) + " GPUs, numbered from 0");
  }
  return c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
}

Result<c10::ScalarType> compute_type(Compute asked, const c10::Device& device,
                                     c10::ScalarType on_gpu) {
  switch (asked) {
    case Compute::automatic:
      return device.is_cpu() ? c10::ScalarType::Float : on_gpu;
    case Compute::float32:
      return c10::ScalarType::Float;
    case Compute::bfloat16:
      return c10::ScalarType::BFloat16;
    case Compute::float16:
      break;
  }
  if (device.is_cpu()) {
    return fail(Errc::unsupported,
                "float16 is for GPUs; a processor computes in float32 or bfloat16");
  }
  return c10::ScalarType::Half;
}

Error error_in_flight(std::string_view doing) {
  const std::string where = std::string(doing) + ": ";
  try {
    throw;
  } catch (const Cancelled& cancelled) {
    return fail(Errc::cancelled, where + cancelled.what());
  } catch (const LoadFailed& failed) {
    return annotate(failed.error(), doing);
  } catch (const c10::OutOfMemoryError&) {
    return out_of_memory(where);
  } catch (const std::bad_alloc&) {
    return out_of_memory(where);
  } catch (const c10::Error& error) {
    const std::string text = error.what_without_backtrace();
    return is_about_memory(text) ? out_of_memory(where)
                                 : fail(Errc::internal, where + first_line(text));
  } catch (const std::exception& error) {
    return is_about_memory(error.what()) ? out_of_memory(where)
                                         : fail(Errc::internal, where + first_line(error.what()));
  } catch (...) {
    return fail(Errc::internal, where + "an exception of no known type");
  }
}

}  // namespace lode::nn
