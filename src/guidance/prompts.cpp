#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>

#include "guidance/prompts_internal.h"

namespace lode::guidance {

namespace {

constexpr std::int64_t kTokens = 77;  // as the networks were trained, padding included

}  // namespace

Result<PromptEncoder> PromptEncoder::open(const std::filesystem::path& folder, std::int64_t width) {
  LODE_TRY(auto text, models::describe<models::ClipText>(folder / "text_encoder",
                                                         models::parse_clip_text_config));
  LODE_CHECK(check_equal(folder, "text_encoder's hidden_size", text.network.config().width,
                         "the width that unet reads", width));
  LODE_TRY(tokenize::ClipTokenizer tokenizer, tokenize::ClipTokenizer::open(folder / "tokenizer"));
  const auto known = static_cast<std::size_t>(text.network.config().vocabulary);
  if (tokenizer.vocabulary_size() > known) {
    return fail(Errc::invalid_input,
                fmt::format("{}: tokenizer has {} ids, text_encoder's vocab_size is {}",
                            folder.string(), tokenizer.vocabulary_size(), known));
  }
  return PromptEncoder(std::move(text), std::move(tokenizer));
}

Result<void> PromptEncoder::join(Diffusion& diffusion) {
  LODE_TRY(member_, diffusion.add(text_, "text_encoder"));
  return {};
}

Result<at::Tensor> PromptEncoder::encode(Diffusion& diffusion, std::string_view prompt,
                                         const std::stop_token& stop) const {
  const std::int64_t length = std::min(kTokens, text_.network.config().positions);
  const tokenize::Tokens tokens = tokenizer_.encode(prompt, static_cast<std::size_t>(length));
  at::Tensor ids = at::empty({1, length}, at::TensorOptions(at::kLong));
  std::ranges::copy(tokens.ids, ids.data_ptr<std::int64_t>());
  ids = ids.to(diffusion.on_device().device());
  return diffusion.in_turn<at::Tensor>(member_, stop, [&](nn::Pass& pass) {
    return text_.network(ids, pass).hidden.to(at::kFloat);
  });
}

Result<void> check_prompt(const dream::Subject& subject, std::string_view model) {
  if (subject.prompt.empty()) {
    return fail(Errc::invalid_input, fmt::format("{} needs a prompt", model));
  }
  return {};
}

}  // namespace lode::guidance
