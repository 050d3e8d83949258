// A network's weights as Hugging Face folders hold them, mapped into memory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "weights/dtype.h"

namespace lode::weights {

/// Largest file that is mapped: 1 TiB, beyond any published checkpoint and far below the address
/// space of a process (128 TiB), which a corrupt file system's size would exhaust.
inline constexpr std::size_t kMaxWeightFileBytes = std::size_t{1} << 40U;

/// Longest index file: as a header, which holds more about as many tensors.
inline constexpr std::size_t kMaxIndexBytes = 100'000'000;

/// Most shards of a checkpoint: ten times the largest published; each is a mapping of the process.
inline constexpr std::size_t kMaxShards = 4096;

/// A tensor of an open checkpoint. All views point into the checkpoint.
struct StoredTensor {
  std::string_view name;
  DType dtype = DType::f32;
  std::span<const std::int64_t> shape;  ///< row-major; empty for a scalar
  ByteView bytes;  ///< in the mapped file, at any alignment: old files start data anywhere
};

/// The tensors of one or several safetensors files, mapped and not read until touched. Cheap to
/// copy; bytes live as long as any copy. As with MappedFile, the files must not be cut off
/// meanwhile.
class Checkpoint {
 public:
  /// `path`: a .safetensors file; an index (.json) that says which shard beside it has which
  /// tensor; or a folder with one of these: `<stem>.safetensors`, `<stem>.safetensors.index.json`,
  /// where stem is "model" or "diffusion_pytorch_model", else their ".fp16" variants (whose index
  /// may also be `<stem>.safetensors.index.fp16.json`), else exactly one .safetensors file.
  ///
  /// Errors name the file, and the tensor where there is one: those of parse_header;
  /// Errc::not_found for a missing file or shard and for a folder that holds none of these, with
  /// what was looked for and what is there; Errc::invalid_input for an index that disagrees with
  /// its shards in any tensor or names files outside its folder.
  static Result<Checkpoint> open(const std::filesystem::path& path);

  /// The tensor of that name, if there is one; logarithmic.
  std::optional<StoredTensor> find(std::string_view name) const;

  /// All tensors, sorted by name.
  std::span<const StoredTensor> tensors() const;

  /// The mapped files, in order of their names.
  const std::vector<std::filesystem::path>& files() const;

  /// The sum of all tensors' bytes.
  std::size_t total_bytes() const;

  /// Keeps the mapping alive for whoever aliases its bytes.
  std::shared_ptr<const void> owner() const;

  /// Tells the kernel that these bytes, part of one tensor or several neighbours, are not needed
  /// soon, as after a copy to a device: their whole pages leave the process's memory, and reading
  /// them again is correct but may touch the disk.
  void release_pages(ByteView bytes) const;

 private:
  struct State;
  explicit Checkpoint(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

}  // namespace lode::weights
