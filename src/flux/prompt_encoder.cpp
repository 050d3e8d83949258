#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "flux/prompt_encoder_internal.h"

namespace lode::flux {

namespace {

Result<at::Tensor> to_ids(const tokenize::Tokens& tokens, std::int64_t vocabulary,
                          std::string_view tokenizer) {
  for (const std::int64_t id : tokens.ids) {
    if (id >= vocabulary) {
      return fail(Errc::invalid_input,
                  fmt::format("{} gives id {}, its text encoder's vocab_size is {}", tokenizer, id,
                              vocabulary));
    }
  }
  at::Tensor ids =
      at::empty({1, static_cast<std::int64_t>(tokens.ids.size())}, at::TensorOptions(at::kLong));
  std::ranges::copy(tokens.ids, ids.data_ptr<std::int64_t>());
  return ids;
}

void note_cut(const tokenize::Tokens& tokens, std::string_view encoder, std::string_view meaning,
              std::vector<std::string>& notes) {
  if (tokens.truncated) {
    notes.push_back(
        fmt::format("the prompt is longer than {} reads: its last {} tokens were left "
                    "out of {}",
                    encoder, tokens.dropped, meaning));
  }
}

}  // namespace

Result<PromptTokenizer> PromptTokenizer::open(const std::filesystem::path& folder,
                                              const PromptLengths& lengths) {
  LODE_TRY(tokenize::ClipTokenizer clip, tokenize::ClipTokenizer::open(folder / "tokenizer"));
  LODE_TRY(tokenize::T5Tokenizer t5, tokenize::T5Tokenizer::open(folder / "tokenizer_2"));
  return PromptTokenizer(std::move(clip), std::move(t5), lengths);
}

Result<PromptIds> PromptTokenizer::encode(std::string_view prompt) const {
  const tokenize::Tokens clip = clip_.encode(prompt, static_cast<std::size_t>(lengths_.clip));
  const tokenize::Tokens t5 = t5_.encode(prompt, static_cast<std::size_t>(lengths_.t5));
  PromptIds ids;
  LODE_TRY(ids.clip, to_ids(clip, lengths_.clip_vocabulary, "tokenizer"));
  LODE_TRY(ids.t5, to_ids(t5, lengths_.t5_vocabulary, "tokenizer_2"));
  note_cut(clip, "CLIP", "the overall impression", ids.notes);
  note_cut(t5, "T5", "the picture", ids.notes);
  return ids;
}

const EncodedPrompt* PromptCache::find(std::string_view prompt) {
  const auto found =
      std::ranges::find_if(entries_, [&](const auto& entry) { return entry.first == prompt; });
  if (found == entries_.end()) {
    return nullptr;
  }
  entries_.splice(entries_.begin(), entries_, found);
  return &entries_.front().second;
}

void PromptCache::put(std::string prompt, EncodedPrompt encoded) {
  entries_.emplace_front(std::move(prompt), std::move(encoded));
  if (entries_.size() > std::max<std::size_t>(capacity_, 1)) {
    entries_.pop_back();
  }
}

}  // namespace lode::flux
