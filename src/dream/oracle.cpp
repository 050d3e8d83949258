#include "dream/oracle.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "base/rng.h"
#include "render/render.h"

namespace lode::dream {
namespace {

/// A cell's value is this times a mean of colours 0..1, less a constant that differences lose.
constexpr float kCellScale = 4;
constexpr int kSubjectSize = 512;

/// A picture as means over cells, [cells, cells, 3].
std::vector<float> cell_means(std::span<const float> rgb, int size, int cells) {
  const int side = size / cells;
  std::vector<float> means(static_cast<std::size_t>(cells) * cells * 3, 0.0F);
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const std::size_t from = (static_cast<std::size_t>(y) * size + x) * 3;
      const std::size_t to =
          (static_cast<std::size_t>(y / side) * cells + static_cast<std::size_t>(x / side)) * 3;
      for (int c = 0; c < 3; ++c) {
        means[to + c] += rgb[from + c];
      }
    }
  }
  for (float& mean : means) {
    mean /= static_cast<float>(side * side);
  }
  return means;
}

double half_square(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) {
    sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return sum / 2;
}

}  // namespace

struct Oracle::State {
  splat::Scene truth;
  OracleOptions options;
  Rng rng;
  render::Renderer renderer;
  render::Frame frame;

  State(const splat::GaussianCloud& cloud, const OracleOptions& how, std::uint64_t seed,
        ThreadPool& pool)
      : truth(splat::activate(cloud, splat::own_colours(cloud))),
        options(how),
        rng(seed),
        renderer(pool) {}

  /// How far the view's cells are from the truth's, scaled, over the background that fits best.
  std::vector<float> differences(const DrawnView& view, int cells) {
    const int size = view.orbit.size;
    renderer.draw(truth, render::orbit_camera(view.orbit), {.background = glm::vec3(0)}, frame);
    std::vector<float> over_white = frame.rgb;
    for (std::size_t i = 0; i < over_white.size(); ++i) {
      over_white[i] += 1 - frame.alpha[i / 3];
    }
    const std::vector<float> seen = cell_means(view.rgb, size, cells);
    std::vector<float> best;
    for (std::vector<float>* picture : {&over_white, &frame.rgb}) {
      for (float& value : *picture) {  // as a picture is
        value = std::clamp(value, 0.0F, 1.0F);
      }
      std::vector<float> delta = cell_means(*picture, size, cells);
      for (std::size_t i = 0; i < delta.size(); ++i) {
        delta[i] = kCellScale * (seen[i] - delta[i]);
      }
      if (best.empty() || half_square(delta) < half_square(best)) {
        best = std::move(delta);
      }
    }
    return best;
  }

  double differentiate(const DrawnView& view, Rng noise, std::vector<float>& gradient) {
    const int size = view.orbit.size;
    int cells = options.cells > 0 ? std::min(options.cells, size) : size;
    while (size % cells != 0) {
      --cells;
    }
    std::vector<float> delta = differences(view, cells);
    const double loss = half_square(delta);
    if (options.noise > 0) {
      for (float& value : delta) {
        value += static_cast<float>(options.noise * noise.normal());
      }
    }
    const int side = size / cells;
    const float factor = kCellScale / static_cast<float>(side * side);
    gradient.resize(view.rgb.size());
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const std::size_t to = (static_cast<std::size_t>(y) * size + x) * 3;
        const std::size_t from =
            (static_cast<std::size_t>(y / side) * cells + static_cast<std::size_t>(x / side)) * 3;
        for (int c = 0; c < 3; ++c) {
          gradient[to + c] = factor * delta[from + c];
        }
      }
    }
    return loss;
  }
};

Oracle::Oracle(const splat::GaussianCloud& truth, const OracleOptions& options, std::uint64_t seed,
               ThreadPool& pool)
    : state_(std::make_unique<State>(truth, options, seed, pool)) {
  LODE_ASSERT(options.views_together == 1 || options.views_together == 4, "one view or four");
}
Oracle::~Oracle() = default;

int Oracle::views_together() const { return state_->options.views_together; }

Result<double> Oracle::differentiate(std::span<const DrawnView> views, const GuidanceStep& step,
                                     std::span<std::vector<float>> gradients,
                                     const std::stop_token& stop) {
  double loss = 0;
  for (std::size_t i = 0; i < views.size(); ++i) {
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, "the oracle was stopped");
    }
    const std::string label = std::to_string(step.number) + "/" + std::to_string(i);
    loss += state_->differentiate(views[i], state_->rng.fork(label), gradients[i]);
  }
  return loss;
}

Subject oracle_subject(const splat::GaussianCloud& truth, const render::Orbit& orbit,
                       ThreadPool& pool) {
  render::Renderer renderer(pool);
  render::Frame frame;
  render::Orbit large = orbit;
  large.size = kSubjectSize;
  renderer.draw(splat::activate(truth, splat::own_colours(truth)), render::orbit_camera(large),
                {.background = glm::vec3(0)}, frame);
  return {.picture = render::to_cutout(frame), .elevation_deg = orbit.elevation_deg};
}

}  // namespace lode::dream
