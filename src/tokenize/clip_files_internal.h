// The vocabulary of a CLIP tokenizer's folder.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "tokenize/byte_pairs_internal.h"

namespace lode::tokenize {

struct ClipFiles {
  BytePairs pairs;
  std::int64_t start_id = 0;
  std::int64_t end_id = 0;
  std::int64_t pad_id = 0;
  std::size_t size = 0;  ///< ids, specials included
};

/// See ClipTokenizer::open.
Result<ClipFiles> read_clip_files(const std::filesystem::path& folder);

}  // namespace lode::tokenize
