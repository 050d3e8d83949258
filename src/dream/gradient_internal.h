// Derivatives of several views: weighed, added up, checked.
#pragma once

#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "render/render.h"
#include "splat/cloud.h"

namespace lode::dream {

/// Multiplies a derivative by pixels with a factor, and makes it 0 where descent would take a value
/// that is outside of 0..1 farther out. (The references cut frames to 0..1, where nothing leads
/// back inside either.)
void weigh_inside(std::span<const float> values, float factor, std::span<float> gradient);

/// Adds all but centres and radii, which belong to one view. Same bytes for any number of threads.
void add_gradient(const render::SceneGradient& part, render::SceneGradient& sum, ThreadPool& pool);

/// Whether every derivative is finite and small enough for Adam's squares to be.
bool is_usable(const splat::GaussianCloud& gradient);

}  // namespace lode::dream
