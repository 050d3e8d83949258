// Keeps accepted results as files for people to look at.
#pragma once

#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"
#include "subnet/synapse.h"

namespace lode::miner {

/// What a kept file is about.
struct KeptResult {
  int uid = 0;  ///< the validator that accepted it
  subnet::Task task;
  double score = 0;  ///< the validator's
};

/// Writes `<folder>/uid<uid>_<task>` as `.spz`, `.ply` and `.json` (uid, type, prompt of text
/// tasks, score), creating the folder; the JSON comes last, so its presence means that all three
/// are whole. The task id comes from a peer: everything but letters, digits and '-' is dropped
/// from it, and it is cut to 40 characters.
Result<void> save_result(const std::filesystem::path& folder, const KeptResult& result,
                         ByteView spz);

}  // namespace lode::miner
