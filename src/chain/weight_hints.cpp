#include "chain/weight_hints.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace lode::chain {
namespace {

/// One validator's weights by uid, and their length as a vector.
struct Ranking {
  explicit Ranking(const ValidatorWeights& validator) : of(&validator), weights(validator.weights) {
    std::sort(weights.begin(), weights.end());
    for (const auto& [uid, weight] : weights) {
      length += static_cast<double>(weight) * weight;
    }
    length = std::sqrt(length);
  }
  const ValidatorWeights* of;
  Weights weights;
  double length = 0;
};

/// 0 when either has no weight at all.
double cosine(const Ranking& a, const Ranking& b) {
  double dot = 0;
  for (auto i = a.weights.begin(), j = b.weights.begin();
       i != a.weights.end() && j != b.weights.end();) {
    if (i->first == j->first) {
      dot += static_cast<double>(i++->second) * j++->second;
    } else if (i->first < j->first) {
      ++i;
    } else {
      ++j;
    }
  }
  const double lengths = a.length * b.length;
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

WeightHint hint_for(const Ranking& ranking, const std::vector<Ranking>& all) {
  const ValidatorWeights& own = *ranking.of;
  WeightHint hint;
  hint.uid = own.uid;
  const ValidatorWeights* nearest = nullptr;
  double sum = 0;
  for (const Ranking& other : all) {
    if (&other == &ranking) {
      continue;
    }
    const double similarity = cosine(ranking, other);
    sum += similarity;
    if (nearest == nullptr || similarity > hint.nearest_cosine) {
      nearest = other.of;
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
  std::vector<Ranking> all;
  for (const ValidatorWeights& validator : validators) {
    if (!validator.weights.empty()) {
      all.emplace_back(validator);
    }
  }
  std::vector<WeightHint> hints;
  if (all.size() < 2) {
    return hints;
  }
  for (const Ranking& ranking : all) {
    hints.push_back(hint_for(ranking, all));
  }
  return hints;
}

}  // namespace lode::chain
