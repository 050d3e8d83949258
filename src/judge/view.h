// What a view of an object looks like, in a form that two views can be held against each other by.
#pragma once

#include <array>
#include <vector>

#include "image/image.h"
#include "render/render.h"

namespace lode::judge {

/// An object as one camera sees it, cut out: straight from a renderer (over black) or a picture.
struct Cutout {
  int width = 0, height = 0;
  std::vector<float> rgb;    ///< [H, W, 3], 0..1, multiplied by alpha
  std::vector<float> alpha;  ///< [H, W], 0..1
};

/// A rendering over black as it is; colours are clipped to 0..1 as the validators clip.
Cutout cutout_of(render::Frame frame_over_black);

/// A picture's subject, at most `max_side` pixels wide and high: by its alpha where it has any
/// transparency, otherwise by the difference from the colour of its border.
Cutout cutout_of(const image::Image& picture, int max_side);

/// Side of the square grid that views are resampled to.
inline constexpr int kGrid = 40;
/// Cells along a side for colour and gradients.
inline constexpr int kCells = 10;
/// Orientations of gradients, over half a turn.
inline constexpr int kOrientations = 8;

/// A view resampled so that its subject's centre of area is in the middle and its radius of
/// gyration is a fixed part of the side: where the object stands and how large it is drawn do not
/// matter, its aspect does.
struct View {
  double area = 0;  ///< of the subject as a part of the picture, 0 when nothing is to be seen
  std::array<float, kGrid * kGrid> alpha{};
  std::array<float, kCells * kCells> coarse_alpha{};
  std::array<std::array<float, 3>, kCells * kCells> lab{};  ///< CIELAB, mean over a cell's subject
  std::array<std::array<float, kOrientations>, kCells * kCells> gradients{};
};
View describe(const Cutout& cutout);

/// How alike two views are, each value 0..1.
struct Likeness {
  double silhouette = 0;  ///< soft intersection over union, mean of two scales
  double structure = 0;   ///< cosine of the histograms of oriented gradients
  double colour = 0;      ///< of what both show at the same place, and of the palettes
};
Likeness compare_views(const View& a, const View& b);

}  // namespace lode::judge
