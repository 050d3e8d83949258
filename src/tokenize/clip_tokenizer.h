// Prompts to the token ids of CLIP's text encoders.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "tokenize/tokens.h"

namespace lode::tokenize {

/// Whose cleaning of prompts, and whose padding.
enum class ClipStyle {
  /// transformers' CLIPTokenizer as diffusers' pipelines load it, where ftfy is not installed:
  /// control, format and unassigned characters go, ideographs stand alone, NFC, lower case. Padded
  /// with the folder's pad token (FLUX and SD 1: the end token; SD 2: "!", id 0).
  hugging_face,
  /// open_clip's SimpleTokenizer with its default cleaning, "lower", which every model has whose
  /// configuration names none (the validators' convnext_large_d): ftfy's fix_text
  /// (tokenize/fix_text.h), HTML character references undone twice, lower case; padded with 0.
  open_clip
};

/// Byte-pair encoding over a Hugging Face folder's own vocabulary. Immutable and cheap to copy;
/// many threads may share one.
class ClipTokenizer {
 public:
  /// Reads from `folder`, the first that is there:
  ///  - `vocab.json` and `merges.txt`;
  ///  - `merges.txt` alone, the ids following by CLIP's rule (256 byte symbols, the same with
  ///    "</w>", the merges, start, end: `SimpleTokenizer` of openai/CLIP);
  ///  - `tokenizer.json`.
  /// The special tokens' names come from `tokenizer_config.json` and `special_tokens_map.json`, as
  /// transformers reads them; without both they are CLIP's.
  /// Errc::not_found without a vocabulary, limit_exceeded when a file is too large, and
  /// invalid_input naming file and field otherwise.
  static Result<ClipTokenizer> open(const std::filesystem::path& folder,
                                    ClipStyle style = ClipStyle::hugging_face);

  /// Start token, the prompt's tokens, end token, padding: `max_length` (at least 2) ids. Of a
  /// longer prompt the first max_length - 2 tokens stay. Any bytes will do: what is no UTF-8 reads
  /// as U+FFFD. The names of special tokens are text like any other in a prompt; transformers would
  /// let "<|endoftext|>" end the text.
  Tokens encode(std::string_view text, std::size_t max_length = 77) const;

  std::int64_t start_id() const;
  std::int64_t end_id() const;
  std::int64_t pad_id() const;
  /// Number of ids, specials included: 49408 in CLIP's own.
  std::size_t vocabulary_size() const;

 private:
  struct State;
  explicit ClipTokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

}  // namespace lode::tokenize
