// The steps of a frame: project, list the splats of every tile, sort each list by depth, blend.
#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <numeric>

#include "base/assert.h"
#include "render/render_internal.h"
#include "render/sh.h"

namespace lode::render {
namespace {

constexpr int kMaxSide = 32767;
/// Gaussians of one slice: enough that its tile counts are few beside them.
constexpr std::size_t kSliceGaussians = 16384;

/// Grows, never shrinks: no allocation, and no clearing, for a frame like the one before.
template <class T>
void reserve_elements(std::vector<T>& v, std::size_t count) {
  if (v.size() < count) {
    v.resize(count);
  }
}

void set_size(Frame& frame, int width, int height) {
  frame.width = width;
  frame.height = height;
  const std::size_t pixels = static_cast<std::size_t>(width) * height;
  frame.rgb.resize(pixels * 3);
  frame.alpha.resize(pixels);
  frame.depth.resize(pixels);
}

}  // namespace

SceneView::SceneView(const splat::Scene& scene)
    : positions(scene.positions),
      scales(scene.scales),
      rotations(scene.rotations),
      opacities(scene.opacities),
      colours(scene.colours),
      sh_degree(scene.sh_degree),
      sh_rest(scene.sh_rest) {}

struct Renderer::State {
  explicit State(ThreadPool& the_pool) : pool(the_pool) {}

  void project_all(const SceneView& scene);
  void list_tiles(std::size_t first_tile, std::size_t end_tile);
  void blend_tiles(std::size_t first_tile, std::size_t end_tile, Frame& out,
                   std::vector<std::size_t>* n_pairs);
  void draw_tiles(Frame& out, std::vector<std::size_t>* n_pairs);
  const glm::vec3* colours_of(const SceneView& scene) const;
  void number_entries();
  void blend_tiles_backward(const FrameGradient& by_frame);
  void project_all_backward(const SceneView& scene, SceneGradient& out);

  ThreadPool& pool;
  std::optional<View> view;
  DrawOptions options;
  std::vector<glm::vec3> seen_colours;  // of a view-dependent scene

  // Projection works on slices of the scene, each with its own part of `splats` and its own row of
  // `tile_counts`, so that slices are independent.
  std::vector<ProjectJob> slices;
  std::vector<Splat> splats;               // [gaussians]; a slice's drawn ones lead its part
  std::vector<std::uint32_t> tile_counts;  // [slices, tiles]
  std::vector<std::uint32_t> tile_places;  // [slices, tiles]: where in the list the next key goes
  std::vector<std::size_t> tile_totals;    // [tiles]
  std::vector<std::size_t> tile_starts;    // [tiles + 1], into `keys`, of the tiles listed
  std::vector<std::uint64_t> keys;

  // What the backward pass needs of the frame.
  const Frame* frame = nullptr;
  bool has_all_keys = false;          // the frame was drawn in one go
  std::vector<float> transmittance;   // [tiles, 256]
  std::vector<std::int32_t> last;     // [tiles, 256]
  std::vector<std::uint16_t> blocks;  // [keys]

