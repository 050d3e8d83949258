// Splats and task pictures as files named by their SHA-256.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace lode::miner {

/// SHA-256 in lower-case hexadecimal: what an artefact is called.
std::string artifact_hash(ByteView bytes);

enum class ArtifactKind { splat, picture };
/// ".spz" or ".img".
std::string_view extension_of(ArtifactKind kind);

/// Largest artefact that is kept or read back; half a million gaussians are 7 MB as SPZ, and a
/// task's picture has at most 16 MB.
inline constexpr std::size_t kMaxArtifactBytes = 64 << 20;

/// A folder of files `ab/<sha256>.spz` (or `.img`), each written whole, flushed and renamed, so
/// that a name stands for its bytes. put() and get() may be called from any thread.
class ArtifactStore {
 public:
  /// Keeps its files in `folder`, which is created with the first one.
  explicit ArtifactStore(std::filesystem::path folder);
  /// Keeps nothing beyond its own life.
  static ArtifactStore in_memory();

  /// Keeps `bytes`; costs little when they are kept already. The hash is the name to get them by.
  /// Errc::out_of_resource when the disk is full, limit_exceeded above kMaxArtifactBytes.
  Result<std::string> put(ByteView bytes, ArtifactKind kind) const;

  /// The bytes of that name. Errc::not_found when the file is gone and invalid_input when its
  /// bytes are not those of its name: either way the artefact is to be treated as absent.
  Result<Bytes> get(std::string_view hash, ArtifactKind kind) const;

  struct File {
    std::string hash;
    ArtifactKind kind = ArtifactKind::splat;
    std::int64_t bytes = 0;
    Time written_at{};
  };
  /// Every whole file, in no order. Left-overs of writes that a kill cut short are removed if they
  /// are older than an hour.
  std::vector<File> list(Time now) const;
  /// False when the file could not be removed.
  bool remove(std::string_view hash, ArtifactKind kind) const;

  /// Where an artefact of that name is, or would be.
  std::filesystem::path path_of(std::string_view hash, ArtifactKind kind) const;

 private:
  struct Memory;
  std::filesystem::path folder_;
  std::shared_ptr<Memory> memory_;  ///< instead of a folder
};

}  // namespace lode::miner
