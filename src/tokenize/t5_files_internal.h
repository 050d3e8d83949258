// The model of a T5 tokenizer's folder, and the steps before it.
#pragma once

#include <filesystem>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "tokenize/charsmap_internal.h"
#include "tokenize/unigram_internal.h"

namespace lode::tokenize {

/// Most bytes that a step puts in place of a match: T5's puts kSpaceMark.
inline constexpr std::size_t kMaxReplacementBytes = 64;

/// Stands for a space in pieces: U+2581.
inline constexpr std::string_view kSpaceMark = "\u2581";

/// Takes White_Space off the ends.
struct StripStep {
  bool left = false;
  bool right = false;
};

/// Replaces a text wherever it is.
struct ReplaceStep {
  std::string text;  ///< not empty
  std::string by;    ///< at most kMaxReplacementBytes
};

/// Replaces runs of two and more spaces: the expression " {2,}".
struct ReplaceSpacesStep {
  std::string by;
};

using NormaliserStep = std::variant<Charsmap, StripStep, ReplaceStep, ReplaceSpacesStep>;

struct T5Files {
  Unigram model;
  std::vector<NormaliserStep> normaliser;
  bool split_white_space = false;  ///< into parts, before spaces become kSpaceMark
  bool add_prefix = true;          ///< each part starts with kSpaceMark
  bool split_marks = true;         ///< before each kSpaceMark
  std::int64_t end_id = 0;
  std::int64_t pad_id = 0;
};

/// `tokenizer.json` of the tokenizers library. `name` is the file, for errors.
Result<T5Files> parse_tokenizer_json(std::string_view text, const std::string& name);

/// `spiece.model` of SentencePiece, with the steps that transformers' T5Converter gives it.
Result<T5Files> parse_sentencepiece(ByteView bytes, const std::string& name);

/// See T5Tokenizer::open.
Result<T5Files> read_t5_files(const std::filesystem::path& folder);

/// Appends the ids of a text, without the end token. What is no UTF-8 reads as U+FFFD.
void encode_text(const T5Files& files, std::string_view text, std::vector<std::int64_t>& ids);

/// The model and the ids of "</s>" and "<pad>", for both forms.
Result<void> set_pieces(T5Files& files, const std::vector<Piece>& pieces, std::size_t unknown_id,
                        const std::string& where);

}  // namespace lode::tokenize
