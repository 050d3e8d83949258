#include "lode_worker/worker_settings.h"

#include <CLI/CLI.hpp>

namespace lode::commands {
namespace {

void add_painter_settings(CLI::App& command, WorkerSettings& settings, const SettingNames& name) {
  command
      .add_option(name("painter"), settings.painter, "Prompts to pictures: sketch, flux, or auto")
      ->capture_default_str();
  command.add_option(name("painter_model"), settings.painter_model,
                     "A folder as Hugging Face lays FLUX.1-schnell out");
  command
      .add_option(name("painter_side"), settings.painter_side,
                  "Side of painted pictures, pixels, a multiple of 16")
      ->capture_default_str()
      ->check(CLI::Range(64, 2048));
  command
      .add_option(name("painter_steps"), settings.painter_steps,
                  "Denoising steps; schnell is made for 1 to 4")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  command
      .add_option(name("painter_weights"), settings.painter_weights,
                  "How its large matrices are held: native, int8, or fp8 (libtorch 2.1 and newer)")
      ->capture_default_str()
      ->check(CLI::IsMember({"native", "int8", "fp8"}).description(""));
  command.add_option(name("painter_prompt"), settings.painter_prompt,
                     "What it is told, with {} for the task's prompt; empty: an object alone on "
                     "plain ground is asked for");
  command
      .add_option(name("most_paintings"), settings.most_paintings,
                  "Pictures painted for a prompt while they do not show it, by the critic's CLIP")
      ->capture_default_str()
      ->check(CLI::Range(1, 16));
}

void add_cutter_settings(CLI::App& command, WorkerSettings& settings, const SettingNames& name) {
  command
      .add_option(
          name("cutter"), settings.cutter,
          "Subjects of pictures: grabcut, birefnet, none (they are cut out already), or auto")
      ->capture_default_str();
  command.add_option(name("cutter_model"), settings.cutter_model,
                     "Folder of BiRefNet's or RMBG-2.0's weights");
  command
      .add_option(name("cutter_side"), settings.cutter_side,
                  "Side of the square that the network sees, pixels, a multiple of 32")
      ->capture_default_str()
      ->check(CLI::Range(32, 2304));
  command
      .add_option(name("cutter_patch_order"), settings.cutter_patch_order,
                  "auto, tile_major or channel_major: lode-worker cutout --help")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "tile_major", "channel_major"}).description(""));
}

void add_lifter_settings(CLI::App& command, WorkerSettings& settings, const SettingNames& name) {
  command
      .add_option(name("lifter"), settings.lifter,
                  "Subjects to splats: sketch, dream (a picture, by Zero123), mvdream and "
                  "stable-diffusion (a prompt), views (what a model draws from all sides, fitted), "
                  "or auto: views, and dream where a preset is named")
      ->capture_default_str();
  command.add_option(name("lifter_model"), settings.lifter_model,
                     "Folder of the diffusion model that guides it");
  command.add_option(name("lifter_preset"), settings.lifter_preset,
                     "How it optimises: the name of a preset or a file; empty: the lifter's own; "
                     "for views how the fit is refined, none for not at all");
  command.add_option(name("lifter_budget"), settings.lifter_budget,
                     "Longest time that it takes, such as 20s; empty: what its preset takes");
  command
      .add_option(name("lifter_elevation"), settings.lifter_elevation,
                  "From where pictures show their subjects, degrees, negative is above")
      ->capture_default_str()
      ->check(CLI::Range(-80.0, 80.0));
  command
      .add_option(name("lifter_gradient"), settings.lifter_gradient,
                  "How guidance reaches the pixels: exact, through the encoder, or linear, by the "
                  "nearest linear map, which takes less time and carries colours only")
      ->capture_default_str()
      ->check(CLI::IsMember({"exact", "linear"}).description(""));
  command
      .add_option(name("lifter_view_steps"), settings.lifter_view_steps,
                  "Denoising steps of the views that lifter views has drawn")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command.add_option(name("text_lifter"), settings.text_lifter,
                     "Makes splats of prompts without a painting: mvdream or stable-diffusion");
  command.add_option(name("text_lifter_model"), settings.text_lifter_model, "Its folder");
  command.add_option(name("text_lifter_preset"), settings.text_lifter_preset, "Its preset");
}

}  // namespace

void add_worker_settings(CLI::App& command, WorkerSettings& settings, const SettingNames& name) {
  add_painter_settings(command, settings, name);
  add_cutter_settings(command, settings, name);
  add_lifter_settings(command, settings, name);
  command
      .add_option(name("critic"), settings.critic,
                  "Who judges: likeness, engine (the networks of clip, quality and the like), or "
                  "auto")
      ->capture_default_str();
  add_judge_flags(command, settings.judge, name);
}

void add_service_settings(CLI::App& command, WorkerSettings& settings, const SettingNames& name) {
  command
      .add_option(name("backend"), settings.backend,
                  "What makes the splats: sketch, or the chain of painter, cutter and lifter")
      ->capture_default_str();
  command
      .add_option(name("jobs"), settings.jobs, "Tasks at the same time, over one set of weights")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
}

bool is_worker_key(std::string_view key) {
  return key == "worker.jobs" || key == "worker.max_queue";
}

bool is_miner_key(std::string_view key) {
  return !key.starts_with("worker.") || key == "worker.binary" || key == "worker.processes";
}

}  // namespace lode::commands
