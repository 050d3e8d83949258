// The safetensors file format: an 8-byte length, a JSON header, then the tensors' bytes.
//
// Layout and rules as of the reference library (huggingface/safetensors,
// safetensors/src/tensor.rs); what is accepted here is in docs/formats/safetensors.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "weights/dtype.h"

namespace lode::weights {

/// Longest JSON header, the reference's own limit (MAX_HEADER_SIZE in tensor.rs).
inline constexpr std::size_t kMaxHeaderBytes = 100'000'000;

/// Most tensors of a file or checkpoint: ten times the largest sharded language models, and what
/// keeps a header of tiny entries from growing tenfold in memory.
inline constexpr std::size_t kMaxTensors = 1'000'000;

/// Longest name of a tensor or metadata key; real ones stay below 200.
inline constexpr std::size_t kMaxNameBytes = 1024;

/// Most dimensions of a tensor; networks use five (3D convolutions).
inline constexpr std::size_t kMaxRank = 16;

/// Most metadata entries; some quantisers write one for each tensor.
inline constexpr std::size_t kMaxMetadataEntries = 65'536;

/// One tensor of a header.
struct TensorEntry {
  std::string name;                 ///< UTF-8
  DType dtype = DType::f32;         ///< element type
  std::vector<std::int64_t> shape;  ///< row-major; empty for a scalar; a 0 makes it empty
  std::size_t begin = 0, end = 0;   ///< offsets in the data section
};

/// What a file says of itself.
struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;             ///< in the order of their bytes
  std::map<std::string, std::string> metadata;  ///< the free text of "__metadata__"
  std::size_t data_offset = 0;                  ///< where in the file the data section starts
};

/// Reads and checks the header of a file of `file_bytes` bytes whose first bytes are `file_prefix`,
/// which has to reach to the header's end. On success the names are distinct, each tensor's
/// `end - begin` is its shape's product times its element size, and together the tensors cover the
/// data section to the end of the file without hole or overlap. The product of each shape's
/// non-zero dimensions times the element size fits an int64, so strides can be computed of any of
/// them.
///
/// Errc::limit_exceeded above the limits here, Errc::unsupported for an element type that is not
/// read, Errc::invalid_input otherwise; tensors are named, the file is the caller's to name.
Result<SafetensorsHeader> parse_header(ByteView file_prefix, std::uint64_t file_bytes);

/// One tensor for write_safetensors; `bytes` are the elements, row-major.
struct TensorToWrite {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  ByteView bytes;
};

/// Writes a file, atomically as write_file and without a copy of the tensors' bytes. Tensors are
/// laid out as the reference's writer does: wide element types first, then by name, and the data
/// section starts at a multiple of 8; the file equals the reference's byte for byte, except that
/// it writes several metadata entries in no fixed order and this in that of their keys.
///
/// Errc::invalid_input for names that are equal, reserved ("__metadata__") or not UTF-8 and for
/// bytes that do not fit the shape; Errc::limit_exceeded above the limits of reading; else as
/// write_file. Errors name the file.
Result<void> write_safetensors(const std::filesystem::path& path,
                               std::span<const TensorToWrite> tensors,
                               const std::map<std::string, std::string>& metadata = {});

}  // namespace lode::weights
