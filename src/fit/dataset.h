// Folders of posed pictures: cameras.json and the pictures that it names.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "fit/cameras.h"
#include "image/image.h"
#include "splat/cloud.h"

namespace lode::fit {

/// Largest cameras.json: kMaxViews entries of some 600 bytes, several times over.
inline constexpr std::size_t kMaxCamerasFileBytes = 16U << 20;
/// Largest sum of all pictures' pixels: 1 GB as RGBA.
inline constexpr std::int64_t kMaxDatasetPixels = 256LL << 20;

struct View {
  std::string name;
  render::Camera camera;
  image::Image picture;  ///< of the camera's size; RGBA says where the object is, RGB does not
  bool is_exact = true;  ///< camera and colours are to be believed (see SlackOptions)
};

struct Dataset {
  std::vector<View> views;
};

/// Reads `folder`/cameras.json and its pictures, looked for under their names, with .png, .jpg,
/// .jpeg or .webp appended when there is no such file, in `folder` and then in `folder`/images.
/// Pictures with a longer side than `max_side` are shrunk to it (0: none is). Errors name the file,
/// and the camera's index and field.
Result<Dataset> read_dataset(const std::filesystem::path& folder, int max_side = 0);

/// `count` cameras around the origin, spread evenly over the sphere between 60 degrees below and
/// above (a Fibonacci spiral); radius, field of view and size are those of `orbit`.
std::vector<render::Camera> dataset_cameras(int count, const render::Orbit& orbit);

/// Draws the scene from every camera and writes view_000.png, ... (RGBA) and cameras.json into
/// `folder`, which is made if need be. Existing files of these names are replaced.
Result<void> write_dataset(const std::filesystem::path& folder, const splat::Scene& scene,
                           const std::vector<render::Camera>& cameras, int threads = 1);

/// The same without a disk: what read_dataset() would give for those files.
Dataset make_dataset(const splat::Scene& scene, const std::vector<render::Camera>& cameras,
                     int threads = 1);

/// A picture's values as a target (see Loss): 0..1 over a background, [H, W, 3], and its alpha,
/// [H, W], or nothing when it has none (the background is then that of the picture itself).
void to_target(const image::Image& picture, glm::vec3 background, std::vector<float>& rgb,
               std::vector<float>& alpha);

}  // namespace lode::fit
