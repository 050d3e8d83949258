#include "tokenize/t5_tokenizer.h"

#include "base/assert.h"
#include "tokenize/t5_files_internal.h"
#include "tokenize/tokens_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {

struct T5Tokenizer::State {
  T5Files files;
};

Result<T5Tokenizer> T5Tokenizer::open(const std::filesystem::path& folder) {
  LODE_TRY(T5Files files, read_t5_files(folder));
  return T5Tokenizer(std::make_shared<const State>(State{std::move(files)}));
}

Tokens T5Tokenizer::encode(std::string_view text, std::size_t max_length) const {
  LODE_ASSERT(max_length >= 1, "the end token needs room");
  const std::string_view bounded = bound_text(text, kMaxPromptBytes);
  Tokens tokens;
  encode_text(state_->files, bounded, tokens.ids);
  finish(tokens, max_length, end_id(), pad_id(), bounded.size() < text.size());
  return tokens;
}

std::int64_t T5Tokenizer::end_id() const { return state_->files.end_id; }
std::int64_t T5Tokenizer::pad_id() const { return state_->files.pad_id; }

}  // namespace lode::tokenize
