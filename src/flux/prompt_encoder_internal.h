// Prompts to what the transformer reads, and the prompts that are known.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <filesystem>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenize/clip_tokenizer.h"
#include "tokenize/t5_tokenizer.h"

namespace lode::flux {

/// A prompt for both text encoders.
struct PromptIds {
  at::Tensor clip;                 ///< int64 [1, 77]
  at::Tensor t5;                   ///< int64 [1, L]
  std::vector<std::string> notes;  ///< what did not fit
};

struct PromptLengths {
  std::int64_t clip = 77;
  std::int64_t t5 = 256;
  std::int64_t clip_vocabulary = 0;
  std::int64_t t5_vocabulary = 0;
};

class PromptTokenizer {
 public:
  /// "tokenizer" and "tokenizer_2" of the folder. Errors name the file.
  static Result<PromptTokenizer> open(const std::filesystem::path& folder,
                                      const PromptLengths& lengths);
  /// Errc::invalid_input where a tokenizer knows ids that its network does not.
  Result<PromptIds> encode(std::string_view prompt) const;

 private:
  PromptTokenizer(tokenize::ClipTokenizer clip, tokenize::T5Tokenizer t5, PromptLengths lengths)
      : clip_(std::move(clip)), t5_(std::move(t5)), lengths_(lengths) {}

  tokenize::ClipTokenizer clip_;
  tokenize::T5Tokenizer t5_;
  PromptLengths lengths_;
};

/// A prompt after both text encoders, on the CPU.
struct EncodedPrompt {
  at::Tensor pooled;  ///< [1, P]
  at::Tensor text;    ///< [1, L, W]
  std::vector<std::string> notes;
};

/// The last prompts that were encoded; the least recently used is forgotten.
class PromptCache {
 public:
  explicit PromptCache(std::size_t capacity) : capacity_(capacity) {}
  /// Null where unknown; valid until the next put.
  const EncodedPrompt* find(std::string_view prompt);
  void put(std::string prompt, EncodedPrompt encoded);

 private:
  std::size_t capacity_;
  std::list<std::pair<std::string, EncodedPrompt>> entries_;  // last used first
};

}  // namespace lode::flux
