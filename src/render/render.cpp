#include "render/render.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <thread>

#include "base/assert.h"
#include "render/render_internal.h"

namespace lode::render {
namespace {

/// Runs `work(i)` for i in 0..count-1 on `threads` threads, the calling one among them. The items
/// must be independent of each other: which thread takes which is not fixed.
template <class Work>
void parallel_for(std::size_t count, int threads, const Work& work) {
  std::atomic<std::size_t> next = 0;
  const auto run = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      work(i);
    }
  };
  std::vector<std::jthread> helpers;
  for (int t = 1; t < threads && static_cast<std::size_t>(t) < count; ++t) {
    helpers.emplace_back(run);
  }
  run();
}

std::vector<Splat> project_all(const splat::Scene& scene, const Camera& camera, int threads) {
  constexpr std::size_t kChunk = 4096;
  std::vector<Splat> splats(scene.size());
  parallel_for((scene.size() + kChunk - 1) / kChunk, threads, [&](std::size_t chunk) {
    const std::size_t end = std::min(scene.size(), (chunk + 1) * kChunk);
    for (std::size_t i = chunk * kChunk; i < end; ++i) {
      splats[i] = project(scene, i, camera);
    }
  });
  return splats;
}

/// The drawn splats by increasing depth, ties by index: a stable radix sort on the raw bits of the
/// depths, which order like the numbers because all are positive.
std::vector<Splat> drawn_by_depth(const std::vector<Splat>& splats) {
  struct Key {
    std::uint32_t depth_bits, index;
  };
  std::vector<Key> keys;
  for (std::size_t i = 0; i < splats.size(); ++i) {
    if (splats[i].is_drawn()) {
      keys.push_back(
          {std::bit_cast<std::uint32_t>(splats[i].depth), static_cast<std::uint32_t>(i)});
    }
  }
  constexpr int kDigitBits = 11;
  constexpr std::uint32_t kDigits = 1U << kDigitBits;
  std::vector<Key> sorted(keys.size());
  for (int shift = 0; shift < 32; shift += kDigitBits) {
    std::array<std::size_t, kDigits + 1> starts{};
    for (const Key& key : keys) {
      ++starts[((key.depth_bits >> shift) & (kDigits - 1)) + 1];
    }
    for (std::size_t d = 0; d < kDigits; ++d) {
      starts[d + 1] += starts[d];
    }
    for (const Key& key : keys) {
      sorted[starts[(key.depth_bits >> shift) & (kDigits - 1)]++] = key;
    }
    keys.swap(sorted);
  }
  std::vector<Splat> drawn;
  drawn.reserve(keys.size());
  for (const Key& key : keys) {
    drawn.push_back(splats[key.index]);
  }
  return drawn;
}

/// For every tile the splats that may reach it, in depth order.
struct TileLists {
  int columns = 0, rows = 0;
  std::vector<std::size_t> starts;     // [tiles + 1], into `entries`
  std::vector<std::uint32_t> entries;  // indices of drawn splats
};

template <class Visit>
void for_each_tile(const Splat& splat, int columns, const Visit& visit) {
  for (int y = splat.y_begin / kTileSize; y <= (splat.y_end - 1) / kTileSize; ++y) {
    for (int x = splat.x_begin / kTileSize; x <= (splat.x_end - 1) / kTileSize; ++x) {
      visit(static_cast<std::size_t>(y) * columns + x);
    }
  }
}

TileLists bin(const std::vector<Splat>& drawn, const Camera& camera) {
  TileLists lists;
  lists.columns = (camera.width + kTileSize - 1) / kTileSize;
  lists.rows = (camera.height + kTileSize - 1) / kTileSize;
  lists.starts.assign(static_cast<std::size_t>(lists.columns) * lists.rows + 1, 0);
  for (const Splat& splat : drawn) {
    for_each_tile(splat, lists.columns, [&](std::size_t t) { ++lists.starts[t + 1]; });
  }
  for (std::size_t t = 1; t < lists.starts.size(); ++t) {
    lists.starts[t] += lists.starts[t - 1];
  }
  lists.entries.resize(lists.starts.back());
  std::vector<std::size_t> cursors(lists.starts.begin(), lists.starts.end() - 1);
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    for_each_tile(drawn[i], lists.columns, [&](std::size_t t) {
      lists.entries[cursors[t]++] = static_cast<std::uint32_t>(i);
    });
  }
  return lists;
}

/// Copies a finished tile into the frame and puts the background behind it.
void store(const Tile& tile, int left, int top, const glm::vec3& background, Frame& frame) {
  for (int y = 0; y < std::min(kTileSize, frame.height - top); ++y) {
    for (int x = 0; x < std::min(kTileSize, frame.width - left); ++x) {
      const int source = y * kTileSize + x;
      const std::size_t target = static_cast<std::size_t>(top + y) * frame.width + left + x;
      const float remaining = std::abs(tile.transmittance[source]);
      const float covered = 1 - remaining;
      frame.rgb[target * 3] = tile.red[source] + remaining * background.x;
      frame.rgb[target * 3 + 1] = tile.green[source] + remaining * background.y;
      frame.rgb[target * 3 + 2] = tile.blue[source] + remaining * background.z;
      frame.alpha[target] = covered;
      frame.depth[target] = covered > 0 ? tile.depth[source] / covered : 0;
    }
  }
}

}  // namespace

Frame render(const splat::Scene& scene, const Camera& camera, const RenderOptions& options) {
  LODE_ASSERT(camera.width > 0 && camera.height > 0, "a camera has pixels");
  const std::vector<Splat> drawn = drawn_by_depth(project_all(scene, camera, options.threads));
  const TileLists lists = bin(drawn, camera);
  Frame frame;
  frame.width = camera.width;
  frame.height = camera.height;
  const std::size_t pixels = static_cast<std::size_t>(camera.width) * camera.height;
  frame.rgb.resize(pixels * 3);
  frame.alpha.resize(pixels);
  frame.depth.resize(pixels);
  parallel_for(lists.starts.size() - 1, options.threads, [&](std::size_t t) {
    const int left = static_cast<int>(t % lists.columns) * kTileSize;
    const int top = static_cast<int>(t / lists.columns) * kTileSize;
    Tile tile{};
    std::fill(std::begin(tile.transmittance), std::end(tile.transmittance), 1.0F);
    const std::span<const std::uint32_t> all(lists.entries);
    blend(drawn, all.subspan(lists.starts[t], lists.starts[t + 1] - lists.starts[t]), left, top,
          tile);
    store(tile, left, top, options.background, frame);
  });
  return frame;
}

}  // namespace lode::render
