// A silhouette blown up to a solid.
#pragma once

#include <stop_token>
#include <vector>

#include "image/image.h"
#include "sketch/sdf.h"

namespace lode::sketch {

/// A smooth function on a pixel grid: cubic B-spline through the grid's values, slightly smoothing.
class SplineGrid {
 public:
  SplineGrid(int width, int height, std::vector<float> values);

  struct Sample {
    float value;
    glm::vec2 gradient;  ///< per pixel
  };
  /// At pixel coordinates (pixel centres are integers); clamped at the grid's border.
  Sample at(float x, float y) const;
  int width() const { return width_; }
  int height() const { return height_; }

 private:
  int width_, height_;
  std::vector<float> values_;
};

/// The inflation potential of a cut-out picture (alpha >= 128 is inside): inside, the solution of
/// laplace(u) = -4 with u = 0 on the silhouette, so that sqrt(u) is the height of a balloon's skin
/// over the picture plane: a disc gives a sphere, a strip an ellipse. Outside it falls below 0 in
/// proportion to the distance. Values in pixels squared. The equation is solved in sweeps, none any
/// more once a stop is requested: u is 0 inside when it was from the beginning.
SplineGrid inflation(const image::Image& cutout, const std::stop_token& stop = {});

/// The solid |z| <= depth * sqrt(u), in pixels, x to the right, y up, centred on the grid.
/// `depth` is the thickness for the width: 1 makes a disc a ball.
Solid inflated(const SplineGrid& potential, float depth);

}  // namespace lode::sketch
