#include "dream/shell.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <glm/geometric.hpp>
#include <glm/gtc/quaternion.hpp>
#include <glm/matrix.hpp>
#include <glm/vec2.hpp>
#include <numeric>
#include <optional>
#include <utility>

#include "base/assert.h"

namespace lode::dream {
namespace {

/// Alpha (0..255) from which a pixel is the object's.
constexpr int kSolidAlpha = 128;
/// Cells next to a skin's own that are not asked whether they hide it.
constexpr float kSkinCells = 2.5F;
/// Thickness of the skin's gaussians as a share of their width.
constexpr float kThickness = 0.3F;
/// Pixels of a silhouette that may lose all that fills them when a hull is levelled: its noise.
constexpr float kSparedShare = 0.005F;
/// Views that a hull is made of at most: more than any model draws, see kMostSampledViews.
constexpr std::size_t kMostEyes = 72;
/// A view that sees the skin at this cosine or less says nothing of its colour.
constexpr float kLeastFacing = 0.1F;
/// Views whose lines on the ground are nearer to parallel than this (squared sine) do not round
/// each other: their corner is long, and nothing says how much of it is filled.
constexpr float kLeastCrossing = 0.5F;
/// Above this (squared sine) a view's line counts as another one, which cuts corners by itself.
constexpr float kOtherLine = 0.15F;

/// A view as the hull needs it.
struct Eye {
  const fit::View* view = nullptr;
  glm::vec3 centre{0};
  glm::vec2 aside{0};  ///< the picture's x axis on the ground (world x, z), unit
  float weight = 1;
  /// Where a pixel lies in its row's stretch of the silhouette, -1..1 from left to right.
  std::vector<float> across;

  std::optional<std::size_t> pixel(glm::vec3 point) const {
    const auto at = render::pixel_of(view->camera, point);
    if (!at) {
      return std::nullopt;
    }
    return static_cast<std::size_t>(at->y) * static_cast<std::size_t>(view->camera.width) +
           static_cast<std::size_t>(at->x);
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

/// Squared sine of the angle between the lines that two pictures' x axes are on the ground.
float crossing(const Eye& a, const Eye& b) {
  const float cosine = glm::dot(a.aside, b.aside);
  return 1 - cosine * cosine;
}

/// Two views whose silhouettes leave a corner open that no third one cuts, as indices.
std::vector<std::pair<std::size_t, std::size_t>> open_corners(const std::vector<Eye>& eyes) {
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t i = 0; i < eyes.size(); ++i) {
    for (std::size_t k = i + 1; k < eyes.size(); ++k) {
      const bool is_cut = std::any_of(eyes.begin(), eyes.end(), [&](const Eye& other) {
        return crossing(other, eyes[i]) > kOtherLine && crossing(other, eyes[k]) > kOtherLine;
      });
      if (crossing(eyes[i], eyes[k]) > kLeastCrossing && !is_cut) {
        pairs.emplace_back(i, k);
      }
    }
  }
  return pairs;
}

/// Cells of a cube, 1 where the object may be.
class Hull {
 public:
  Hull(const std::vector<Eye>& eyes, const fit::Place& place, const ShellOptions& options,
       ThreadPool& pool)
      : side_(options.grid),
        corner_(place.centre - place.radius),
        pitch_(2 * place.radius / static_cast<float>(options.grid)),
        cells_(static_cast<std::size_t>(side_) * side_ * side_, 0),
        corners_(open_corners(eyes)) {
    pool.for_each(static_cast<std::size_t>(side_), [&](std::size_t z) {
      for (int y = 0; y < side_; ++y) {
        for (int x = 0; x < side_; ++x) {
          const glm::ivec3 cell(x, y, static_cast<int>(z));
          cells_[index(cell)] = may_hold(eyes, centre(cell), options.corner) ? 1 : 0;
        }
      }
    });
  }

