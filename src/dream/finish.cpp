#include "dream/finish.h"

#include <algorithm>
#include <numeric>

#include "dream/health_internal.h"
#include "fit/adam.h"
#include "fit/dataset.h"
#include "fit/fit.h"
#include "render/render.h"
#include "splat/split.h"

namespace lode::dream {
namespace {

constexpr int kWeighSize = 256;

/// Keeps the gaussians that `keep` says; returns how many were dropped.
template <class Keep>
std::size_t keep_if(splat::GaussianCloud& cloud, const Keep& keep) {
  std::vector<std::uint8_t> flags(cloud.size());
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    flags[i] = keep(i) ? 1 : 0;
  }
  const std::size_t before = cloud.size();
  fit::keep_gaussians(cloud, flags);
  return before - cloud.size();
}

/// Drops those that weigh least until `most` are left.
void drop_weakest(splat::GaussianCloud& cloud, const FinishOptions& options, ThreadPool& pool) {
  const std::vector<float> weights =
      blending_weights(cloud, options.weigh_views, options.radius, pool);
  std::vector<std::size_t> order(cloud.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return weights[a] > weights[b]; });
  std::vector<std::uint8_t> keep(cloud.size(), 0);
  for (std::size_t i = 0; i < options.most; ++i) {
    keep[order[i]] = 1;
  }
  fit::keep_gaussians(cloud, keep);
}

}  // namespace

std::vector<float> blending_weights(const splat::GaussianCloud& cloud, int views, float radius,
                                    ThreadPool& pool) {
  const splat::Scene scene = splat::activate(cloud);
  render::Renderer renderer(pool);
  render::Frame frame;
  render::SceneGradient gradient;
  // The derivative of the sum of all red values by a gaussian's red is the weight that it has.
  std::vector<float> by_rgb(static_cast<std::size_t>(kWeighSize) * kWeighSize * 3, 0.0F);
  for (std::size_t i = 0; i < by_rgb.size(); i += 3) {
    by_rgb[i] = 1;
  }
  std::vector<float> weights(cloud.size(), 0.0F);
  const auto cameras = fit::dataset_cameras(views, {.radius = radius, .size = kWeighSize});
  for (const render::Camera& camera : cameras) {
    renderer.draw(scene, camera, {.differentiable = true}, frame);
    if (!renderer.backward(scene, {.rgb = by_rgb}, gradient)) {
      continue;  // a view that cannot be differentiated has no say
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      weights[i] += gradient.colours[i].x;
    }
  }
  return weights;
}

Result<splat::GaussianCloud> finish(const splat::GaussianCloud& cloud, const FinishOptions& options,
                                    ThreadPool& pool, FinishReport* report) {
  FinishReport done;
  splat::GaussianCloud out = cloud;
  done.not_finite = keep_if(out, [&](std::size_t i) { return is_sound(out, i); });
  const float faintest = splat::logit(options.min_opacity);
  done.faint = keep_if(out, [&](std::size_t i) { return out.opacity_logits[i] >= faintest; });
  done.huge = keep_if(out, [&](std::size_t i) {
    const glm::vec3& s = out.log_scales[i];
    return std::exp(std::max({s.x, s.y, s.z})) <= options.max_scale;
  });
  out = fit::finished(out);
  const std::vector<std::uint8_t> connected = connected_part(out, options.least_group);
  done.floaters = keep_if(out, [&](std::size_t i) { return connected[i] != 0; });
  if (out.size() == 0) {
    return fail(Errc::invalid_input, "none of " + std::to_string(cloud.size()) +
                                         " gaussians is worth keeping: too faint or too wide");
  }
  if (out.size() > options.most) {
    done.weak = out.size() - options.most;
    drop_weakest(out, options, pool);
  }
  if (out.size() < options.least) {
    done.split = options.least - out.size();
    splat::split_until(out, options.least);
  }
  if (report != nullptr) {
    *report = done;
  }
  return out;
}

}  // namespace lode::dream
