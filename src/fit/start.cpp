#include "fit/start.h"

#include <algorithm>
#include <boost/geometry.hpp>
#include <boost/geometry/index/rtree.hpp>
#include <cmath>
#include <glm/geometric.hpp>
#include <glm/matrix.hpp>
#include <numbers>
#include <optional>

#include "fit/densify.h"

namespace lode::fit {
namespace {

constexpr float kStartOpacity = 0.1F;
/// DreamGaussian's ball has radius 0.5 where its cameras see 0.83.
constexpr float kBallWithoutAlpha = 0.6F;
/// Alpha (0..255) from which a pixel may belong to the object: a splat's edge is soft.
constexpr int kSolidAlpha = 32;
/// Draws before a hull counts as too thin to be found at random: about a second.
constexpr std::size_t kMaxDraws = 10'000'000;
/// The least share of the gaussians wanted that must be found in it.
constexpr std::size_t kLeastShare = 10;

glm::vec3 centre_of(const render::Camera& camera) {
  return -(glm::transpose(camera.rotation) * camera.translation);
}

/// Sine of the angle between the optical axis and the nearest side of the picture.
float narrowest_sine(const render::Camera& camera) {
  const float x = std::min(camera.cx, static_cast<float>(camera.width) - camera.cx) / camera.fx;
  const float y = std::min(camera.cy, static_cast<float>(camera.height) - camera.cy) / camera.fy;
  const float tangent = std::max(std::min(x, y), 0.01F);
  return tangent / std::sqrt(1 + tangent * tangent);
}

/// The point with the least sum of squared distances to the optical axes.
glm::vec3 focus(std::span<const render::Camera> cameras) {
  // A pull to the origin, too weak to matter, settles what parallel axes leave open.
  constexpr double kPull = 1e-6;
  glm::dmat3 matrix(kPull);
  glm::dvec3 sum(0);
  for (const render::Camera& camera : cameras) {
    const glm::dvec3 axis = glm::normalize(
        glm::dvec3(camera.rotation[0][2], camera.rotation[1][2], camera.rotation[2][2]));
    const glm::dmat3 across = glm::dmat3(1) - glm::outerProduct(axis, axis);
    matrix += across;
    sum += across * glm::dvec3(centre_of(camera));
  }
  return {glm::inverse(matrix) * sum};
}

/// The mean colour of the pixels that show a point; nothing when one of them is empty or there is
/// none.
std::optional<glm::vec3> colour_in_hull(const Dataset& dataset, std::span<const std::size_t> views,
                                        glm::vec3 point) {
  glm::vec3 sum(0);
  int count = 0;
  for (const std::size_t index : views) {
    const View& view = dataset.views[index];
    const auto at =
        view.picture.channels == 4 ? render::pixel_of(view.camera, point) : std::nullopt;
    if (!at) {
      continue;
    }
    const std::uint8_t* pixel = view.picture.at(at->x, at->y);
    if (pixel[3] < kSolidAlpha) {
      return std::nullopt;
    }
    sum += glm::vec3(pixel[0], pixel[1], pixel[2]) / 255.0F;
    ++count;
  }
  return count > 0 ? std::optional(sum / static_cast<float>(count)) : std::nullopt;
}

struct Points {
  std::vector<glm::vec3> positions, colours;
};

/// Up to `count` points that no silhouette excludes; none when no view has alpha.
Points draw_in_hull(const Dataset& dataset, std::span<const std::size_t> views, const Place& place,
                    std::size_t count, Rng& rng) {
  const bool has_alpha = std::any_of(views.begin(), views.end(), [&](std::size_t index) {
    return dataset.views[index].picture.channels == 4;
  });
  if (!has_alpha) {
    return {};
  }
  Points points;
  for (std::size_t i = 0; i < kMaxDraws && points.positions.size() < count; ++i) {
    const glm::vec3 point = place.centre + random_in_ball(place.radius, rng);
    if (const auto colour = colour_in_hull(dataset, views, point)) {
      points.positions.push_back(point);
      points.colours.push_back(*colour);
    }
  }
  return points;
}

}  // namespace

glm::vec3 random_in_ball(float radius, Rng& rng) {
  const double around = 2 * std::numbers::pi * rng.uniform();
  const double cosine = 2 * rng.uniform() - 1;
  const double sine = std::sqrt(1 - cosine * cosine);
  const double distance = static_cast<double>(radius) * std::cbrt(rng.uniform());
  return {glm::dvec3(sine * std::cos(around), sine * std::sin(around), cosine) * distance};
}

Place find_place(std::span<const render::Camera> cameras) {
  Place place;
  if (cameras.empty()) {
    return place;
  }
  place.centre = focus(cameras);
  glm::vec3 mean(0);
  for (const render::Camera& camera : cameras) {
    mean += centre_of(camera) / static_cast<float>(cameras.size());
  }
  float nearest = std::numeric_limits<float>::infinity(), farthest = 0;
  for (const render::Camera& camera : cameras) {
    const float distance = glm::length(centre_of(camera) - place.centre);
    nearest = std::min(nearest, distance * narrowest_sine(camera));
    farthest = std::max(farthest, glm::length(centre_of(camera) - mean));
  }
  // One camera, or all in one place, says nothing of the size.
  place.radius = nearest > 0 ? nearest : 1;
  place.extent = farthest > 1e-3F * place.radius ? 1.1F * farthest : 2 * place.radius;
  return place;
}

Place find_place(const Dataset& dataset, std::span<const std::size_t> views) {
  std::vector<render::Camera> cameras;
  for (const std::size_t index : views) {
    cameras.push_back(dataset.views[index].camera);
  }
  return find_place(cameras);
}

splat::GaussianCloud with_degree(const splat::GaussianCloud& cloud, int sh_degree) {
  splat::GaussianCloud out = cloud;
  const auto had = static_cast<std::size_t>(splat::sh_rest_count(cloud.sh_degree)) * 3;
  const auto has = static_cast<std::size_t>(splat::sh_rest_count(sh_degree)) * 3;
  out.sh_degree = sh_degree;
  out.sh_rest.assign(cloud.size() * has, 0.0F);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    for (std::size_t k = 0; k < std::min(had, has); ++k) {
      out.sh_rest[i * has + k] = cloud.sh_rest[i * had + k];
    }
  }
  return out;
}

