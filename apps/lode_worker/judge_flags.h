// The flags that name the scoring engine's weights, for every command that judges.
#pragma once

#include <CLI/App.hpp>
#include <memory>

#include "base/result.h"
#include "lode_worker/network_flags.h"
#include "pipeline/critic.h"
#include "scorer/scorer.h"

namespace lode::commands {

struct JudgeFlags {
  scorer::ScorerFolders folders;
  NetworkFlags network;

  /// Whether any network is named.
  bool has_weights() const {
    return can_score() || !folders.dinov2.empty() || !folders.lpips.empty();
  }
  /// Whether one is named that gives a score; the others add to it.
  bool can_score() const {
    return !folders.clip.empty() || !folders.image_tower.empty() || !folders.quality.empty();
  }
};

/// --clip, --tokenizer, --image-tower, --quality, --dinov2, --lpips, and those of networks.
void add_judge_flags(CLI::App& command, JudgeFlags& flags, const SettingNames& name = {});

/// The engine over those weights. Errors as of scorer::Scorer::open; Errc::invalid_input where
/// nothing is named that can give a score.
Result<scorer::Scorer> open_scorer(const JudgeFlags& flags);

/// The critic "engine" over those weights. Errors as of open_scorer.
Result<std::unique_ptr<pipeline::Critic>> open_engine(const JudgeFlags& flags);

}  // namespace lode::commands
