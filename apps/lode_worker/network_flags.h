// The flags that say how networks are to run, alike for every command that runs some.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lode_worker/setting_names.h"
#include "nn/compute.h"

namespace lode::commands {

struct NetworkFlags {
  std::string device = "auto";
  std::string dtype = "auto";
  std::uint64_t memory_bytes = 0;  ///< 0: all that there is
  int threads = 1;

  std::optional<std::uint64_t> memory_budget() const;
  /// `dtype` as networks' options have it.
  nn::Compute compute() const;
};

/// --device, --dtype (of `dtypes`, such as "f32" and "bf16", or "auto"), --memory, --threads.
/// `memory_meaning` says what --memory bounds.
void add_network_flags(CLI::App& command, NetworkFlags& flags, std::vector<std::string> dtypes,
                       const std::string& memory_meaning, const SettingNames& name = {});

/// Sets libtorch's threads, and logs what does the products. Before the first network is opened.
void set_up_linear_algebra(const NetworkFlags& flags);

}  // namespace lode::commands
