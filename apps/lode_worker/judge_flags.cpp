#include "lode_worker/judge_flags.h"

namespace lode::commands {

void add_judge_flags(CLI::App& command, JudgeFlags& flags, const SettingNames& name) {
  scorer::ScorerFolders& folders = flags.folders;
  command.add_option(name("clip"), folders.clip,
                     "open_clip's convnext_large_d or a CLIP of Hugging Face: folder or file");
  command.add_option(name("tokenizer"), folders.tokenizer, "CLIP's vocabulary, if not with --clip");
  command.add_option(name("image_tower"), folders.image_tower,
                     "LLM2CLIP-Openai-L-14-336, for prompts that are pictures");
  command.add_option(name("quality"), folders.quality, "quality_scorer.safetensors, or its folder");
  command.add_option(name("dinov2"), folders.dinov2, "dinov2-small, if not with --quality");
  command.add_option(name("lpips"), folders.lpips, "alexnet and lpips_alex: folder, or one file");
  add_network_flags(command, flags.network, {"f32", "bf16"}, "Most bytes of weights on the device",
                    name);
}

}  // namespace lode::commands
