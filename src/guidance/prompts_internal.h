// Prompts to what a U-Net's attention reads.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "guidance/diffusion_internal.h"
#include "models/clip_text.h"
#include "models/folder.h"
#include "tokenize/clip_tokenizer.h"

namespace lode::guidance {

/// text_encoder/ and tokenizer/ of a folder.
class PromptEncoder {
 public:
  /// `width` is what the U-Net reads. Errors name file and field.
  static Result<PromptEncoder> open(const std::filesystem::path& folder, std::int64_t width);

  /// Has the text encoder take turns; this object must then stay where it is.
  Result<void> join(Diffusion& diffusion);

  /// Within Diffusion::run: [1, T, width], float32 on the device: every token's row after the last
  /// norm. What does not fit into T tokens is left out.
  Result<at::Tensor> encode(Diffusion& diffusion, std::string_view prompt,
                            const std::stop_token& stop) const;

 private:
  PromptEncoder(models::Described<models::ClipText> text, tokenize::ClipTokenizer tokenizer)
      : text_(std::move(text)), tokenizer_(std::move(tokenizer)) {}

  models::Described<models::ClipText> text_;
  tokenize::ClipTokenizer tokenizer_;
  std::size_t member_ = 0;
};

/// Errc::invalid_input where the subject has no prompt.
Result<void> check_prompt(const dream::Subject& subject, std::string_view model);

}  // namespace lode::guidance
