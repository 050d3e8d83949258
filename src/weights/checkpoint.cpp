#include "weights/checkpoint.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <string>

#include "base/assert.h"
#include "base/file.h"
#include "base/mapped_file.h"
#include "weights/checkpoint_index_internal.h"
#include "weights/safetensors.h"
#include "weights/tensor_rules_internal.h"

namespace lode::weights {
namespace fs = std::filesystem;
namespace {

struct Shard {
  MappedFile map;
  SafetensorsHeader header;
};

/// What is in place of a large file where git had no LFS: https://git-lfs.com, pointer files.
bool is_lfs_pointer(ByteView bytes) {
  return as_text(bytes).starts_with("version https://git-lfs.github.com/spec/");
}

Result<Shard> open_shard(const fs::path& path) {
  LODE_TRY(MappedFile map, MappedFile::open(path, kMaxWeightFileBytes));
  if (is_lfs_pointer(map.bytes())) {
    return fail(Errc::invalid_input, path.string() +
                                         ": a Git LFS pointer in place of the weights; fetch them "
                                         "with \"git lfs pull\"");
  }
  auto header = parse_header(map.bytes(), map.bytes().size());
  if (!header) {
    return annotate(std::move(header).error(), path.string());
  }
  return Shard{std::move(map), *std::move(header)};
}

/// The names that a folder's weights may have, best first.
std::vector<std::string> candidate_names() {
  std::vector<std::string> names;
  for (const std::string variant : {"", ".fp16"}) {
    for (const std::string stem : {"model", "diffusion_pytorch_model"}) {
      names.push_back(stem + variant + ".safetensors");
      names.push_back(stem + variant + ".safetensors.index.json");
      if (!variant.empty()) {
        names.push_back(stem + ".safetensors.index" + variant + ".json");  // as Diffusers puts it
      }
    }
  }
  return names;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/// The names in a folder, sorted; of a huge folder some.
Result<std::vector<std::string>> names_in(const fs::path& folder) {
  constexpr std::size_t kMaxNames = 10'000;
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator() && names.size() < kMaxNames;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) {
    return fail(Errc::io_failure, folder.string() + ": list: " + error.message());
  }
  std::ranges::sort(names);
  return names;
}

Error nothing_found(const fs::path& folder, const std::vector<std::string>& candidates,
                    std::vector<std::string> names) {
  constexpr std::size_t kMaxShownNames = 20;
  const std::size_t count = names.size();
  names.resize(std::min(count, kMaxShownNames));
  for (std::string& name : names) {
    name = in_quotes(name);
  }
  std::string there = count == 0 ? "nothing" : joined(names);
  if (count > kMaxShownNames) {
    there += " and " + std::to_string(count - kMaxShownNames) + " more";
  }
  return fail(Errc::not_found, folder.string() + ": no weights: looked for " + joined(candidates) +
                                   " or a single .safetensors file, there is " + there);
}

/// The file or index of a folder's weights.
Result<fs::path> weights_in(const fs::path& folder) {
  const std::vector<std::string> candidates = candidate_names();
  std::error_code ignored;
  for (const std::string& name : candidates) {
    if (fs::exists(folder / name, ignored)) {
      return folder / name;
    }
  }
  LODE_TRY(std::vector<std::string> names, names_in(folder));
  const auto is_weights = [](const std::string& name) { return name.ends_with(".safetensors"); };
  if (std::ranges::count_if(names, is_weights) == 1) {
    return folder / *std::ranges::find_if(names, is_weights);
  }
  return nothing_found(folder, candidates, std::move(names));
}

/// Compares a shard with what the index says of it; `seen` collects its tensors.
Result<void> check_listed(const Shard& shard, const std::string& name, const WeightMap& map,
                          std::set<std::string_view>& seen) {
  for (const TensorEntry& tensor : shard.header.tensors) {
    const auto listed = map.find(tensor.name);
    const std::string what = "tensor " + in_quotes(tensor.name) + " is in " + in_quotes(name);
    if (listed == map.end()) {
      return fail(Errc::invalid_input, what + ", but not in weight_map");
    }
    if (listed->second != name) {
      return fail(Errc::invalid_input, what + ", weight_map says " + in_quotes(listed->second));
    }
    seen.insert(listed->first);
  }
  return {};
}

Result<std::set<std::string>> shard_names(const WeightMap& map) {
  std::set<std::string> names;
  for (const auto& [tensor, shard] : map) {
    names.insert(shard);
    if (names.size() > kMaxShards) {
      return fail(Errc::limit_exceeded,
                  "weight_map: more than " + std::to_string(kMaxShards) + " files");
    }
  }
  return names;
}

}  // namespace

struct Checkpoint::State {
  std::vector<Shard> shards;
  std::vector<fs::path> files;  ///< of the shards
  std::vector<StoredTensor> tensors;
  std::size_t total_bytes = 0;

