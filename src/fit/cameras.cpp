#include "fit/cameras.h"

#include <cmath>
#include <filesystem>
#include <glm/geometric.hpp>
#include <glm/mat3x3.hpp>
#include <glm/matrix.hpp>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/json.h"

namespace lode::fit {
namespace {

using Json = nlohmann::ordered_json;

/// How far rows of a rotation may be from unit length and right angles: six digits as text give
/// 1e-6, a matrix multiplied together in single precision some 1e-5.
constexpr double kRotationTolerance = 1e-3;
/// Widths and heights may be rounded to whole pixels when a picture is shrunk.
constexpr double kProportionTolerance = 0.02;
constexpr std::size_t kMaxNameBytes = 1024;

Error expected(const std::string& field, std::string_view what) {
  return fail(Errc::invalid_input, field + ": " + std::string(what) + " was expected");
}

Result<double> read_number(const Json& value, const std::string& field, double low, double high) {
  if (value.is_number()) {
    const auto number = value.get<double>();
    if (number >= low && number <= high) {
      return number;
    }
  }
  return expected(field, "a number from " + Json(low).dump() + " to " + Json(high).dump());
}

Result<double> read_member(const Json& entry, const char* key, double low, double high) {
  const auto found = entry.find(key);
  if (found == entry.end()) {
    return expected(key, "a number");
  }
  return read_number(*found, key, low, high);
}

/// As read_member(), or `otherwise` when there is no such member.
Result<double> read_member_or(const Json& entry, const char* key, double low, double high,
                              double otherwise) {
  return entry.contains(key) ? read_member(entry, key, low, high) : Result<double>(otherwise);
}

Result<glm::dvec3> read_vector(const Json& value, const std::string& field, double most) {
  if (!value.is_array() || value.size() != 3) {
    return expected(field, "an array of 3 numbers");
  }
  glm::dvec3 vector;
  for (int i = 0; i < 3; ++i) {
    LODE_TRY(vector[i], read_number(value[i], field + "[" + std::to_string(i) + "]", -most, most));
  }
  return vector;
}

/// Row-major camera-to-world: its transpose is world-to-camera, and glm's columns are the rows.
Result<glm::dmat3> read_rotation(const Json& entry) {
  const auto found = entry.find("rotation");
  if (found == entry.end() || !found->is_array() || found->size() != 3) {
    return expected("rotation", "an array of 3 rows");
  }
  glm::dmat3 world_to_camera;
  for (int row = 0; row < 3; ++row) {
    // The row's numbers are one world axis seen by the camera's three axes.
    LODE_TRY(world_to_camera[row],
             read_vector((*found)[row], "rotation[" + std::to_string(row) + "]", 2));
  }
  const glm::dmat3 product = world_to_camera * glm::transpose(world_to_camera);
  for (int i = 0; i < 9; ++i) {
    const double identity = i % 4 == 0 ? 1 : 0;
    if (std::abs(product[i / 3][i % 3] - identity) > kRotationTolerance) {
      return expected("rotation", "a rotation matrix (orthonormal rows)");
    }
  }
  if (glm::determinant(world_to_camera) < 0) {
    return expected("rotation", "a rotation matrix, not a mirrored one");
  }
  return world_to_camera;
}

Result<int> read_side(const Json& entry, const char* key) {
  LODE_TRY(const double side, read_member(entry, key, 1, kMaxSide));
  if (side != std::floor(side)) {
    return expected(key, "a whole number of pixels");
  }
  return static_cast<int>(side);
}

Result<std::string> read_file_name(const Json& entry) {
  for (const char* key : {"img_name", "file_path", "file"}) {
    const auto found = entry.find(key);
    if (found == entry.end()) {
      continue;
    }
    if (!found->is_string()) {
      return expected(key, "the picture's name");
    }
    auto name = found->get<std::string>();
    const std::filesystem::path path(name);
    bool is_inside = !name.empty() && path.is_relative();
    for (const auto& part : path) {
      is_inside = is_inside && part != "..";
    }
    if (!is_inside || name.size() > kMaxNameBytes || name.find('\0') != std::string::npos) {
      return expected(key, "the name of a picture inside the folder");
    }
    return name;
  }
  return expected("img_name", "the picture's name");
}

Result<render::Orbit> read_orbit(const Json& entry) {
  // What is left out is as `lode render` has it.
  const render::Orbit defaults;
  render::Orbit orbit;
  LODE_TRY(const double azimuth, read_member(entry, "azimuth", -36000, 36000));
  LODE_TRY(const double elevation, read_member(entry, "elevation", -90, 90));
  LODE_TRY(const double radius,
           read_member_or(entry, "radius", 1e-3, kMaxLength, static_cast<double>(defaults.radius)));
  LODE_TRY(const double fov,
           read_member_or(entry, "fov", 1, 170, static_cast<double>(defaults.fov_deg)));
  orbit.azimuth_deg = static_cast<float>(azimuth);
  orbit.elevation_deg = static_cast<float>(elevation);
  orbit.radius = static_cast<float>(radius);
  orbit.fov_deg = static_cast<float>(fov);
  return orbit;
}

Result<render::Camera> read_camera(const Json& entry) {
  render::Camera camera;
  LODE_TRY(camera.width, read_side(entry, "width"));
  LODE_TRY(camera.height, read_side(entry, "height"));
  const auto position = entry.find("position");
  if (position == entry.end()) {
    return expected("position", "an array of 3 numbers (or azimuth and elevation)");
  }
  LODE_TRY(const glm::dvec3 centre, read_vector(*position, "position", kMaxLength));
  LODE_TRY(const glm::dmat3 rotation, read_rotation(entry));
  camera.rotation = glm::mat3(rotation);
  camera.translation = glm::vec3(-(rotation * centre));
  LODE_TRY(const double fx, read_member(entry, "fx", 1e-3, kMaxLength));
  LODE_TRY(const double fy, read_member_or(entry, "fy", 1e-3, kMaxLength, fx));
  LODE_TRY(const double cx,
           read_member_or(entry, "cx", -kMaxLength, kMaxLength, camera.width / 2.0));
  LODE_TRY(const double cy,
           read_member_or(entry, "cy", -kMaxLength, kMaxLength, camera.height / 2.0));
  camera.fx = static_cast<float>(fx);
  camera.fy = static_cast<float>(fy);
  camera.cx = static_cast<float>(cx);
  camera.cy = static_cast<float>(cy);
  camera.far_plane = static_cast<float>(4 * kMaxLength);  // captures have units of their own
  return camera;
}

Result<Pose> read_pose(const Json& entry) {
  if (!entry.is_object()) {
    return fail(Errc::invalid_input, "an object was expected");
  }
  Pose pose;
  LODE_TRY(pose.file, read_file_name(entry));
  if (entry.contains("azimuth")) {
    LODE_TRY(pose.orbit, read_orbit(entry));
  } else {
    LODE_TRY(pose.camera, read_camera(entry));
  }
  return pose;
}

/// The entries, wherever the document has them; null when it has none.
const Json* find_entries(const Json& root) {
  if (root.is_array()) {
    return &root;
  }
  for (const char* key : {"cameras", "frames"}) {
    if (root.is_object() && root.contains(key) && root[key].is_array()) {
      return &root[key];
    }
  }
  return nullptr;
}

}  // namespace

Result<std::vector<Pose>> parse_cameras(std::string_view text) {
  LODE_TRY(const Json root, parse_json(text));
  const Json* entries = find_entries(root);
  if (entries == nullptr || entries->empty()) {
    return fail(Errc::invalid_input,
                "an array of cameras was expected, or an object with one under cameras or frames");
  }
  if (entries->size() > kMaxViews) {
    return fail(Errc::limit_exceeded, std::to_string(entries->size()) + " cameras, at most " +
                                          std::to_string(kMaxViews) + " are read");
  }
  std::vector<Pose> poses;
  poses.reserve(entries->size());
  for (std::size_t i = 0; i < entries->size(); ++i) {
    Result<Pose> pose = read_pose((*entries)[i]);
    if (!pose) {
      return annotate(pose.error(), "camera " + std::to_string(i));
    }
    poses.push_back(*std::move(pose));
  }
  return poses;
}

Result<render::Camera> camera_for(const Pose& pose, int width, int height) {
  if (width > kMaxSide || height > kMaxSide) {
    return fail(Errc::limit_exceeded, pose.file + ": " + std::to_string(width) + "x" +
                                          std::to_string(height) + " pixels, at most " +
                                          std::to_string(kMaxSide) + " a side are read");
  }
  if (pose.orbit) {
    if (width != height) {
      return expected(pose.file, "a square picture (its camera is an orbit)");
    }
    render::Orbit orbit = *pose.orbit;
    orbit.size = width;
    render::Camera camera = render::orbit_camera(orbit);
    camera.far_plane = std::max(camera.far_plane, 4 * orbit.radius);
    return camera;
  }
  render::Camera camera = pose.camera;
  const float sx = static_cast<float>(width) / static_cast<float>(camera.width);
  const float sy = static_cast<float>(height) / static_cast<float>(camera.height);
  // A small picture's rounding to whole pixels weighs more.
  const double tolerance = kProportionTolerance + 1.0 / std::min(width, height);
  if (std::abs(static_cast<double>(sx / sy) - 1) > tolerance) {
    return expected(pose.file, "a picture with the proportions of " + std::to_string(camera.width) +
                                   "x" + std::to_string(camera.height));
  }
  camera.fx *= sx;
  camera.cx *= sx;
  camera.fy *= sy;
  camera.cy *= sy;
  camera.width = width;
  camera.height = height;
  return camera;
}

std::string format_cameras(const std::vector<std::string>& files,
                           const std::vector<render::Camera>& cameras) {
  LODE_ASSERT(files.size() == cameras.size(), "one name a camera");
  std::string text = "[";
  for (std::size_t i = 0; i < cameras.size(); ++i) {
    const render::Camera& camera = cameras[i];
    const glm::dmat3 to_world = glm::transpose(glm::dmat3(camera.rotation));
    const glm::dvec3 centre = -(to_world * glm::dvec3(camera.translation));
    Json rotation = Json::array();
    for (int row = 0; row < 3; ++row) {
      rotation.push_back({to_world[0][row], to_world[1][row], to_world[2][row]});
    }
    const Json entry = {{"id", i},
                        {"img_name", files[i]},
                        {"width", camera.width},
                        {"height", camera.height},
                        {"position", {centre.x, centre.y, centre.z}},
                        {"rotation", std::move(rotation)},
                        {"fx", camera.fx},
                        {"fy", camera.fy},
                        {"cx", camera.cx},
                        {"cy", camera.cy}};
    text += (i == 0 ? "\n" : ",\n") + entry.dump();
  }
  return text + "\n]\n";
}

}  // namespace lode::fit
