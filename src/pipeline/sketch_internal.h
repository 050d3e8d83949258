// The sketch as a backend, and what its stages share with it.
#pragma once

#include <memory>
#include <string_view>

#include "pipeline/backend.h"
#include "sketch/sketch.h"

namespace lode::pipeline {

/// What the sketch draws for a prompt: where it does not know the noun a ball in the prompt's
/// colours, something to look at. The judge knows that the prompt was not understood.
sketch::SceneSpec scene_of(std::string_view prompt);

std::unique_ptr<Backend> make_sketch_backend();

}  // namespace lode::pipeline
