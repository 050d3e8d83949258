// Prompts to the token ids of T5's encoder.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "tokenize/tokens.h"

namespace lode::tokenize {

/// transformers' T5TokenizerFast: SentencePiece's unigram model as the tokenizers library runs it.
/// Immutable and cheap to copy; many threads may share one.
class T5Tokenizer {
 public:
  /// Reads `tokenizer.json` of `folder` or, where there is none, `spiece.model`, which then means
  /// what transformers' conversion makes of it: the same ids either way.
  /// Errc::not_found without both, limit_exceeded when a file is too large, unsupported for a model
  /// or step that T5 does not use, and invalid_input naming file and field otherwise.
  static Result<T5Tokenizer> open(const std::filesystem::path& folder);

  /// The prompt's tokens, the end token, padding: `max_length` (at least 1) ids. Of a longer prompt
  /// the first max_length - 1 tokens stay. Any bytes will do: what is no UTF-8 reads as U+FFFD. The
  /// names of special tokens ("</s>", "<pad>", "<extra_id_5>") are text like any other in a prompt;
  /// transformers would turn them into the tokens.
  Tokens encode(std::string_view text, std::size_t max_length) const;

  std::int64_t end_id() const;
  std::int64_t pad_id() const;

 private:
  struct State;
  explicit T5Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

}  // namespace lode::tokenize
