#include "dream/oracle_sampler.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/rng.h"
#include "render/render.h"

namespace lode::dream {
namespace {

class OracleSampler final : public ViewSampler {
 public:
  OracleSampler(const splat::GaussianCloud& truth, std::vector<render::Orbit> orbits,
                const Inconsistency& inconsistency)
      : scene_(splat::activate(truth)), orbits_(std::move(orbits)), wrong_(inconsistency) {}

  std::string_view name() const override { return "oracle"; }
  bool needs_picture() const override { return false; }

  Result<std::vector<SampledView>> sample(const Subject&, std::uint64_t seed,
                                          const std::function<void(int, int)>& progress,
                                          const std::stop_token& stop) override {
    std::vector<SampledView> views;
    for (std::size_t i = 0; i < orbits_.size(); ++i) {
      if (stop.stop_requested()) {
        return fail(Errc::cancelled, "oracle: stopped");
      }
      Rng rng = Rng(seed).fork("view " + std::to_string(i));
      views.push_back({orbits_[i], draw(orbits_[i], rng)});
      if (progress) {
        progress(static_cast<int>(i + 1), static_cast<int>(orbits_.size()));
      }
    }
    return views;
  }

 private:
  image::Image draw(render::Orbit orbit, Rng& rng) const {
    const auto normal = [&rng](float deviation) {
      return deviation * static_cast<float>(rng.normal());
    };
    orbit.azimuth_deg += normal(wrong_.turn_deg);
    orbit.elevation_deg += normal(wrong_.turn_deg);
    orbit.radius *= std::exp(normal(wrong_.zoom));
    const glm::vec3 gain =
        glm::exp(glm::vec3(normal(wrong_.gain), normal(wrong_.gain), normal(wrong_.gain)));
    const int size = orbit.size;
    orbit.size = std::max(1, static_cast<int>(std::lround(size * (1 - wrong_.blur))));
    const float white = 1 - wrong_.ground / 255;
    render::Frame frame =
        render::render(scene_, render::orbit_camera(orbit), {.background = glm::vec3(white)});
    for (std::size_t i = 0; i < frame.rgb.size(); ++i) {
      const float behind = (1 - frame.alpha[i / 3]) * white;
      frame.rgb[i] = (frame.rgb[i] - behind) * gain[static_cast<int>(i % 3)] + behind;
    }
    image::Image picture = image::resize(render::to_image(frame), size, size);
    for (std::uint8_t& value : picture.pixels) {
      const float noisy = static_cast<float>(value) + normal(wrong_.noise);
      value = static_cast<std::uint8_t>(std::lround(std::clamp(noisy, 0.0F, 255.0F)));
    }
    return picture;
  }

  splat::Scene scene_;
  std::vector<render::Orbit> orbits_;
  Inconsistency wrong_;
};

}  // namespace

Inconsistency model_like() {
  return {.turn_deg = 2, .zoom = 0.015F, .gain = 0.06F, .blur = 0.4F, .noise = 3, .ground = 4};
}

std::vector<render::Orbit> four_orbits(int size) {
  std::vector<render::Orbit> orbits;
  for (const float azimuth : {0.0F, 90.0F, 180.0F, 270.0F}) {
    orbits.push_back({.azimuth_deg = azimuth, .elevation_deg = -15, .size = size});
  }
  return orbits;
}

std::vector<render::Orbit> six_orbits(int size) {
  std::vector<render::Orbit> orbits;
  for (int i = 0; i < 6; ++i) {
    orbits.push_back({.azimuth_deg = 30 + 60 * static_cast<float>(i),
                      .elevation_deg = i % 2 == 0 ? -20.0F : 0.0F,
                      .size = size});
  }
  return orbits;
}

std::unique_ptr<ViewSampler> oracle_sampler(const splat::GaussianCloud& truth,
                                            std::vector<render::Orbit> orbits,
                                            const Inconsistency& inconsistency) {
  return std::make_unique<OracleSampler>(truth, std::move(orbits), inconsistency);
}

}  // namespace lode::dream
