#include "miner/artifact_store.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "base/encoding.h"
#include "base/file.h"

namespace lode::miner {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHashDigits = 64;
/// A put() under way on another thread is younger than this.
constexpr Duration kLeftOverAge = std::chrono::hours(1);

bool is_hash(std::string_view text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

Time written_at(const fs::directory_entry& entry) {
  std::error_code ec;
  const auto time = entry.last_write_time(ec);
  return ec ? Time{}
            : std::chrono::time_point_cast<Duration>(std::chrono::file_clock::to_sys(time));
}

/// The name as an artefact's, if it is one.
bool read_name(const fs::path& path, ArtifactStore::File& file) {
  for (const ArtifactKind kind : {ArtifactKind::splat, ArtifactKind::picture}) {
    if (path.extension() == extension_of(kind) && is_hash(path.stem().string())) {
      file.hash = path.stem().string();
      file.kind = kind;
      return true;
    }
  }
  return false;
}

}  // namespace

std::string artifact_hash(ByteView bytes) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(bytes.data(), bytes.size(), digest.data());
  return hex_encode(digest);
}

std::string_view extension_of(ArtifactKind kind) {
  return kind == ArtifactKind::splat ? ".spz" : ".img";
}

struct ArtifactStore::Memory {
  std::mutex mutex;
  std::map<std::pair<std::string, ArtifactKind>, Bytes> files;
};

ArtifactStore::ArtifactStore(fs::path folder) : folder_(std::move(folder)) {}

ArtifactStore ArtifactStore::in_memory() {
  ArtifactStore store{fs::path()};
  store.memory_ = std::make_shared<Memory>();
  return store;
}

fs::path ArtifactStore::path_of(std::string_view hash, ArtifactKind kind) const {
  return folder_ / std::string(hash.substr(0, 2)) /
         (std::string(hash) + std::string(extension_of(kind)));
}

Result<std::string> ArtifactStore::put(ByteView bytes, ArtifactKind kind) const {
  if (bytes.size() > kMaxArtifactBytes) {
    return fail(Errc::limit_exceeded, "artefact of " + std::to_string(bytes.size()) +
                                          " bytes: at most " + std::to_string(kMaxArtifactBytes) +
                                          " are kept");
  }
  std::string hash = artifact_hash(bytes);
  if (memory_) {
    const std::lock_guard lock(memory_->mutex);
    memory_->files[{hash, kind}] = Bytes(bytes.begin(), bytes.end());
    return hash;
  }
  const fs::path path = path_of(hash, kind);
  std::error_code ec;
  if (fs::file_size(path, ec) == bytes.size() && !ec && get(hash, kind)) {
    return hash;
  }
  fs::create_directories(path.parent_path(), ec);
  if (ec) {
    const bool is_full = ec == std::errc::no_space_on_device;
    return fail(is_full ? Errc::out_of_resource : Errc::io_failure,
                path.parent_path().string() + ": " + ec.message());
  }
  LODE_CHECK(write_file(path, bytes));
  return hash;
}

Result<Bytes> ArtifactStore::get(std::string_view hash, ArtifactKind kind) const {
  if (!is_hash(hash)) {
    return fail(Errc::invalid_input, "artefact name '" + std::string(hash.substr(0, 80)) +
                                         "': 64 hexadecimal digits were expected");
  }
  if (memory_) {
    const std::lock_guard lock(memory_->mutex);
    const auto found = memory_->files.find({std::string(hash), kind});
    if (found == memory_->files.end()) {
      return fail(Errc::not_found, "artefact " + std::string(hash) + " is not kept");
    }
    return found->second;
  }
  const fs::path path = path_of(hash, kind);
  LODE_TRY(Bytes bytes, read_file(path, kMaxArtifactBytes));
  if (artifact_hash(bytes) != hash) {
    return fail(Errc::invalid_input, path.string() + ": damaged: its " +
                                         std::to_string(bytes.size()) +
                                         " bytes do not have the hash that names them");
  }
  return bytes;
}

std::vector<ArtifactStore::File> ArtifactStore::list(Time now) const {
  std::vector<File> files;
  if (memory_) {
    const std::lock_guard lock(memory_->mutex);
    for (const auto& [key, bytes] : memory_->files) {
      files.push_back({key.first, key.second, static_cast<std::int64_t>(bytes.size()), now});
    }
    return files;
  }
  std::error_code ec;
  for (fs::recursive_directory_iterator it(folder_, ec), end; !ec && it != end; it.increment(ec)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) {
      continue;
    }
    File file;
    file.written_at = written_at(*it);
    file.bytes = static_cast<std::int64_t>(it->file_size(ignored));
    if (read_name(it->path(), file)) {
      files.push_back(std::move(file));
    } else if (it->path().filename().string().find(".part") != std::string::npos &&
               file.written_at + kLeftOverAge < now) {
      fs::remove(it->path(), ignored);
    }
  }
  return files;
}

bool ArtifactStore::remove(std::string_view hash, ArtifactKind kind) const {
  if (memory_) {
    const std::lock_guard lock(memory_->mutex);
    return memory_->files.erase({std::string(hash), kind}) > 0;
  }
  std::error_code ec;
  return fs::remove(path_of(hash, kind), ec) && !ec;
}

}  // namespace lode::miner
