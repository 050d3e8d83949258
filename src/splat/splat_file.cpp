#include "splat/splat_file.h"

#include "base/file.h"
#include "base/mapped_file.h"
#include "splat/compressed_ply.h"
#include "splat/dot_splat.h"
#include "splat/ply.h"

namespace lode::splat {
namespace {

/// The largest PLY within the limits: normals and degree-3 spherical harmonics.
constexpr std::size_t kMaxFileBytes = kMaxGaussians * 62 * sizeof(float) + (64U << 10);

FileFormat format_of(std::string_view text) {
  if (text.starts_with("\x28\xb5\x2f\xfd")) {
    return FileFormat::spz_zstd;
  }
  if (text.starts_with("NGSP")) {
    return FileFormat::spz_v4;
  }
  return text.starts_with("\x1f\x8b") ? FileFormat::spz_gzip : FileFormat::ply;
}

Result<Bytes> encode_by_extension(const std::filesystem::path& path, const GaussianCloud& cloud,
                                  const SpzOptions& spz) {
  if (path.filename().string().ends_with(".compressed.ply")) {
    return encode_compressed_ply(cloud);
  }
  if (path.extension() == ".ply") {
    return encode_ply(cloud);
  }
  if (path.extension() == ".spz") {
    return encode_spz(cloud, spz);
  }
  if (path.extension() == ".splat") {
    return encode_dot_splat(cloud);
  }
  return fail(Errc::invalid_input,
              "a name that ends in .ply, .compressed.ply, .spz or .splat was expected");
}

}  // namespace

std::string_view name_of(FileFormat format) { return format == FileFormat::ply ? "ply" : "spz"; }

std::string_view container_of(FileFormat format) {
  switch (format) {
    case FileFormat::spz_zstd:
      return "zstd";
    case FileFormat::spz_gzip:
      return "gzip";
    case FileFormat::spz_v4:
      return "v4";
    case FileFormat::ply:
      break;
  }
  return "";
}

Result<SplatFile> read_splat(const std::filesystem::path& path) {
  LODE_TRY(const MappedFile file, MappedFile::open(path, kMaxFileBytes));
  const ByteView bytes = file.bytes();
  const FileFormat format = format_of(as_text(bytes));
  auto cloud = format == FileFormat::ply ? decode_ply(bytes) : decode_spz(bytes);
  if (!cloud) {
    return annotate(cloud.error(), path.string());
  }
  return SplatFile{std::move(*cloud), format, bytes.size()};
}

Result<std::size_t> write_splat(const std::filesystem::path& path, const GaussianCloud& cloud,
                                const SpzOptions& spz) {
  const auto bytes = encode_by_extension(path, cloud, spz);
  if (!bytes) {
    return annotate(bytes.error(), path.string());
  }
  LODE_CHECK(write_file(path, *bytes));
  return bytes->size();
}

}  // namespace lode::splat
