#include "dream/shell.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <glm/geometric.hpp>
#include <glm/matrix.hpp>
#include <glm/vec2.hpp>
#include <numeric>
#include <optional>

namespace lode::dream {
namespace {

/// Alpha (0..255) from which a pixel is the object's.
constexpr int kSolidAlpha = 128;
/// Cells next to a skin's own that are not asked whether they hide it.
constexpr float kSkinCells = 2.5F;
/// A view that sees the skin at this cosine or less says nothing of its colour.
constexpr float kLeastFacing = 0.1F;
/// Views whose directions are nearer to parallel than this (squared sine) do not round each other.
constexpr float kLeastCrossing = 0.5F;

/// A view as the hull needs it.
struct Eye {
  const fit::View* view = nullptr;
  glm::vec3 centre{0};
  glm::vec2 aside{0};  ///< the picture's x axis on the ground (world x, z), unit
  float weight = 1;
  /// Where a pixel lies in its row's stretch of the silhouette, -1..1 from left to right.
  std::vector<float> across;

  std::optional<std::size_t> pixel(glm::vec3 point) const {
    const render::Camera& c = view->camera;
    const glm::vec3 p = c.rotation * point + c.translation;
    if (p.z <= c.near_plane) {
      return std::nullopt;
    }
    const float x = c.fx * p.x / p.z + c.cx, y = c.fy * p.y / p.z + c.cy;
    if (!(x >= 0 && y >= 0 && x < static_cast<float>(c.width) &&
          y < static_cast<float>(c.height))) {
      return std::nullopt;
    }
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(c.width) +
           static_cast<std::size_t>(x);
  }
  const std::uint8_t* rgba(std::size_t pixel) const { return &view->picture.pixels[4 * pixel]; }
};

std::vector<float> stretches(const image::Image& picture) {
  std::vector<float> across(static_cast<std::size_t>(picture.width) * picture.height, 0.0F);
  for (int y = 0; y < picture.height; ++y) {
    for (int begin = 0; begin < picture.width;) {
      int end = begin;
      while (end < picture.width && picture.at(end, y)[3] >= kSolidAlpha) {
        ++end;
      }
      for (int x = begin; x < end; ++x) {
        across[static_cast<std::size_t>(y) * static_cast<std::size_t>(picture.width) +
               static_cast<std::size_t>(x)] =
            (2 * static_cast<float>(x - begin) + 1) / static_cast<float>(end - begin) - 1;
      }
      begin = end + 1;
    }
  }
  return across;
}

Eye eye_of(const fit::View& view, float weight) {
  const render::Camera& camera = view.camera;
  const glm::vec2 aside(camera.rotation[0][0], camera.rotation[2][0]);
  const float length = glm::length(aside);
  return {.view = &view,
          .centre = -(glm::transpose(camera.rotation) * camera.translation),
          .aside = length > 0 ? aside / length : glm::vec2(1, 0),
          .weight = weight,
          .across = stretches(view.picture)};
}

/// Cells of a cube, 1 where the object may be.
class Hull {
 public:
  Hull(const std::vector<Eye>& eyes, const fit::Place& place, const ShellOptions& options,
       ThreadPool& pool)
      : side_(options.grid),
        corner_(place.centre - place.radius),
        pitch_(2 * place.radius / static_cast<float>(options.grid)),
        cells_(static_cast<std::size_t>(side_) * side_ * side_, 0) {
    pool.for_each(static_cast<std::size_t>(side_), [&](std::size_t z) {
      for (int y = 0; y < side_; ++y) {
        for (int x = 0; x < side_; ++x) {
          const glm::ivec3 cell(x, y, static_cast<int>(z));
          cells_[index(cell)] = may_hold(eyes, centre(cell), options.corner) ? 1 : 0;
        }
      }
    });
  }

  int side() const { return side_; }
  float pitch() const { return pitch_; }
  glm::vec3 centre(glm::ivec3 cell) const { return corner_ + pitch_ * (glm::vec3(cell) + 0.5F); }
  bool has(glm::ivec3 cell) const {
    return std::min({cell.x, cell.y, cell.z}) >= 0 && std::max({cell.x, cell.y, cell.z}) < side_ &&
           cells_[index(cell)] != 0;
  }
  glm::ivec3 cell_of(glm::vec3 point) const {
    return glm::ivec3(glm::floor((point - corner_) / pitch_));
  }

