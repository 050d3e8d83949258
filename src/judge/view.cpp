#include "judge/view.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace lode::judge {
namespace {

// Radius of gyration of the resampled subject as a part of the side: a solid square then covers
// 0.59 of the side, a bar 0.83.
constexpr double kRadius = 0.24;
// Fewest pixels' worth of alpha that count as something to be seen.
constexpr double kLeastMass = 4;
// Colour differences (CIE76) at which two cells are alike by 1/e: a shade of the same colour is
// about 10 away, the neighbouring colour name 40 and more.
constexpr double kColourTolerance = 28;

struct Placement {
  double x = 0, y = 0;  // centre of area, pixels
  double radius = 0;    // of gyration, pixels
  double mass = 0;      // sum of alpha
};

Placement placement_of(const Cutout& cutout) {
  Placement result;
  double xx = 0;
  for (int y = 0; y < cutout.height; ++y) {
    for (int x = 0; x < cutout.width; ++x) {
      const double a = cutout.alpha[static_cast<std::size_t>(y) * cutout.width + x];
      result.mass += a;
      result.x += a * x;
      result.y += a * y;
      xx += a * (static_cast<double>(x) * x + static_cast<double>(y) * y);
    }
  }
  if (result.mass <= 0)
    return result;
  result.x /= result.mass;
  result.y /= result.mass;
  const double variance = xx / result.mass - result.x * result.x - result.y * result.y;
  result.radius = std::sqrt(std::max(0.25, variance));  // half a pixel at least
  return result;
}

using Pixel = std::array<float, 4>;  // premultiplied rgb, alpha

Pixel pixel_at(const Cutout& cutout, int x, int y) {
  if (x < 0 || y < 0 || x >= cutout.width || y >= cutout.height)
    return {};
  const std::size_t i = static_cast<std::size_t>(y) * cutout.width + x;
  return {cutout.rgb[3 * i], cutout.rgb[3 * i + 1], cutout.rgb[3 * i + 2], cutout.alpha[i]};
}

Pixel sample(const Cutout& cutout, double x, double y) {
  const int x0 = static_cast<int>(std::floor(x));
  const int y0 = static_cast<int>(std::floor(y));
  const float fx = static_cast<float>(x - x0);
  const float fy = static_cast<float>(y - y0);
  const Pixel corners[4] = {pixel_at(cutout, x0, y0), pixel_at(cutout, x0 + 1, y0),
                            pixel_at(cutout, x0, y0 + 1), pixel_at(cutout, x0 + 1, y0 + 1)};
  const float weights[4] = {(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy};
  Pixel sum{};
  for (int corner = 0; corner < 4; ++corner) {
    for (int c = 0; c < 4; ++c) sum[c] += weights[corner] * corners[corner][c];
  }
  return sum;
}

// The subject on the grid, each point the mean of 2x2 samples.
std::vector<Pixel> resample(const Cutout& cutout, const Placement& place) {
  const double step = place.radius / (kRadius * kGrid);
  std::vector<Pixel> grid(kGrid * kGrid);
  for (int y = 0; y < kGrid; ++y) {
    for (int x = 0; x < kGrid; ++x) {
      Pixel& out = grid[y * kGrid + x];
      for (const double dy : {0.25, 0.75}) {
        for (const double dx : {0.25, 0.75}) {
          const Pixel pixel = sample(cutout, place.x + (x + dx - kGrid / 2.0) * step,
                                     place.y + (y + dy - kGrid / 2.0) * step);
          for (int c = 0; c < 4; ++c) out[c] += pixel[c] / 4;
        }
      }
    }
  }
  return grid;
}

float linear_of(float srgb) {
  return srgb <= 0.04045F ? srgb / 12.92F : std::pow((srgb + 0.055F) / 1.055F, 2.4F);
}

float lab_curve(float t) { return t > 0.008856F ? std::cbrt(t) : 7.787F * t + 16.0F / 116.0F; }

// CIELAB of an sRGB colour, white point D65.
std::array<float, 3> lab_of(float red, float green, float blue) {
  const float r = linear_of(red);
  const float g = linear_of(green);
  const float b = linear_of(blue);
  const float x = lab_curve((0.4124F * r + 0.3576F * g + 0.1805F * b) / 0.95047F);
  const float y = lab_curve(0.2126F * r + 0.7152F * g + 0.0722F * b);
  const float z = lab_curve((0.0193F * r + 0.1192F * g + 0.9505F * b) / 1.08883F);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

constexpr int kCellSide = kGrid / kCells;

void fill_colours(const std::vector<Pixel>& grid, View& view) {
  for (int cell = 0; cell < kCells * kCells; ++cell) {
    const int x0 = cell % kCells * kCellSide;
    const int y0 = cell / kCells * kCellSide;
    Pixel sum{};
    for (int i = 0; i < kCellSide * kCellSide; ++i) {
      const Pixel& pixel = grid[(y0 + i / kCellSide) * kGrid + x0 + i % kCellSide];
      for (int c = 0; c < 4; ++c) sum[c] += pixel[c];
    }
    view.coarse_alpha[cell] = sum[3] / (kCellSide * kCellSide);
    if (sum[3] > 0)
      view.lab[cell] = lab_of(sum[0] / sum[3], sum[1] / sum[3], sum[2] / sum[3]);
  }
}

// Histograms of oriented gradients of lightness over white, soft between neighbouring
// orientations; edges of the silhouette count as what the validators' white background makes them.
void fill_gradients(const std::vector<Pixel>& grid, View& view) {
  std::array<float, kGrid * kGrid> luma;
  for (int i = 0; i < kGrid * kGrid; ++i) {
    luma[i] = 0.299F * grid[i][0] + 0.587F * grid[i][1] + 0.114F * grid[i][2] + 1 - grid[i][3];
  }
  for (int y = 1; y + 1 < kGrid; ++y) {
    for (int x = 1; x + 1 < kGrid; ++x) {
      const float gx = luma[y * kGrid + x + 1] - luma[y * kGrid + x - 1];
      const float gy = luma[(y + 1) * kGrid + x] - luma[(y - 1) * kGrid + x];
      const float magnitude = std::sqrt(gx * gx + gy * gy);
      if (magnitude < 1e-4F)
        continue;
      float turn =
          std::atan2(gy, gx) / std::numbers::pi_v<float>;  // -1..1, opposite directions equal
      if (turn < 0)
        turn += 1;
      const float position = turn * kOrientations;
      const int bin = static_cast<int>(position);
      const float part = position - static_cast<float>(bin);
      auto& histogram = view.gradients[y / kCellSide * kCells + x / kCellSide];
      // The square root keeps a dark object's outline from drowning everything inside it.
      const float weight = std::sqrt(magnitude);
      histogram[bin % kOrientations] += weight * (1 - part);
      histogram[(bin + 1) % kOrientations] += weight * part;
    }
  }
}

double soft_iou(const float* a, const float* b, int count) {
  double intersection = 0;
  double both = 0;
  for (int i = 0; i < count; ++i) {
    intersection += std::min(a[i], b[i]);
    both += std::max(a[i], b[i]);
  }
  return both > 0 ? intersection / both : 0;
}

// Each cell with a share of its neighbours', so that a part that sits a little elsewhere counts.
double neighbourhood(const View& view, int cell, int orientation) {
  const int cx = cell % kCells;
  const int cy = cell / kCells;
  double sum = 0;
  for (int y = std::max(0, cy - 1); y <= std::min(kCells - 1, cy + 1); ++y) {
    for (int x = std::max(0, cx - 1); x <= std::min(kCells - 1, cx + 1); ++x) {
      const double weight = (x == cx ? 2 : 1) * (y == cy ? 2 : 1);
      sum += weight * view.gradients[y * kCells + x][orientation];
    }
  }
  return sum;
}

double gradient_cosine(const View& a, const View& b) {
  double dot = 0;
  double aa = 0;
  double bb = 0;
  for (int cell = 0; cell < kCells * kCells; ++cell) {
    for (int orientation = 0; orientation < kOrientations; ++orientation) {
      const double va = neighbourhood(a, cell, orientation);
      const double vb = neighbourhood(b, cell, orientation);
      dot += va * vb;
      aa += va * va;
      bb += vb * vb;
    }
  }
  return aa > 0 && bb > 0 ? dot / std::sqrt(aa * bb) : 0;
}

double colour_distance(const std::array<float, 3>& a, const std::array<float, 3>& b) {
  // Lightness counts half: shading moves it without the object being another colour.
  const double l = 0.5 * (a[0] - b[0]);
  return std::sqrt(l * l + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]));
}

double alikeness(double distance) {
  return std::exp(-(distance * distance) / (kColourTolerance * kColourTolerance));
}

// Mean likeness of colour over the cells that both views fill.
double colour_in_place(const View& a, const View& b) {
  double sum = 0;
  double weights = 0;
  for (int cell = 0; cell < kCells * kCells; ++cell) {
    const double weight = std::min(a.coarse_alpha[cell], b.coarse_alpha[cell]);
    if (weight <= 0)
      continue;
    sum += weight * alikeness(colour_distance(a.lab[cell], b.lab[cell]));
    weights += weight;
  }
  return weights > 0 ? sum / weights : 0;
}

// For each cell of `a` the best match anywhere in `b`, averaged: a palette without places.
double palette_cover(const View& a, const View& b) {
  double sum = 0;
  double weights = 0;
  for (int cell = 0; cell < kCells * kCells; ++cell) {
    if (a.coarse_alpha[cell] < 0.1F)
      continue;
    double nearest = 1e9;
    for (int other = 0; other < kCells * kCells; ++other) {
      if (b.coarse_alpha[other] < 0.1F)
        continue;
      nearest = std::min(nearest, colour_distance(a.lab[cell], b.lab[other]));
    }
    sum += a.coarse_alpha[cell] * alikeness(nearest);
    weights += a.coarse_alpha[cell];
  }
  return weights > 0 ? sum / weights : 0;
}

}  // namespace