  // And what it makes.
  std::vector<std::size_t> first_entries;  // [splats], rows of `sums`
  std::vector<float> sums;                 // [entries, kSplatSums]
};

const glm::vec3* Renderer::State::colours_of(const SceneView& scene) const {
  return scene.sh_degree ? seen_colours.data() : scene.colours.data();
}

void Renderer::State::project_all(const SceneView& scene) {
  const std::size_t n_slices = (scene.size() + kSliceGaussians - 1) / kSliceGaussians;
  const std::size_t tiles = view->tiles();
  slices.assign(n_slices, ProjectJob());
  reserve_elements(splats, scene.size());
  reserve_elements(tile_counts, n_slices * tiles);
  if (scene.sh_degree) {
    reserve_elements(seen_colours, scene.size());
  }
  pool.for_each(n_slices, [&](std::size_t s) {
    ProjectJob& job = slices[s];
    job.scene = &scene;
    job.colours = colours_of(scene);
    job.view = &*view;
    job.begin = s * kSliceGaussians;
    job.end = std::min(scene.size(), job.begin + kSliceGaussians);
    job.splats = &splats[job.begin];
    job.tile_counts = &tile_counts[s * tiles];
    std::fill_n(job.tile_counts, tiles, 0U);
    if (scene.sh_degree) {
      view_colours(scene, *view, job.begin, job.end, seen_colours.data());
    }
    project(job);
  });
  tile_totals.assign(tiles, 0);
  for (std::size_t s = 0; s < n_slices; ++s) {
    for (std::size_t t = 0; t < tiles; ++t) {
      tile_totals[t] += tile_counts[s * tiles + t];
    }
  }
}

/// Fills `keys` with the lists of tiles first_tile..end_tile-1.
void Renderer::State::list_tiles(std::size_t first_tile, std::size_t end_tile) {
  const std::size_t tiles = view->tiles();
  tile_starts.assign(tiles + 1, 0);
  for (std::size_t t = first_tile; t < end_tile; ++t) {
    tile_starts[t + 1] = tile_starts[t] + tile_totals[t];
  }
  reserve_elements(keys, tile_starts[end_tile]);
  // Each slice's keys follow those of the slices before it.
  reserve_elements(tile_places, slices.size() * tiles);
  for (std::size_t t = first_tile; t < end_tile; ++t) {
    std::uint32_t place = 0;
    for (std::size_t s = 0; s < slices.size(); ++s) {
      tile_places[s * tiles + t] = place;
      place += tile_counts[s * tiles + t];
    }
  }
  const auto columns = static_cast<std::size_t>(view->columns);
  const bool is_all = first_tile == 0 && end_tile == tiles;
  pool.for_each(slices.size(), [&](std::size_t s) {
    const ProjectJob& job = slices[s];
    std::uint32_t* places = &tile_places[s * tiles];
    for (std::size_t i = 0; i < job.n_drawn; ++i) {
      const Splat& splat = job.splats[i];
      const std::uint64_t key = sort_key(splat, job.begin + i);
      for (std::size_t y = splat.y_begin; y < splat.y_end; ++y) {
        for (std::size_t x = splat.x_begin; x < splat.x_end; ++x) {
          const std::size_t t = y * columns + x;
          if (is_all || (t >= first_tile && t < end_tile)) {
            keys[tile_starts[t] + places[t]++] = key;
          }
        }
      }
    }
  });
}

void Renderer::State::blend_tiles(std::size_t first_tile, std::size_t end_tile, Frame& out,
                                  std::vector<std::size_t>* n_pairs) {
  pool.for_each(end_tile - first_tile, [&](std::size_t i) {
    thread_local const hwy::Sorter sort;
    const std::size_t t = first_tile + i, start = tile_starts[t];
    TileJob job;
    job.splats = splats.data();
    job.keys = keys.data() + start;
    job.n_keys = tile_starts[t + 1] - start;
    sort(keys.data() + start, job.n_keys, hwy::SortAscending());
    job.left = static_cast<int>(t % static_cast<std::size_t>(view->columns)) * kTileSize;
    job.top = static_cast<int>(t / static_cast<std::size_t>(view->columns)) * kTileSize;
    job.background = options.background;
    job.frame = &out;
    job.n_pairs = n_pairs == nullptr ? nullptr : &(*n_pairs)[t];
    if (options.differentiable && n_pairs == nullptr) {  // counting leaves the trace alone
      job.trace = {&transmittance[t * kTilePixels], &last[t * kTilePixels], blocks.data() + start};
    }
    blend(job);
  });
}

void Renderer::State::draw_tiles(Frame& out, std::vector<std::size_t>* n_pairs) {
  const std::size_t tiles = view->tiles();
  for (std::size_t first = 0, end = 0; first < tiles; first = end) {
    std::size_t entries = 0;
    while (end < tiles && (end == first || entries + tile_totals[end] <= options.max_entries)) {
      entries += tile_totals[end++];
    }
    list_tiles(first, end);
    if (options.differentiable) {
      reserve_elements(blocks, entries);
      has_all_keys = first == 0 && end == tiles;
    }
    blend_tiles(first, end, out, n_pairs);
  }
}

Renderer::Renderer(ThreadPool& pool) : state_(std::make_unique<State>(pool)) {}
Renderer::~Renderer() = default;
Renderer::Renderer(Renderer&&) noexcept = default;
Renderer& Renderer::operator=(Renderer&&) noexcept = default;

void Renderer::draw(const SceneView& scene, const Camera& camera, const DrawOptions& options,
                    Frame& frame) {
  LODE_ASSERT(camera.width > 0 && camera.height > 0 && camera.width <= kMaxSide &&
                  camera.height <= kMaxSide,
              "a camera has 1 to 32767 pixels a side");
  State& state = *state_;
  state.view.emplace(camera);
  state.options = options;
  state.project_all(scene);
  set_size(frame, camera.width, camera.height);
  if (options.differentiable) {
    reserve_elements(state.transmittance, state.view->tiles() * kTilePixels);
    reserve_elements(state.last, state.view->tiles() * kTilePixels);
  }
  state.frame = &frame;
  state.draw_tiles(frame, nullptr);
}

/// Gives every splat its rows of `sums`.
void Renderer::State::number_entries() {
  reserve_elements(first_entries, splats.size());
  std::size_t entry = 0;
  for (const ProjectJob& slice : slices) {
    for (std::size_t i = 0; i < slice.n_drawn; ++i) {
      first_entries[slice.begin + i] = entry;
      entry += slice.splats[i].tiles();
    }
  }
  reserve_elements(sums, entry * kSplatSums);
}

void Renderer::State::blend_tiles_backward(const FrameGradient& by_frame) {
  const auto columns = static_cast<std::size_t>(view->columns);
  pool.for_each(view->tiles(), [&](std::size_t t) {
    const std::size_t start = tile_starts[t];
    TileBackwardJob job;
    job.splats = splats.data();
    job.keys = keys.data() + start;
    job.n_keys = tile_starts[t + 1] - start;
    job.left = static_cast<int>(t % columns) * kTileSize;
    job.top = static_cast<int>(t / columns) * kTileSize;
    job.background = options.background;
    job.frame = frame;
    job.by_frame = &by_frame;
    job.with_abs = by_frame.with_centres_abs;
    job.trace = {&transmittance[t * kTilePixels], &last[t * kTilePixels], blocks.data() + start};
    job.first_entries = first_entries.data();
    job.sums = sums.data();
    blend_backward(job);
  });
}

void Renderer::State::project_all_backward(const SceneView& scene, SceneGradient& out) {
  pool.for_each(slices.size(), [&](std::size_t s) {
    const ProjectJob& slice = slices[s];
    ProjectBackwardJob job;
    job.scene = &scene;
    job.colours = colours_of(scene);
    job.view = &*view;
    job.begin = slice.begin;
    job.end = slice.end;
    job.splats = slice.splats;
    job.n_drawn = slice.n_drawn;
    job.first_entries = &first_entries[slice.begin];
    job.sums = sums.data();
    job.out = &out;
    project_backward(job);
    if (scene.sh_degree) {
      view_colours_backward(scene, *view, slice.begin, slice.end, out);
    }
  });
}

Result<void> Renderer::backward(const SceneView& scene, const FrameGradient& by_frame,
                                SceneGradient& out) {
  State& state = *state_;
  LODE_ASSERT(state.view && state.options.differentiable, "a differentiable frame was drawn");
  for (const ProjectJob& slice : state.slices) {
    if (slice.first_bad != SIZE_MAX) {
      return fail(Errc::invalid_input, "gaussian " + std::to_string(slice.first_bad) +
                                           " has a parameter that is not finite");
    }
  }
  if (!state.has_all_keys) {
    return fail(Errc::limit_exceeded,
                "the frame lists over " + std::to_string(state.options.max_entries) +
                    " tiles of gaussians, the most that can be differentiated at once");
  }
  const std::size_t count = scene.size();
  out.positions.resize(count);
  out.scales.resize(count);
  out.colours.resize(count);
  out.rotations.resize(count);
  out.opacities.resize(count);
  out.centres.resize(count);
  out.centres_abs.resize(count);
  out.radii.resize(count);
  out.sh_rest.resize(scene.sh_rest.size());
  state.number_entries();
  state.blend_tiles_backward(by_frame);
  state.project_all_backward(scene, out);
  return {};
}

DrawStats Renderer::stats() {
  State& state = *state_;
  LODE_ASSERT(state.view, "a frame was drawn");
  DrawStats stats;
  for (const ProjectJob& slice : state.slices) {
    stats.drawn += slice.n_drawn;
  }
  stats.tile_entries =
      std::accumulate(state.tile_totals.begin(), state.tile_totals.end(), std::size_t{0});
  Frame scratch;
  set_size(scratch, state.view->width, state.view->height);
  std::vector<std::size_t> n_pairs(state.view->tiles(), 0);
  state.draw_tiles(scratch, &n_pairs);
  stats.blended_pairs = std::accumulate(n_pairs.begin(), n_pairs.end(), std::size_t{0});
  return stats;
}

Frame render(const SceneView& scene, const Camera& camera, const RenderOptions& options) {
  ThreadPool pool(options.threads);
  Renderer renderer(pool);
  Frame frame;
  renderer.draw(scene, camera, {.background = options.background}, frame);
  return frame;
}

}  // namespace lode::render
