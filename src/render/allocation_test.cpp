// The renderer's promise to allocate nothing after the first frame, by counting operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "render/render.h"
#include "tests/support/clouds.h"

namespace {
std::atomic<long> allocations = 0;

void* allocate(std::size_t bytes, std::size_t alignment) {
  ++allocations;
  if (void* memory =
          std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment)) {
    return memory;
  }
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t bytes) { return allocate(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  try {
    return operator new(bytes);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace lode::render {
namespace {

TEST(Renderer, AllocatesNothingAfterTheFirstFrame) {
  Rng rng(1);
  const splat::Scene scene = splat::activate(test::random_cloud(rng, 20'000, 1));
  const auto cameras = validator_cameras(96);
  ThreadPool pool(2);
  Renderer renderer(pool);
  Frame frame;
  SceneGradient gradient;
  const std::vector<float> by(std::size_t{3} * 96 * 96, 1.0F);
  const auto draw_all = [&] {
    for (const Camera& camera : cameras) {
      renderer.draw(scene, camera, {.differentiable = true}, frame);
      ASSERT_TRUE(renderer.backward(scene, {by, {}, {}}, gradient));
    }
  };
  draw_all();  // the cameras see different numbers of tiles: the largest sets the size
  const long before = allocations;
  draw_all();
  EXPECT_EQ(allocations - before, 0);
}

}  // namespace
}  // namespace lode::render
