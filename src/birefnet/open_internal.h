// What a folder of weights is, before any are loaded.
#pragma once

#include <filesystem>

#include "birefnet/birefnet_matter.h"
#include "models/birefnet.h"
#include "nn/memory_plan.h"
#include "weights/checkpoint.h"

namespace lode::birefnet {

struct Opened {
  weights::Checkpoint checkpoint;
  models::BirefnetConfig config;
  nn::Placement placement;
  BirefnetDescription description;
};

/// Errors as of BirefnetMatter::open, but for the names and shapes of the tensors.
Result<Opened> open_folder(const std::filesystem::path& folder, const BirefnetOptions& options);

}  // namespace lode::birefnet
