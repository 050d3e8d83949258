#include "fit/dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/file.h"
#include "image/codec.h"
#include "render/render.h"

namespace lode::fit {
namespace {

namespace fs = std::filesystem;

/// Farthest from the equator that dataset views lie, degrees: enough to see top and bottom, and
/// far enough from the poles that no two views nearly agree.
constexpr double kMaxElevation = 60;

Result<fs::path> find_picture(const fs::path& folder, const std::string& name) {
  for (const fs::path& place : {folder, folder / "images"}) {
    for (const char* extension : {"", ".png", ".jpg", ".jpeg", ".webp"}) {
      fs::path path = place / (name + extension);
      std::error_code ec;
      if (fs::is_regular_file(path, ec)) {
        return path;
      }
    }
  }
  return fail(Errc::not_found, (folder / name).string() + ": no such picture");
}

image::Image shrink(image::Image picture, int max_side) {
  const int longest = std::max(picture.width, picture.height);
  if (max_side <= 0 || longest <= max_side) {
    return picture;
  }
  const double factor = static_cast<double>(max_side) / longest;
  const auto scaled = [factor](int side) {
    return std::max(1, static_cast<int>(std::lround(side * factor)));
  };
  return image::resize(picture, scaled(picture.width), scaled(picture.height));
}

Result<View> read_view(const fs::path& folder, const Pose& pose, int max_side) {
  View view;
  view.name = pose.file;
  LODE_TRY(const fs::path path, find_picture(folder, pose.file));
  LODE_TRY(image::Image picture, image::read_image(path));
  // Proportions are judged before shrinking rounds them.
  if (const auto camera = camera_for(pose, picture.width, picture.height); !camera) {
    return camera.error();
  }
  view.picture = shrink(std::move(picture), max_side);
  LODE_TRY(view.camera, camera_for(pose, view.picture.width, view.picture.height));
  return view;
}

std::string view_name(std::size_t index) { return fmt::format("view_{:03}", index); }

image::Image draw_cutout(const splat::Scene& scene, const render::Camera& camera, int threads) {
  return render::to_cutout(render::render(scene, camera, {glm::vec3(0), threads}));
}

}  // namespace

Result<Dataset> read_dataset(const fs::path& folder, int max_side) {
  const fs::path file = folder / "cameras.json";
  LODE_TRY(const Bytes bytes, read_file(file, kMaxCamerasFileBytes));
  const auto poses = parse_cameras(as_text(bytes));
  if (!poses) {
    return annotate(poses.error(), file.string());
  }
  Dataset dataset;
  std::int64_t pixels = 0;
  for (std::size_t i = 0; i < poses->size(); ++i) {
    auto view = read_view(folder, (*poses)[i], max_side);
    if (!view) {
      return annotate(view.error(), file.string() + ": camera " + std::to_string(i));
    }
    pixels += static_cast<std::int64_t>(view->picture.width) * view->picture.height;
    if (pixels > kMaxDatasetPixels) {
      return fail(Errc::limit_exceeded, file.string() + ": camera " + std::to_string(i) +
                                            ": more than " + std::to_string(kMaxDatasetPixels) +
                                            " pixels in all pictures up to it");
    }
    dataset.views.push_back(*std::move(view));
  }
  return dataset;
}

std::vector<render::Camera> dataset_cameras(int count, const render::Orbit& orbit) {
  constexpr double kDegrees = 180 / std::numbers::pi;
  const double golden_angle = 360 * (1 - 1 / std::numbers::phi);
  const double highest = std::sin(kMaxElevation / kDegrees);
  std::vector<render::Camera> cameras;
  for (int i = 0; i < count; ++i) {
    // Equal steps of the sine of elevation are equal areas of the sphere.
    const double sine = highest * ((2.0 * i + 1) / count - 1);
    render::Orbit one = orbit;
    one.elevation_deg = static_cast<float>(std::asin(sine) * kDegrees);
    one.azimuth_deg = static_cast<float>(std::fmod(i * golden_angle, 360.0));
    cameras.push_back(render::orbit_camera(one));
  }
  return cameras;
}

Dataset make_dataset(const splat::Scene& scene, const std::vector<render::Camera>& cameras,
                     int threads) {
  Dataset dataset;
  for (std::size_t i = 0; i < cameras.size(); ++i) {
    dataset.views.push_back({view_name(i), cameras[i], draw_cutout(scene, cameras[i], threads)});
  }
  return dataset;
}

Result<void> write_dataset(const fs::path& folder, const splat::Scene& scene,
                           const std::vector<render::Camera>& cameras, int threads) {
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec) {
    return fail(Errc::io_failure, folder.string() + ": " + ec.message());
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < cameras.size(); ++i) {
    names.push_back(view_name(i));
    LODE_CHECK(image::write_png(folder / (names.back() + ".png"),
                                draw_cutout(scene, cameras[i], threads)));
  }
  return write_file(folder / "cameras.json", as_bytes(format_cameras(names, cameras)));
}

void to_target(const image::Image& picture, glm::vec3 background, std::vector<float>& rgb,
               std::vector<float>& alpha) {
  const std::size_t count = static_cast<std::size_t>(picture.width) * picture.height;
  const bool has_alpha = picture.channels == 4;
  rgb.resize(count * 3);
  alpha.resize(has_alpha ? count : 0);
  constexpr float kStep = 1.0F / 255.0F;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* pixel = &picture.pixels[i * picture.channels];
    const float a = has_alpha ? kStep * static_cast<float>(pixel[3]) : 1.0F;
    for (int c = 0; c < 3; ++c) {
      rgb[i * 3 + c] = a * kStep * static_cast<float>(pixel[c]) + (1 - a) * background[c];
    }
    if (has_alpha) {
      alpha[i] = a;
    }
  }
}

}  // namespace lode::fit
