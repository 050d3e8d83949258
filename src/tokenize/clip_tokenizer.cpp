#include "tokenize/clip_tokenizer.h"

#include "base/assert.h"
#include "tokenize/clip_files_internal.h"
#include "tokenize/clip_words_internal.h"
#include "tokenize/tokens_internal.h"
#include "tokenize/unicode_internal.h"

namespace lode::tokenize {

struct ClipTokenizer::State {
  ClipFiles files;
  ClipStyle style;
};

Result<ClipTokenizer> ClipTokenizer::open(const std::filesystem::path& folder, ClipStyle style) {
  LODE_TRY(ClipFiles files, read_clip_files(folder));
  if (style == ClipStyle::open_clip) {
    files.pad_id = 0;
  }
  return ClipTokenizer(std::make_shared<const State>(State{std::move(files), style}));
}

Tokens ClipTokenizer::encode(std::string_view text, std::size_t max_length) const {
  LODE_ASSERT(max_length >= 2, "the start and the end token need room");
  const std::string_view bounded = bound_text(text, kMaxPromptBytes);
  const std::u32string clean = state_->style == ClipStyle::hugging_face
                                   ? clean_hugging_face(bounded)
                                   : clean_open_clip(bounded);
  Tokens tokens;
  tokens.ids.push_back(start_id());
  for (const std::u32string_view word : split_words(clean)) {
    state_->files.pairs.encode(encode_utf8(word), tokens.ids);
  }
  finish(tokens, max_length, end_id(), pad_id(), bounded.size() < text.size());
  return tokens;
}

std::int64_t ClipTokenizer::start_id() const { return state_->files.start_id; }
std::int64_t ClipTokenizer::end_id() const { return state_->files.end_id; }
std::int64_t ClipTokenizer::pad_id() const { return state_->files.pad_id; }
std::size_t ClipTokenizer::vocabulary_size() const { return state_->files.size; }

}  // namespace lode::tokenize