  Result<void> add(const fs::path& path) {
    LODE_TRY(Shard shard, open_shard(path));
    shards.push_back(std::move(shard));
    files.push_back(path);
    return {};
  }

  Result<void> add_sharded(const fs::path& index);

  /// Lists the tensors of all shards, which stay where they are from here on.
  void list_tensors() {
    for (const Shard& shard : shards) {
      const ByteView data = shard.map.bytes().subspan(shard.header.data_offset);
      for (const TensorEntry& entry : shard.header.tensors) {
        const ByteView bytes = data.subspan(entry.begin, entry.end - entry.begin);
        tensors.push_back({entry.name, entry.dtype, entry.shape, bytes});
        total_bytes += bytes.size();
      }
    }
    std::ranges::sort(tensors, {}, &StoredTensor::name);
  }

  /// madvise(MADV_DONTNEED) on the pages that lie wholly in `bytes`.
  void release(ByteView bytes) const;
};

Result<void> Checkpoint::State::add_sharded(const fs::path& index) {
  LODE_TRY(const Bytes text, read_file(index, kMaxIndexBytes));
  LODE_TRY(const WeightMap map, parse_weight_map(as_text(text)));
  LODE_TRY(const std::set<std::string> names, shard_names(map));
  std::set<std::string_view> seen;
  for (const std::string& name : names) {
    const fs::path path = index.parent_path() / name;
    if (auto added = add(path); !added) {
      return annotate(std::move(added).error(), "weight_map names " + in_quotes(name));
    }
    LODE_CHECK(check_listed(shards.back(), name, map, seen));
  }
  for (const auto& [tensor, shard] : map) {
    if (!seen.contains(tensor)) {
      return fail(Errc::invalid_input, "weight_map: tensor " + in_quotes(tensor) +
                                           " is not in the file it names, " + in_quotes(shard));
    }
  }
  return {};
}

void Checkpoint::State::release(ByteView bytes) const {
  if (bytes.empty()) {
    return;
  }
  const auto address = [](const std::uint8_t* p) { return reinterpret_cast<std::uintptr_t>(p); };
  const std::uintptr_t first = address(bytes.data()), last = first + bytes.size();
  const auto shard = std::ranges::find_if(shards, [&](const Shard& one) {
    const std::uintptr_t begin = address(one.map.bytes().data());
    return first >= begin && last <= begin + one.map.bytes().size();
  });
  // Elsewhere the kernel would throw away what is nowhere else.
  LODE_ASSERT(shard != shards.end(), "advice on bytes of this checkpoint only");
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto down = [page](std::uintptr_t at) { return at / page * page; };
  const auto up = [&](std::uintptr_t at) { return down(at + page - 1); };
  const std::uintptr_t begin = up(first);
  const std::uintptr_t end = down(last);
  if (begin < end) {
    // Advice: a kernel that does not take it changes nothing that could be seen.
    (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  }
}

Result<Checkpoint> Checkpoint::open(const fs::path& path) {
  std::error_code ignored;
  fs::path source = path;
  if (fs::is_directory(path, ignored)) {
    LODE_TRY(source, weights_in(path));
  }
  auto state = std::make_shared<State>();
  if (source.extension() == ".json") {
    if (auto added = state->add_sharded(source); !added) {
      Error error = std::move(added).error();
      const bool is_named = error.context.starts_with(source.string());
      return is_named ? error : annotate(std::move(error), source.string());
    }
  } else {
    LODE_CHECK(state->add(source));
  }
  state->list_tensors();
  return Checkpoint(std::move(state));
}

std::optional<StoredTensor> Checkpoint::find(std::string_view name) const {
  const auto found = std::ranges::lower_bound(state_->tensors, name, {}, &StoredTensor::name);
  if (found == state_->tensors.end() || found->name != name) {
    return std::nullopt;
  }
  return *found;
}

std::span<const StoredTensor> Checkpoint::tensors() const { return state_->tensors; }

const std::vector<fs::path>& Checkpoint::files() const { return state_->files; }

std::size_t Checkpoint::total_bytes() const { return state_->total_bytes; }

std::shared_ptr<const void> Checkpoint::owner() const { return state_; }

void Checkpoint::release_pages(ByteView bytes) const { state_->release(bytes); }

}  // namespace lode::weights