Cutout cutout_of(render::Frame frame) {
  for (float& value : frame.rgb) value = std::clamp(value, 0.0F, 1.0F);
  return {frame.width, frame.height, std::move(frame.rgb), std::move(frame.alpha)};
}

View describe(const Cutout& cutout) {
  View view;
  const Placement place = placement_of(cutout);
  if (place.mass < kLeastMass)
    return view;
  view.area = place.mass / (static_cast<double>(cutout.width) * cutout.height);
  const std::vector<Pixel> grid = resample(cutout, place);
  for (int i = 0; i < kGrid * kGrid; ++i) view.alpha[i] = grid[i][3];
  fill_colours(grid, view);
  fill_gradients(grid, view);
  return view;
}

Likeness compare_views(const View& a, const View& b) {
  if (a.area <= 0 || b.area <= 0)
    return {};
  Likeness likeness;
  likeness.silhouette =
      0.5 * soft_iou(a.alpha.data(), b.alpha.data(), kGrid * kGrid) +
      0.5 * soft_iou(a.coarse_alpha.data(), b.coarse_alpha.data(), kCells * kCells);
  likeness.structure = gradient_cosine(a, b);
  likeness.colour =
      0.5 * colour_in_place(a, b) + 0.25 * (palette_cover(a, b) + palette_cover(b, a));
  return likeness;
}

}  // namespace lode::judge
