// Which gaussians hang together, on a grid of cells: floaters are small groups apart.
#include <algorithm>
#include <cmath>
#include <glm/gtc/quaternion.hpp>
#include <numeric>

#include "dream/finish.h"

namespace lode::dream {
namespace {

/// Cells along the object's longest side; what is a cell apart is not connected.
constexpr float kCells = 24;
/// The object's side is measured without this share of its mass at either end.
constexpr double kStray = 0.02;
/// A gaussian covers cells so many standard deviations along its axes, in so many steps at most.
constexpr float kReach = 2;
constexpr int kMostSteps = 8;
/// The largest part of the mass that may be dropped as floaters.
constexpr double kMostDropped = 0.2;
/// Cells are counted from the origin, in 21 bits each way.
constexpr std::int64_t kMostCell = (1 << 20) - 1;

using CellKey = std::int64_t;

CellKey key_of(const glm::ivec3& cell) {
  return (static_cast<CellKey>(cell.x + kMostCell) << 42) |
         (static_cast<CellKey>(cell.y + kMostCell) << 21) |
         static_cast<CellKey>(cell.z + kMostCell);
}

glm::ivec3 cell_at(const glm::vec3& point, float size) {
  constexpr auto kMost = static_cast<float>(kMostCell - 1);  // neighbours have a key, too
  return {glm::clamp(glm::floor(point / size), glm::vec3(-kMost), glm::vec3(kMost))};
}

/// A cell that a gaussian covers.
struct Covered {
  CellKey key;
  glm::ivec3 cell;
  std::size_t gaussian;
};

struct Groups {
  explicit Groups(std::size_t count) : parent(count) {
    std::iota(parent.begin(), parent.end(), std::size_t{0});
  }
  std::size_t root(std::size_t i) {
    while (parent[i] != i) {
      i = parent[i] = parent[parent[i]];
    }
    return i;
  }
  void unite(std::size_t a, std::size_t b) { parent[root(a)] = root(b); }

  std::vector<std::size_t> parent;
};

std::vector<double> opacity_masses(const splat::Scene& scene) {
  std::vector<double> masses(scene.size());
  for (std::size_t i = 0; i < scene.size(); ++i) {
    const glm::vec3& s = scene.scales[i];
    const float least = std::min({s.x, s.y, s.z});
    masses[i] = static_cast<double>(scene.opacities[i]) *
                static_cast<double>(s.x * s.y * s.z / std::max(least, 1e-12F));
  }
  return masses;
}

/// The longest side of the box that holds all but the stray mass at its ends.
float solid_side(const splat::Scene& scene, const std::vector<double>& masses) {
  const double total = std::accumulate(masses.begin(), masses.end(), 0.0);
  std::vector<std::size_t> order(scene.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  float side = 0;
  for (int axis = 0; axis < 3; ++axis) {
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(scene.positions[a][axis], a) < std::pair(scene.positions[b][axis], b);
    });
    double sum = 0;
    float low = scene.positions[order.front()][axis], high = low;
    for (const std::size_t i : order) {
      if (sum <= kStray * total) {
        low = scene.positions[i][axis];
      }
      if (sum <= (1 - kStray) * total) {
        high = scene.positions[i][axis];
      }
      sum += masses[i];
    }
    side = std::max(side, high - low);
  }
  return side;
}

void cover(const splat::Scene& scene, std::size_t i, float size, std::vector<Covered>& out) {
  const auto add = [&](const glm::vec3& point) {
    const glm::ivec3 cell = cell_at(point, size);
    out.push_back({key_of(cell), cell, i});
  };
  add(scene.positions[i]);
  for (int axis = 0; axis < 3; ++axis) {
    glm::vec3 unit(0);
    unit[axis] = 1;
    const glm::vec3 along = scene.rotations[i] * unit;
    const float reach = kReach * scene.scales[i][axis];
    const int steps = std::clamp(static_cast<int>(reach / size), 0, kMostSteps);
    for (int k = 1; k <= steps; ++k) {
      const float at = reach * static_cast<float>(k) / static_cast<float>(steps);
      add(scene.positions[i] + at * along);
      add(scene.positions[i] - at * along);
    }
  }
}

/// Unites gaussians that cover one cell or two that touch, at corners too.
void connect(std::vector<Covered>& covered, Groups& groups) {
  std::sort(covered.begin(), covered.end(), [](const Covered& a, const Covered& b) {
    return std::pair(a.key, a.gaussian) < std::pair(b.key, b.gaussian);
  });
  for (std::size_t i = 1; i < covered.size(); ++i) {
    if (covered[i].key == covered[i - 1].key) {
      groups.unite(covered[i].gaussian, covered[i - 1].gaussian);
    }
  }
  for (std::size_t i = 0; i < covered.size(); ++i) {
    if (i > 0 && covered[i].key == covered[i - 1].key) {
      continue;
    }
    for (int n = 14; n < 27; ++n) {  // the half of the 26 neighbours with larger keys
      const glm::ivec3 other = covered[i].cell + glm::ivec3(n / 9 - 1, n / 3 % 3 - 1, n % 3 - 1);
      const auto found =
          std::lower_bound(covered.begin(), covered.end(), key_of(other),
                           [](const Covered& one, CellKey key) { return one.key < key; });
      if (found != covered.end() && found->key == key_of(other)) {
        groups.unite(covered[i].gaussian, found->gaussian);
      }
    }
  }
}

}  // namespace

std::vector<std::uint8_t> connected_part(const splat::GaussianCloud& cloud, double least_group) {
  const splat::Scene scene = splat::activate(cloud);
  std::vector<std::uint8_t> keep(scene.size(), 1);
  if (scene.size() == 0) {
    return keep;
  }
  const std::vector<double> masses = opacity_masses(scene);
  const float size = solid_side(scene, masses) / kCells;
  if (!(size > 0)) {
    return keep;
  }
  std::vector<Covered> covered;
  for (std::size_t i = 0; i < scene.size(); ++i) {
    cover(scene, i, size, covered);
  }
  Groups groups(scene.size());
  connect(covered, groups);

  std::vector<double> group_masses(scene.size(), 0.0);
  double total = 0, dropped = 0;
  for (std::size_t i = 0; i < scene.size(); ++i) {
    group_masses[groups.root(i)] += masses[i];
    total += masses[i];
  }
  for (std::size_t i = 0; i < scene.size(); ++i) {
    if (group_masses[groups.root(i)] < least_group * total) {
      keep[i] = 0;
      dropped += masses[i];
    }
  }
  if (dropped > kMostDropped * total) {  // not strays: the object is made of small groups
    std::fill(keep.begin(), keep.end(), std::uint8_t{1});
  }
  return keep;
}

}  // namespace lode::dream
