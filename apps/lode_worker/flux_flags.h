// The flags that say how FLUX is to run, for every command that runs it.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>

#include "flux/options.h"

namespace lode::commands {

struct FluxFlags {
  std::string device = "auto";
  flux::Compute compute = flux::Compute::automatic;
  flux::Format format = flux::Format::native;
  std::uint64_t memory_bytes = 0;  ///< 0: all that there is
  int threads = 1;

  flux::FluxOptions options() const;
};

/// --device, --dtype, --weights, --memory, --threads.
void add_flux_flags(CLI::App& command, FluxFlags& flags);

/// Sets libtorch's threads, and logs what does the products.
void set_up_linear_algebra(const FluxFlags& flags);

}  // namespace lode::commands