  /// Cells with an empty one beside a face, in order.
  std::vector<glm::ivec3> skin() const {
    std::vector<glm::ivec3> out;
    for (int z = 0; z < side_; ++z) {
      for (int y = 0; y < side_; ++y) {
        for (int x = 0; x < side_; ++x) {
          if (has({x, y, z}) && !(has({x - 1, y, z}) && has({x + 1, y, z}) && has({x, y - 1, z}) &&
                                  has({x, y + 1, z}) && has({x, y, z - 1}) && has({x, y, z + 1}))) {
            out.emplace_back(x, y, z);
          }
        }
      }
    }
    return out;
  }

  /// Away from what is filled around a cell; zero for one alone.
  glm::vec3 normal(glm::ivec3 cell) const {
    constexpr int kReach = 3;
    glm::vec3 sum(0);
    for (int z = -kReach; z <= kReach; ++z) {
      for (int y = -kReach; y <= kReach; ++y) {
        for (int x = -kReach; x <= kReach; ++x) {
          sum -= has(cell + glm::ivec3(x, y, z)) ? glm::vec3(x, y, z) : glm::vec3(0);
        }
      }
    }
    const float length = glm::length(sum);
    return length > 0 ? sum / length : sum;
  }

  /// Whether nothing filled lies between a skin cell and a point outside.
  bool sees(glm::ivec3 cell, glm::vec3 from) const {
    const glm::vec3 start = centre(cell);
    const glm::vec3 direction = glm::normalize(from - start);
    for (float t = kSkinCells; t < 2 * static_cast<float>(side_); t += 1) {
      const glm::ivec3 at = cell_of(start + direction * (t * pitch_));
      if (std::min({at.x, at.y, at.z}) < 0 || std::max({at.x, at.y, at.z}) >= side_) {
        return true;
      }
      if (has(at)) {
        return false;
      }
    }
    return true;
  }

 private:
  /// In every silhouette whose picture shows the point, and not in the corner that two of them
  /// leave open: with u and v where the point is across each (-1..1) and d the angle between the
  /// two lines on the ground, (u^2 + v^2 - 2 u v cos d) / sin^2 d is 1 on the ellipse that touches
  /// all four edges of the parallelogram at their middles.
  static bool may_hold(const std::vector<Eye>& eyes, glm::vec3 point, float corner) {
    std::array<float, 64> across;
    std::array<bool, 64> is_seen;
    bool is_seen_at_all = false;
    const std::size_t count = std::min(eyes.size(), across.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto pixel = eyes[i].pixel(point);
      is_seen[i] = pixel.has_value();
      if (pixel && eyes[i].rgba(*pixel)[3] < kSolidAlpha) {
        return false;
      }
      across[i] = pixel ? eyes[i].across[*pixel] : 0;
      is_seen_at_all = is_seen_at_all || is_seen[i];
    }
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = i + 1; k < count; ++k) {
        const float cosine = glm::dot(eyes[i].aside, eyes[k].aside);
        const float crossing = 1 - cosine * cosine;
        const float u = across[i], v = across[k];
        if (is_seen[i] && is_seen[k] && crossing > kLeastCrossing &&
            u * u + v * v - 2 * u * v * cosine > corner * crossing) {
          return false;
        }
      }
    }
    return is_seen_at_all;
  }

  std::size_t index(glm::ivec3 cell) const {
    const auto side = static_cast<std::size_t>(side_);
    return (static_cast<std::size_t>(cell.z) * side + static_cast<std::size_t>(cell.y)) * side +
           static_cast<std::size_t>(cell.x);
  }

  int side_;
  glm::vec3 corner_;
  float pitch_;
  std::vector<std::uint8_t> cells_;
};

struct Coloured {
  glm::vec3 colour{0};
  bool is_known = false;
};

Coloured colour_of(const Hull& hull, const std::vector<Eye>& eyes, glm::ivec3 cell,
                   glm::vec3 normal) {
  const glm::vec3 point = hull.centre(cell);
  glm::vec3 sum(0);
  float total = 0;
  for (const Eye& eye : eyes) {
    const float facing = glm::dot(normal, glm::normalize(eye.centre - point));
    const auto pixel = eye.pixel(point);
    if (facing <= kLeastFacing || !pixel || eye.rgba(*pixel)[3] < kSolidAlpha ||
        !hull.sees(cell, eye.centre)) {
      continue;
    }
    const std::uint8_t* rgba = eye.rgba(*pixel);
    const float weight = eye.weight * facing * facing * facing * facing;
    sum += weight * glm::vec3(rgba[0], rgba[1], rgba[2]) / 255.0F;
    total += weight;
  }
  return total > 0 ? Coloured{sum / total, true} : Coloured{};
}

