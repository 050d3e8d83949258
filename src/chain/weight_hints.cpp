#include "chain/weight_hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace lode::chain {
namespace {

double length_of(const Weights& weights) {
  double sum = 0;
  for (const auto& [uid, weight] : weights) {
    sum += static_cast<double>(weight) * weight;
  }
  return std::sqrt(sum);
}

/// 0 when either has no weight at all.
double cosine(const ValidatorWeights& a, const ValidatorWeights& b) {
  const std::map<int, int> of_b(b.weights.begin(), b.weights.end());
  double dot = 0;
  for (const auto& [uid, weight] : a.weights) {
    const auto found = of_b.find(uid);
    dot += found == of_b.end() ? 0 : static_cast<double>(weight) * found->second;
  }
  const double lengths = length_of(a.weights) * length_of(b.weights);
  return lengths > 0 ? std::min(dot / lengths, 1.0) : 0;
}

std::string describe(const WeightHint& hint, const ValidatorWeights& own,
                     const ValidatorWeights& nearest, std::size_t others) {
  std::string text =
      fmt::format("weights: nearest uid {} (cosine {:.5f}), mean of {} others {:.3f}",
                  hint.nearest_uid, hint.nearest_cosine, others, hint.mean_cosine);
  if (hint.looks_copied) {
    text += fmt::format("; set {} blocks after them: they look copied, consider --blacklist {}",
                        own.last_update - nearest.last_update, hint.uid);
  }
  return text;
}

WeightHint hint_for(const ValidatorWeights& own, const std::vector<const ValidatorWeights*>& all) {
  WeightHint hint;
  hint.uid = own.uid;
  const ValidatorWeights* nearest = nullptr;
  double sum = 0;
  for (const ValidatorWeights* other : all) {
    if (other == &own) {
      continue;
    }
    const double similarity = cosine(own, *other);
    sum += similarity;
    if (nearest == nullptr || similarity > hint.nearest_cosine) {
      nearest = other;
      hint.nearest_cosine = similarity;
    }
  }
  hint.nearest_uid = nearest->uid;
  hint.mean_cosine = sum / static_cast<double>(all.size() - 1);
  hint.looks_copied = hint.nearest_cosine >= kCopyCosine && own.last_update > nearest->last_update;
  hint.text = describe(hint, own, *nearest, all.size() - 1);
  return hint;
}

}  // namespace

std::vector<WeightHint> weight_hints(const std::vector<ValidatorWeights>& validators) {
  std::vector<const ValidatorWeights*> all;
  for (const ValidatorWeights& validator : validators) {
    if (!validator.weights.empty()) {
      all.push_back(&validator);
    }
  }
  std::vector<WeightHint> hints;
  if (all.size() < 2) {
    return hints;
  }
  for (const ValidatorWeights* validator : all) {
    hints.push_back(hint_for(*validator, all));
  }
  return hints;
}

}  // namespace lode::chain
