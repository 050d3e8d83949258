// The vocabulary of a CLIP tokenizer's folder.
#pragma once

#include <filesystem>

#include "base/result.h"
#include "tokenize/byte_pairs_internal.h"

namespace lode::tokenize {

struct SpecialNames {
  std::string start = "<|startoftext|>";
  std::string end = "<|endoftext|>";
  std::string pad = "<|endoftext|>";
};

struct ClipFiles {
  BytePairs pairs;
  std::int64_t start_id = 0;
  std::int64_t end_id = 0;
  std::int64_t pad_id = 0;
  std::size_t size = 0;  ///< ids, specials included
};

/// The merges of a `merges.txt`: its first line is a version, whatever it says, and lines after the
/// last that counts are not read. `name` is the file, for errors.
Result<PairTable> parse_merges(std::string_view text, const std::string& name);

/// Gives the merges' symbols the ids that follow by CLIP's rule.
Result<void> derive_ids(PairTable& table, const SpecialNames& names);

/// The symbols and merges of a `tokenizer.json`.
Result<PairTable> parse_pair_json(std::string_view text, const std::string& name);

/// What the tokenizer needs of a table.
Result<ClipFiles> make_clip_files(const PairTable& table, const SpecialNames& names);

/// See ClipTokenizer::open.
Result<ClipFiles> read_clip_files(const std::filesystem::path& folder);

}  // namespace lode::tokenize