/// Colours for cells that no view sees: the mean of known neighbours, from the rim inwards.
void spread_colours(const Hull& hull, const std::vector<glm::ivec3>& skin,
                    std::vector<Coloured>& colours) {
  const auto side = static_cast<std::size_t>(hull.side());
  std::vector<int> at(side * side * side, -1);
  const auto index = [side](glm::ivec3 c) {
    return (static_cast<std::size_t>(c.z) * side + static_cast<std::size_t>(c.y)) * side +
           static_cast<std::size_t>(c.x);
  };
  for (std::size_t i = 0; i < skin.size(); ++i) {
    at[index(skin[i])] = static_cast<int>(i);
  }
  const auto mean_around = [&](glm::ivec3 cell) {
    Coloured mean;
    float count = 0;
    for (int k = 0; k < 27; ++k) {
      const glm::ivec3 next = cell + glm::ivec3(k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1);
      const int other = hull.has(next) ? at[index(next)] : -1;
      if (other >= 0 && colours[static_cast<std::size_t>(other)].is_known) {
        mean.colour += colours[static_cast<std::size_t>(other)].colour;
        count += 1;
      }
    }
    return count > 0 ? Coloured{mean.colour / count, true} : mean;
  };
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    std::vector<std::pair<std::size_t, Coloured>> found;
    for (std::size_t i = 0; i < skin.size(); ++i) {
      if (!colours[i].is_known) {
        if (const Coloured mean = mean_around(skin[i]); mean.is_known) {
          found.emplace_back(i, mean);
        }
      }
    }
    for (const auto& [i, colour] : found) {
      colours[i] = colour;
      has_changed = true;
    }
  }
}

/// `count` of 0..size-1 at random, in order.
std::vector<std::size_t> choose(std::size_t size, std::size_t count, Rng& rng) {
  std::vector<std::size_t> all(size);
  std::iota(all.begin(), all.end(), 0U);
  for (std::size_t i = 0; i < std::min(count, size); ++i) {
    std::swap(all[i], all[i + rng.below(size - i)]);
  }
  all.resize(std::min(count, size));
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

splat::GaussianCloud shell_cloud(const fit::Dataset& dataset, std::span<const std::size_t> views,
                                 std::span<const float> weights, const ShellOptions& options,
                                 Rng rng, ThreadPool& pool) {
  std::vector<Eye> eyes;
  for (std::size_t i = 0; i < views.size(); ++i) {
    eyes.push_back(eye_of(dataset.views[views[i]], weights[i]));
  }
  const Hull hull(eyes, fit::find_place(dataset, views), options, pool);
  const std::vector<glm::ivec3> skin = hull.skin();
  std::vector<Coloured> colours(skin.size());
  std::vector<glm::vec3> normals(skin.size());
  pool.for_each(skin.size(), [&](std::size_t i) {
    normals[i] = hull.normal(skin[i]);
    colours[i] = colour_of(hull, eyes, skin[i], normals[i]);
  });
  spread_colours(hull, skin, colours);

  splat::GaussianCloud cloud;
  const std::vector<std::size_t> chosen = choose(skin.size(), options.gaussians, rng);
  cloud.resize(chosen.size());
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    glm::vec3 jitter;
    for (int axis = 0; axis < 3; ++axis) {
      jitter[axis] = static_cast<float>(rng.uniform(-0.5, 0.5)) * hull.pitch();
    }
    cloud.positions[i] = hull.centre(skin[chosen[i]]) + jitter;
    const Coloured& colour = colours[chosen[i]];
    cloud.f_dc[i] = ((colour.is_known ? colour.colour : glm::vec3(0.5F)) - 0.5F) / splat::kShC0;
    cloud.opacity_logits[i] = splat::logit(options.opacity);
  }
  const std::vector<float> scales = fit::neighbour_log_scales(cloud.positions);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.log_scales[i] = glm::vec3(scales[i]);
    cloud.rotations[i] = glm::quat(1, 0, 0, 0);
  }
  return cloud;
}

}  // namespace lode::dream
