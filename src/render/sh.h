// View-dependent colour from spherical harmonics, as 3DGS and gsplat evaluate them.
#pragma once

#include "render/render_internal.h"

namespace lode::render {

/// Writes to `seen[i]`, for gaussians begin..end-1, the colour that the camera sees: max(0, colour
/// + sum of sh_rest[k] basis_k(direction from the camera)). The scene must have `sh_degree`.
void view_colours(const SceneView& scene, const View& view, std::size_t begin, std::size_t end,
                  glm::vec3* seen);

/// The way back for gaussians begin..end-1: `out.colours` holds derivatives by the seen colours and
/// becomes those by the scene's; `sh_rest` is written, and what moves the direction of view is
/// added to `positions`.
void view_colours_backward(const SceneView& scene, const View& view, std::size_t begin,
                           std::size_t end, SceneGradient& out);

}  // namespace lode::render
