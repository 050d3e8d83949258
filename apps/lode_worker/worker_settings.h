// What a worker can be told, by flag, environment and lode.toml: which stages work, and how.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "lode_worker/judge_flags.h"
#include "lode_worker/setting_names.h"

namespace lode::commands {

/// "auto" is the network whose folder is named, else what needs no weights.
struct WorkerSettings {
  std::string backend = "sketch";
  int jobs = 1;

  std::string painter = "auto";
  std::string painter_model;
  int painter_side = 512;  ///< pixels
  int painter_steps = 4;
  std::string painter_weights = "native";
  std::string painter_prompt;  ///< with {} where the task's goes
  int most_paintings = 3;

  std::string cutter = "auto";
  std::string cutter_model;
  int cutter_side = 1024;
  std::string cutter_patch_order = "auto";

  std::string lifter = "auto";
  std::string lifter_model;
  std::string lifter_preset;  ///< empty: the lifter's own
  std::string lifter_budget;  ///< a duration; empty: none
  double lifter_elevation = 0;
  std::string lifter_gradient = "exact";
  int lifter_view_steps = 50;
  std::string text_lifter;
  std::string text_lifter_model;
  std::string text_lifter_preset;

  std::string critic = "auto";
  JudgeFlags judge;  ///< the engine's weights, and how every network runs
};

/// A setting for each member but `backend` and `jobs`.
void add_worker_settings(CLI::App& command, WorkerSettings& settings, const SettingNames& name);

/// --backend and --jobs, which `lode mine` says in its own way.
void add_service_settings(CLI::App& command, WorkerSettings& settings, const SettingNames& name);

/// Whether `lode-worker serve` alone reads this key of lode.toml.
bool is_worker_key(std::string_view key);
/// Whether `lode-worker` passes over this key: all that are not its own, and the miner's of those
/// that look like it.
bool is_miner_key(std::string_view key);

}  // namespace lode::commands