std::vector<float> neighbour_log_scales(const std::vector<glm::vec3>& points) {
  namespace bg = boost::geometry;
  using Point = bg::model::point<float, 3, bg::cs::cartesian>;
  constexpr std::size_t kNeighbours = 3;
  std::vector<Point> all;
  all.reserve(points.size());
  for (const glm::vec3& p : points) {
    all.emplace_back(p.x, p.y, p.z);
  }
  const bg::index::rtree<Point, bg::index::quadratic<16>> tree(all);
  std::vector<float> scales;
  scales.reserve(points.size());
  std::vector<Point> nearest;
  for (const Point& point : all) {
    nearest.clear();
    // The point itself is among them, at no distance.
    tree.query(bg::index::nearest(point, kNeighbours + 1), std::back_inserter(nearest));
    double sum = 0;
    for (const Point& other : nearest) {
      sum += static_cast<double>(bg::comparable_distance(point, other));
    }
    const double mean = sum / static_cast<double>(std::max<std::size_t>(1, nearest.size() - 1));
    scales.push_back(static_cast<float>(std::log(std::sqrt(std::max(mean, 1e-7)))));
  }
  return scales;
}

splat::GaussianCloud start_cloud(const Dataset& dataset, std::span<const std::size_t> views,
                                 const StartOptions& options, Rng rng) {
  const Place place = find_place(dataset, views);
  Points points = draw_in_hull(dataset, views, place, options.gaussians, rng);
  if (points.positions.size() < std::max<std::size_t>(1, options.gaussians / kLeastShare)) {
    // No alpha anywhere, or silhouettes that do not meet: the plain ball.
    points = {};
    for (std::size_t i = 0; i < options.gaussians; ++i) {
      points.positions.push_back(place.centre +
                                 random_in_ball(kBallWithoutAlpha * place.radius, rng));
      points.colours.emplace_back(0.5F);
    }
  }
  splat::GaussianCloud cloud;
  cloud.sh_degree = options.sh_degree;
  cloud.resize(points.positions.size());
  const std::vector<float> scales = neighbour_log_scales(points.positions);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.log_scales[i] = glm::vec3(scales[i]);
    cloud.f_dc[i] = (points.colours[i] - 0.5F) / splat::kShC0;
    cloud.opacity_logits[i] = splat::logit(kStartOpacity);
  }
  cloud.positions = std::move(points.positions);
  return cloud;
}

}  // namespace lode::fit
