#include "fit/slack.h"

#include <algorithm>
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/gtc/quaternion.hpp>

namespace lode::fit {
namespace {

constexpr float kBeta1 = 0.9F, kBeta2 = 0.999F, kEpsilon = 1e-15F;  // as Adam has them

/// The rotation by a vector's length about it.
glm::mat3 turned(glm::vec3 turn) {
  const float angle = glm::length(turn);
  return angle > 0 ? glm::mat3_cast(glm::angleAxis(angle, turn / angle)) : glm::mat3(1);
}

}  // namespace

ViewSlack::ViewSlack(const Dataset& dataset, std::span<const std::size_t> views, glm::vec3 centre,
                     const SlackOptions& options)
    : dataset_(dataset), centre_(centre), options_(options), corrections_(dataset.views.size()) {
  for (const std::size_t view : views) {
    corrections_[view].is_used = true;
    corrections_[view].is_exact = dataset.views[view].is_exact;
    has_exact_ = has_exact_ || dataset.views[view].is_exact;
  }
}

render::Camera ViewSlack::camera(std::size_t view) const {
  render::Camera camera = dataset_.views[view].camera;
  const float* pose = corrections_[view].pose;
  const glm::mat3 turn = turned({pose[0], pose[1], pose[2]});
  const glm::vec3 shift(pose[3], pose[4], pose[5]);
  // The world moves before the camera: p' = turn (p - centre) + centre + shift.
  camera.translation += camera.rotation * (centre_ + shift - turn * centre_);
  camera.rotation = camera.rotation * turn;
  return camera;
}

void ViewSlack::meet_colours(std::size_t view, const render::Frame& frame, glm::vec3 background,
                             std::span<const float> rgb, std::span<const float> alpha) {
  Correction& correction = corrections_[view];
  if (!(options_.gain_rate > 0) || correction.is_exact || alpha.empty()) {
    return;
  }
  glm::dvec3 products(0), squares(0);
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    const glm::vec3 behind_drawn = (1 - frame.alpha[i]) * background;
    const glm::vec3 behind_target = (1 - alpha[i]) * background;
    for (int c = 0; c < 3; ++c) {
      const float drawn = frame.rgb[3 * i + c] - behind_drawn[c];
      const float target = correction.gain[c] * (rgb[3 * i + c] - behind_target[c]);
      products[c] += static_cast<double>(drawn * target);
      squares[c] += static_cast<double>(drawn * drawn);
    }
  }
  for (int c = 0; c < 3; ++c) {
    // A channel that is dark all over says nothing: one grey level in every pixel holds the gain.
    const double hold = static_cast<double>(alpha.size()) / (255.0 * 255.0);
    const auto best = static_cast<float>((products[c] + hold) / (squares[c] + hold));
    correction.gain[c] += options_.gain_rate * (best - correction.gain[c]);
  }
  take_out_common_gain();
}

void ViewSlack::take_out_common_gain() {
  glm::vec3 mean(0);
  int count = 0;
  for (const Correction& c : corrections_) {
    if (c.is_used) {
      mean += glm::log(c.gain);
      ++count;
    }
  }
  mean = has_exact_ ? glm::vec3(0) : mean / static_cast<float>(count);
  for (Correction& c : corrections_) {
    if (c.is_used && !c.is_exact) {
      c.gain = glm::clamp(c.gain * glm::exp(-mean), 1 / options_.most_gain, options_.most_gain);
    }
  }
}

void ViewSlack::move_camera(std::size_t view, const splat::Scene& scene,
                            const render::SceneGradient& gradient) {
  Correction& correction = corrections_[view];
  if (correction.is_exact || !(options_.turn_rate > 0 || options_.shift_rate > 0)) {
    return;
  }
  // Turning the world by a small d about the centre moves a gaussian by d x (p - centre) and its
  // quaternion q by (0, d) q / 2.
  glm::dvec3 turn(0), shift(0);
  for (std::size_t i = 0; i < scene.size(); ++i) {
    const glm::vec3 by_position = gradient.positions[i];
    const glm::quat q = scene.rotations[i], by_q = gradient.rotations[i];
    const glm::vec3 v(q.x, q.y, q.z), by_v(by_q.x, by_q.y, by_q.z);
    const glm::vec3 by_turn = 0.5F * (q.w * by_v - by_q.w * v + glm::cross(v, by_v));
    turn += glm::dvec3(glm::cross(scene.positions[i] - centre_, by_position) + by_turn);
    shift += glm::dvec3(by_position);
  }
  ++correction.steps;
  for (int k = 0; k < kNumbers; ++k) {
    const auto g = static_cast<float>(k < 3 ? turn[k] : shift[k - 3]);
    float& first = correction.first[k];
    float& second = correction.second[k];
    first = kBeta1 * first + (1 - kBeta1) * g;
    second = kBeta2 * second + (1 - kBeta2) * g * g;
    const float mean = first / (1 - std::pow(kBeta1, static_cast<float>(correction.steps)));
    const float square = second / (1 - std::pow(kBeta2, static_cast<float>(correction.steps)));
    const float rate = k < 3 ? options_.turn_rate : options_.shift_rate;
    correction.pose[k] -= rate * mean / (std::sqrt(square) + kEpsilon);
  }
  take_out_common_pose();
}

void ViewSlack::take_out_common_pose() {
  float mean[kNumbers] = {};
  int count = 0;
  for (const Correction& c : corrections_) {
    if (c.is_used) {
      ++count;
      for (int k = 0; k < kNumbers; ++k) {
        mean[k] += c.pose[k];
      }
    }
  }
  for (Correction& c : corrections_) {
    for (int k = 0; k < kNumbers && c.is_used && !c.is_exact; ++k) {
      const float most = k < 3 ? options_.most_turn : options_.most_shift;
      const float common = has_exact_ ? 0 : mean[k] / static_cast<float>(count);
      c.pose[k] = std::clamp(c.pose[k] - common, -most, most);
    }
  }
}

}  // namespace lode::fit
