// Schedules against diffusers' and MVDream's.
#include "models/diffusion_schedule.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "models/test_networks.h"

namespace lode::models {
namespace {

using test::GoldenTensors;
using test::relative_error;

constexpr double kRounding = 1e-6;

std::filesystem::path folder() {
  return std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "guidance";
}

at::Tensor as_tensor(std::span<const float> values) {
  at::Tensor made = at::zeros({static_cast<std::int64_t>(values.size())}, at::kFloat);
  std::ranges::copy(values, made.data_ptr<float>());
  return made;
}

std::vector<std::int64_t> as_list(const at::Tensor& integers) {
  const auto* begin = integers.data_ptr<std::int64_t>();
  return {begin, begin + integers.numel()};
}

/// One of schedule.json's, with its tensors by the rest of their names.
class Case {
 public:
  Case(std::string name, const nlohmann::ordered_json& json)
      : name_(std::move(name)),
        json_(json),
        golden_(folder() / "schedule.safetensors"),
        schedule(parse_diffusion_schedule_config(json.at("config")).value()) {}

  at::Tensor operator[](const std::string& tensor) const { return golden_[name_ + "." + tensor]; }
  const std::string& name() const { return name_; }
  bool is_ddpm() const { return json_.at("config").at("_class_name") == "DDPMScheduler"; }
  std::vector<std::int64_t> steps() const { return json_.at("steps"); }

 private:
  std::string name_;
  nlohmann::ordered_json json_;
  GoldenTensors golden_;

 public:
  DiffusionSchedule schedule;
};

std::vector<Case> cases() {
  std::vector<Case> made;
  const nlohmann::ordered_json listed = config_file(folder() / "schedule.json");
  for (const auto& [name, json] : listed.items()) {
    made.emplace_back(name, json);
  }
  EXPECT_GE(made.size(), 9U);
  return made;
}

TEST(DiffusionSchedule, NoiseLevels) {
  for (const Case& c : cases()) {
    EXPECT_LE(relative_error(as_tensor(c.schedule.alphas_cumprod()), c["alphas_cumprod"]),
              kRounding)
        << c.name();
  }
  const DiffusionSchedule ldm(ldm_schedule_config());
  const at::Tensor want = GoldenTensors(folder() / "schedule.safetensors")["ldm.alphas_cumprod"];
  EXPECT_TRUE(as_tensor(ldm.alphas_cumprod()).equal(want)) << "float64 all the way";
}

TEST(DiffusionSchedule, TimestepsOfEverySpacing) {
  for (const Case& c : cases()) {
    for (const std::int64_t steps : c.steps()) {
      EXPECT_EQ(c.schedule.timesteps(steps).value(),
                as_list(c["timesteps." + std::to_string(steps)]))
          << c.name() << " " << steps;
    }
  }
}

TEST(DiffusionSchedule, RefusesRunsThatLeaveTheTraining) {
  const DiffusionSchedule schedule(ldm_schedule_config());
  for (const std::int64_t steps : {-1, 0, 1001}) {
    EXPECT_EQ(schedule.timesteps(steps).error().code, Errc::invalid_input) << steps;
  }
  EXPECT_FALSE(schedule.timesteps(1000)) << "its offset would reach 1000 of 0..999";
  EXPECT_EQ(schedule.timesteps(999).value().front(), 999);
}

TEST(DiffusionSchedule, Steps) {
  for (const Case& c : cases()) {
    const auto timesteps = c.schedule.timesteps(c.steps().back()).value();
    for (const std::int64_t index : as_list(c["indices"])) {
      const std::string at = std::to_string(index) + ".";
      DiffusionStep step{.timesteps = timesteps,
                         .index = static_cast<std::size_t>(index),
                         .latents = c["latents"],
                         .output = c["model_output"],
                         .noise = c[at + "noise"]};
      const at::Tensor clean =
          c.schedule.denoised(step.latents, step.output, {&timesteps[step.index], 1}).clean;
      const DiffusionScheduleConfig& config = c.schedule.config();
      EXPECT_LE(relative_error(
                    config.clip_sample ? clean.clamp(-config.clip_range, config.clip_range) : clean,
                    c[at + "clean"]),
                kRounding)
          << c.name() << " " << index;
      if (c.is_ddpm()) {
        EXPECT_LE(relative_error(c.schedule.ddpm_step(step), c[at + "previous"]), kRounding)
            << c.name() << " " << index;
        continue;
      }
      EXPECT_LE(relative_error(c.schedule.ddim_step(step), c[at + "previous"]), kRounding)
          << c.name() << " " << index;
      step.eta = 0.7;
      EXPECT_LE(relative_error(c.schedule.ddim_step(step), c[at + "with_noise"]), kRounding)
          << c.name() << " " << index;
    }
  }
}

TEST(DiffusionSchedule, AddsNoiseByEachElementsTimestep) {
  for (const Case& c : cases()) {
    const auto at = as_list(c["noisy_at"]);
    EXPECT_LE(relative_error(c.schedule.add_noise(c["latents"], c["model_output"], at), c["noisy"]),
              kRounding)
        << c.name();
  }
}

TEST(DiffusionSchedule, WhatWasAddedIsFoundAgain) {
  // By each kind of prediction: the network that knows the answer.
  const at::Tensor clean = at::randn({2, 4, 3, 3});
  const at::Tensor noise = at::randn({2, 4, 3, 3});
  const std::vector<std::int64_t> t = {700, 40};
  using Prediction = DiffusionScheduleConfig::Prediction;
  for (const Prediction prediction : {Prediction::epsilon, Prediction::v, Prediction::sample}) {
    DiffusionScheduleConfig config = ldm_schedule_config();
    config.prediction = prediction;
    const DiffusionSchedule schedule(config);
    const at::Tensor noisy = schedule.add_noise(clean, noise, t);
    at::Tensor output = prediction == Prediction::epsilon ? noise : clean;
    if (prediction == Prediction::v) {
      // sqrt(a) noise - sqrt(1 - a) clean is add_noise with the two exchanged.
      output = schedule.add_noise(noise, -clean, t);
    }
    const Denoised found = schedule.denoised(noisy, output, t);
    EXPECT_LE(relative_error(found.clean, clean), 1e-5);
    EXPECT_LE(relative_error(found.noise, noise), 1e-5);
  }
}

TEST(DiffusionSchedule, KeepsTheTypeOfLatents) {
  const DiffusionSchedule schedule(ldm_schedule_config());
  const auto timesteps = schedule.timesteps(10).value();
  const at::Tensor half = at::full({1, 4, 2, 2}, 0.5, at::kBFloat16);
  const DiffusionStep step{.timesteps = timesteps, .latents = half, .output = half, .noise = half};
  EXPECT_EQ(schedule.ddim_step(step).scalar_type(), at::kBFloat16);
  EXPECT_EQ(schedule.ddpm_step(step).scalar_type(), at::kBFloat16);
  EXPECT_EQ(schedule.add_noise(half, half, {timesteps.data(), 1}).scalar_type(), at::kBFloat16);
}

}  // namespace
}  // namespace lode::models
