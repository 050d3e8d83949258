// Any bytes as a safetensors file, as the header of one whose length fits, and as the index of a
// sharded checkpoint: refused, or what the readers promise.
#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "weights/check.h"
#include "weights/checkpoint_index_internal.h"
#include "weights/safetensors.h"

namespace {

using lode::ByteView;
using lode::weights::SafetensorsHeader;
using lode::weights::TensorEntry;

/// Asserts that the tensors cover the file and fit their shapes, and reads those whose bytes are
/// there.
void use(const SafetensorsHeader& header, ByteView file, std::uint64_t file_bytes) {
  std::size_t covered = 0;
  for (const TensorEntry& tensor : header.tensors) {
    std::uint64_t bytes = lode::weights::element_bytes(tensor.dtype);
    for (const std::int64_t dimension : tensor.shape) {
      LODE_ASSERT(dimension >= 0, "dimensions count");
      bytes *= static_cast<std::uint64_t>(dimension);
    }
    LODE_ASSERT(tensor.begin == covered, "no hole and no overlap");
    LODE_ASSERT(tensor.end - tensor.begin == bytes, "bytes fit the shape");
    covered = tensor.end;
    if (header.data_offset + tensor.end <= file.size()) {
      const auto health = lode::weights::check_values(
          {tensor.name, tensor.dtype, tensor.shape,
           file.subspan(header.data_offset + tensor.begin, tensor.end - tensor.begin)});
      LODE_ASSERT(health.non_finite <= health.elements && std::isfinite(health.max),
                  "finite values have a finite range");
    }
  }
  LODE_ASSERT(header.data_offset + covered == file_bytes, "the data ends with the file");
}

void read(ByteView file, std::uint64_t file_bytes) {
  const auto header = lode::weights::parse_header(file, file_bytes);
  if (header) {
    use(*header, file, file_bytes);
  } else {
    LODE_ASSERT(!header.error().context.empty() && header.error().context.size() < 1000,
                "an error says what is wrong, in short");
  }
}

/// `data` is the size of the data section, two bytes, and the header's text.
void read_header_that_fits(ByteView data) {
  lode::ByteWriter file;
  file.write(static_cast<std::uint64_t>(data.size() - 2));
  file.write_bytes(data.subspan(2));
  read(file.bytes(), file.bytes().size() + data[0] + (data[1] << 8U));
}

void read_index(std::string_view text) {
  const auto map = lode::weights::parse_weight_map(text);
  if (!map) {
    LODE_ASSERT(!map.error().context.empty() && map.error().context.size() < 2000,
                "an error says what is wrong, in short");
    return;
  }
  for (const auto& [tensor, shard] : *map) {
    LODE_ASSERT(shard.find('/') == shard.npos && shard != "..", "shards are in the folder");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, size);
  read(bytes, size);
  if (size > 2) {
    read_header_that_fits(bytes);
  }
  read_index(lode::as_text(bytes));
  return 0;
}