  void level(const std::vector<Eye>& eyes);

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
  /// In every silhouette, and not in the corner that two of them leave open: with u and v where
  /// the point is across each (-1..1) and d the angle between the two lines on the ground,
  /// (u^2 + v^2 - 2 u v cos d) / sin^2 d is 1 on the ellipse that touches all four edges of the
  /// parallelogram at their middles. Subjects are framed: what a picture does not show is empty.
  bool may_hold(const std::vector<Eye>& eyes, glm::vec3 point, float corner) const {
    std::array<float, kMostEyes> across;
    for (std::size_t i = 0; i < eyes.size(); ++i) {
      const auto pixel = eyes[i].pixel(point);
      if (!pixel || eyes[i].rgba(*pixel)[3] < kSolidAlpha) {
        return false;
      }
      across[i] = eyes[i].across[*pixel];
    }
    return std::none_of(corners_.begin(), corners_.end(), [&](const auto& pair) {
      const float cosine = glm::dot(eyes[pair.first].aside, eyes[pair.second].aside);
      const float u = across[pair.first], v = across[pair.second];
      return u * u + v * v - 2 * u * v * cosine > corner * (1 - cosine * cosine);
    });
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
  std::vector<std::pair<std::size_t, std::size_t>> corners_;
};

/// Seen from above, silhouettes leave a roof over what is flat and a cone under it. Nothing speaks
/// for those: the layers that can go while (nearly) every silhouette stays filled are taken off.
void Hull::level(const std::vector<Eye>& eyes) {
  int floor = side_, ceiling = -1;
  for (const Eye& eye : eyes) {
    // The lowest and the highest layer that each pixel shows.
    const std::size_t pixels = eye.across.size();
    std::vector<int> lowest(pixels, side_), highest(pixels, -1);
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const int side = side_, at = static_cast<int>(i);
      const glm::ivec3 cell(at % side, at / side % side, at / (side * side));
      if (const auto pixel = cells_[i] != 0 ? eye.pixel(centre(cell)) : std::nullopt) {
        lowest[*pixel] = std::min(lowest[*pixel], cell.y);
        highest[*pixel] = std::max(highest[*pixel], cell.y);
      }
    }
    std::erase(lowest, side_);
    std::erase(highest, -1);
    if (lowest.empty()) {
      return;
    }
    const auto spared =
        static_cast<std::ptrdiff_t>(kSparedShare * static_cast<float>(lowest.size()));
    std::nth_element(lowest.begin(), lowest.end() - 1 - spared, lowest.end());
    std::nth_element(highest.begin(), highest.begin() + spared, highest.end());
    ceiling = std::max(ceiling, *(lowest.end() - 1 - spared));
    floor = std::min(floor, *(highest.begin() + spared));
  }
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const int y = static_cast<int>(i) / side_ % side_;
    cells_[i] = y < floor || y > ceiling ? 0 : cells_[i];
  }
}

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

/// The shortest rotation that takes +Z to a unit vector.
glm::quat turn_to(glm::vec3 direction) {
  if (direction.z < -0.9999F) {
    return {0, 1, 0, 0};
  }
  return glm::normalize(glm::quat(1 + direction.z, -direction.y, direction.x, 0));
}

}  // namespace

splat::GaussianCloud shell_cloud(const fit::Dataset& dataset, std::span<const std::size_t> views,
                                 std::span<const float> weights, const ShellOptions& options,
                                 Rng rng, ThreadPool& pool) {
  std::vector<Eye> eyes;
  LODE_ASSERT(views.size() <= kMostEyes && weights.size() == views.size(),
              "few views, each with a weight");
  for (std::size_t i = 0; i < views.size(); ++i) {
    eyes.push_back(eye_of(dataset.views[views[i]], weights[i]));
  }
  Hull hull(eyes, fit::find_place(dataset, views), options, pool);
  if (options.is_levelled) {
    hull.level(eyes);
  }
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
    const glm::vec3 normal = normals[chosen[i]];
    glm::vec3 jitter;
    for (int axis = 0; axis < 3; ++axis) {
      jitter[axis] = static_cast<float>(rng.uniform(-0.5, 0.5)) * hull.pitch();
    }
    // The skin's cells are inside by half of one already: the scatter is along the skin.
    cloud.positions[i] = hull.centre(skin[chosen[i]]) + jitter - glm::dot(jitter, normal) * normal;
    cloud.rotations[i] = glm::length(normal) > 0 ? turn_to(normal) : glm::quat(1, 0, 0, 0);
    const Coloured& colour = colours[chosen[i]];
    cloud.f_dc[i] = ((colour.is_known ? colour.colour : glm::vec3(0.5F)) - 0.5F) / splat::kShC0;
    cloud.opacity_logits[i] = splat::logit(options.opacity);
  }
  const std::vector<float> scales = fit::neighbour_log_scales(cloud.positions);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const float wide = scales[i] + std::log(options.width);
    cloud.log_scales[i] = {wide, wide, wide + std::log(kThickness)};
  }
  return cloud;
}

}  // namespace lode::dream
