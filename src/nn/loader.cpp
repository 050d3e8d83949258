#include "nn/loader.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/assert.h"
#include "nn/materialise_internal.h"

namespace lode::nn {

namespace {

using weights::StoredTensor;

/// One kind of disagreement between a network and a checkpoint.
struct Problems {
  const char* kind;
  std::size_t count = 0;
  std::vector<std::string> listed = {};

  void add(std::string text) {
    if (++count <= kListedProblems) {
      listed.push_back(std::move(text));
    }
  }
};

/// "2 missing: a, b; 25 unexpected: c, ..., and 5 more"
std::string describe(std::span<const Problems> all) {
  std::string text;
  for (const Problems& problems : all) {
    if (problems.count == 0) {
      continue;
    }
    text += (text.empty() ? "" : "; ") + std::to_string(problems.count) + " " + problems.kind;
    for (std::size_t i = 0; i < problems.listed.size(); ++i) {
      text += (i == 0 ? ": " : ", ") + problems.listed[i];
    }
    if (problems.count > problems.listed.size()) {
      text += ", and " + std::to_string(problems.count - problems.listed.size()) + " more";
    }
  }
  return text;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

bool is_floating(weights::DType dtype) {
  using weights::DType;
  switch (dtype) {
    case DType::f64:
    case DType::f32:
    case DType::f16:
    case DType::bf16:
    case DType::f8_e4m3:
    case DType::f8_e5m2:
      return true;
    default:
      return false;
  }
}

bool has_shape_of(const StoredTensor& stored, const Parameter& parameter, const LoadRules& rules) {
  std::span<const std::int64_t> shape = stored.shape;
  if (rules.allow_1x1_convolutions && shape.size() == 4 && parameter.shape().size() == 2 &&
      shape[2] == 1 && shape[3] == 1) {
    shape = shape.first(2);
  }
  return std::ranges::equal(shape, parameter.shape());
}

std::optional<StoredTensor> find_stored(const weights::Checkpoint& checkpoint,
                                        const std::string& name, const LoadRules& rules) {
  std::optional<StoredTensor> stored = checkpoint.find(name);
  if (!stored && rules.aliases) {
    for (const std::string& alias : rules.aliases(name)) {
      stored = checkpoint.find(alias);
      if (stored) {
        break;
      }
    }
  }
  return stored;
}

/// The file, or the folder of several.
std::string place_of(const weights::Checkpoint& checkpoint) {
  const auto& files = checkpoint.files();
  return files.size() == 1 ? files[0].string()
                           : (files.empty() ? "" : files[0].parent_path().string());
}

}  // namespace

bool matches_pattern(std::string_view text, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos) {
    return text == pattern;
  }
  if (!text.starts_with(pattern.substr(0, star))) {
    return false;
  }
  text.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  // Between stars the first occurrence is as good as any later one.
  for (std::size_t next = pattern.find('*'); next != std::string_view::npos;
       next = pattern.find('*')) {
    const std::size_t at = text.find(pattern.substr(0, next));
    if (at == std::string_view::npos) {
      return false;
    }
    text.remove_prefix(at + next);
    pattern.remove_prefix(next + 1);
  }
  return text.ends_with(pattern);
}

void LoadedBlock::install() && {
  for (LoadedParameter& loaded : parameters) {
    if (loaded.value.defined()) {
      loaded.parameter->set(std::move(loaded.value));
    } else {
      loaded.parameter->set(std::move(loaded.quantised));
    }
  }
  parameters.clear();
}

struct WeightBank::State {
  struct Entry {
    explicit Entry(const StoredTensor& tensor) : stored(tensor) {}

    StoredTensor stored;
    mutable std::atomic<bool> is_checked = false;  // two threads may both check: no harm
  };

  explicit State(weights::Checkpoint opened)
      : checkpoint(std::move(opened)), place(place_of(checkpoint)), owner(checkpoint.owner()) {}

  const Entry& entry(const Parameter* parameter) const {
    const auto found = entries.find(parameter);
    LODE_ASSERT(found != entries.end(), "a parameter was asked of a checkpoint of another network");
    return found->second;
  }

  weights::Checkpoint checkpoint;
  std::string place;
  std::shared_ptr<const void> owner;
  std::unordered_map<const Parameter*, Entry> entries;
};

Result<WeightBank> WeightBank::bind(ParameterSet& parameters, weights::Checkpoint checkpoint,
                                    const LoadRules& rules) {
  auto state = std::make_shared<State>(std::move(checkpoint));
  Problems missing{"missing"}, unexpected{"unexpected"}, misshapen{"of another shape"},
      mistyped{"of no floating-point type"};
  std::set<std::string_view> used;
  for (Parameter& parameter : parameters.all()) {
    const auto stored = find_stored(state->checkpoint, parameter.name(), rules);
    if (!stored) {
      missing.add(parameter.name());
      continue;
    }
    used.insert(stored->name);
    if (!is_floating(stored->dtype)) {
      mistyped.add(std::string(stored->name) + " is " + std::string(to_string(stored->dtype)));
    } else if (!has_shape_of(*stored, parameter, rules)) {
      misshapen.add(std::string(stored->name) + " is " + shape_text(stored->shape) + " and not " +
                    shape_text(parameter.shape()));
    } else {
      state->entries.try_emplace(&parameter, *stored);
    }
  }
  for (const StoredTensor& stored : state->checkpoint.tensors()) {
    const bool is_ignored = std::ranges::any_of(rules.ignore, [&](const std::string& pattern) {
      return matches_pattern(stored.name, pattern);
    });
    if (!used.contains(stored.name) && !is_ignored) {
      unexpected.add(std::string(stored.name));
    }
  }
  const std::array all = {missing, unexpected, misshapen, mistyped};
  if (const std::string problems = describe(all); !problems.empty()) {
    return fail(Errc::invalid_input,
                state->place + ": its tensors are not this network's: " + problems);
  }
  return WeightBank(std::move(state));
}

LoadedBlock WeightBank::load(const Block& block, const Placement& placement) const {
  LoadedBlock loaded;
  loaded.parameters.reserve(block.parameters.size());
  for (Parameter* parameter : block.parameters) {
    const State::Entry& entry = state_->entry(parameter);
    const MaterialiseOptions options = {
        .placement = placement,
        .owner = state_->owner,
        .check_values = !entry.is_checked.load(std::memory_order_relaxed)};
    Materialised made = materialise(*parameter, entry.stored, options);
    if (!made.is_finite) {
      throw LoadFailed(
          fail(Errc::invalid_input,
               state_->place + ": tensor " + std::string(entry.stored.name) +
                   " holds NaN or infinity, which no trained weights do: is the file damaged?"));
    }
    entry.is_checked.store(true, std::memory_order_relaxed);
    if (!made.is_mapped) {
      state_->checkpoint.release_pages(entry.stored.bytes);
    }
    loaded.parameters.push_back({parameter, std::move(made.value), std::move(made.quantised)});
  }
  return loaded;
}

void WeightBank::release(const Block& block) const {
  for (const Parameter* parameter : block.parameters) {
    state_->checkpoint.release_pages(state_->entry(parameter).stored.bytes);
  }
}

}  // namespace lode::nn
