#include "lode_worker/loaded_bytes.h"

#include <algorithm>

#include "nn/device.h"
#include "weights/checkpoint.h"

namespace lode::commands {
namespace {

namespace fs = std::filesystem;

std::uint64_t elements(const weights::Checkpoint& checkpoint) {
  std::uint64_t count = 0;
  for (const weights::StoredTensor& tensor : checkpoint.tensors()) {
    count += tensor.bytes.size() / weights::element_bytes(tensor.dtype);
  }
  return count;
}

/// Of a checkpoint, else of every file of weights in a folder of several; a folder of something
/// else, such as a tokenizer's, has none.
Result<std::uint64_t> elements_at(const fs::path& path) {
  const auto checkpoint = weights::Checkpoint::open(path);
  if (checkpoint) {
    return elements(*checkpoint);
  }
  if (checkpoint.error().code != Errc::not_found) {
    return checkpoint.error();
  }
  std::uint64_t count = 0;
  std::error_code ec;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ec)) {
    if (entry.path().extension() == ".safetensors") {
      LODE_TRY(const weights::Checkpoint file, weights::Checkpoint::open(entry.path()));
      count += elements(file);
    }
  }
  return count;
}

}  // namespace

Result<std::uint64_t> loaded_bytes(const fs::path& path, const NetworkFlags& flags) {
  LODE_TRY(const c10::Device device, nn::parse_device(flags.device));
  LODE_TRY(const c10::ScalarType type, nn::compute_type(flags.compute(), device));
  LODE_TRY(std::uint64_t count, elements_at(path));
  std::error_code ec;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ec)) {
    if (entry.is_directory(ec)) {
      LODE_TRY(const std::uint64_t more, elements_at(entry.path()));
      count += more;
    }
  }
  const std::uint64_t bytes = count * c10::elementSize(type);
  return std::min(bytes, flags.memory_budget().value_or(bytes));
}

}  // namespace lode::commands
