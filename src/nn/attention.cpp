#include "nn/attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <torch/version.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/assert.h"

#define LODE_TORCH_HAS_FUSED_ATTENTION \
  (TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1))

#if LODE_TORCH_HAS_FUSED_ATTENTION
#include <ATen/ops/scaled_dot_product_attention.h>
#endif

namespace lode::nn {

namespace {

// The scores that exist at once: 4 MiB of float32, so that what the first product writes is still
// in the caches when softmax and the second product read it.
constexpr std::int64_t kScoreTileElements = 1 << 20;

// Fewer queries than this make the products slow, whatever is left of the caches: 64 at the VAE's
// 16384 keys are the 4 MiB above; at more keys the tile grows.
constexpr std::int64_t kMinTileQueries = 32;

/// -infinity where key > query + first_query, else 0: [queries, keys].
at::Tensor causal_bias(std::int64_t first_query, std::int64_t queries, std::int64_t keys,
                       const at::TensorOptions& options) {
  const at::Tensor row = at::arange(first_query, first_query + queries, options.dtype(at::kLong));
  const at::Tensor column = at::arange(keys, options.dtype(at::kLong));
  return at::empty({queries, keys}, options)
      .zero_()
      .masked_fill_(column.unsqueeze(0) > row.unsqueeze(1),
                    -std::numeric_limits<double>::infinity());
}

bool needs_gradient(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const at::Tensor& bias) {
  return at::GradMode::is_enabled() &&
         (q.requires_grad() || k.requires_grad() || v.requires_grad() ||
          (bias.defined() && bias.requires_grad()));
}

void check_shapes(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  LODE_ASSERT(q.dim() == 4 && k.dim() == 4, "attention is over [B, H, L, D]");
  LODE_ASSERT(k.sizes() == v.sizes(), "attention's keys and values differ in shape");
  LODE_ASSERT(q.size(0) == k.size(0) && q.size(1) == k.size(1) && q.size(3) == k.size(3),
              "attention's queries and keys differ in batch, heads or width");
}

double scale_of(const at::Tensor& q, const AttentionOptions& options) {
  return options.scale.value_or(1 / std::sqrt(static_cast<double>(q.size(-1))));
}

/// Where a tile lies in the whole: heads [head, head_end) of one batch element, queries
/// [query, query_end), keys [0, keys).
struct Tile {
  std::int64_t batch = 0;
  std::int64_t head = 0, head_end = 0;
  std::int64_t query = 0, query_end = 0;
  std::int64_t keys = 0;
};

/// What all tiles of some heads share, in float32.
struct Heads {
  at::Tensor k, v;  // [h, S, D]
};

class TiledAttention {
 public:
  TiledAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 const AttentionOptions& options)
      : q_(q), k_(k), v_(v), scale_(scale_of(q, options)), causal_(options.causal) {
    if (options.bias.defined()) {
      bias_ = options.bias.expand({q.size(0), q.size(1), q.size(2), k.size(2)});
    }
    const std::int64_t heads = q.size(1), queries = q.size(2),
                       keys = std::max<std::int64_t>(1, k.size(2));
    query_step_ =
        std::clamp(kScoreTileElements / keys, kMinTileQueries, std::max(kMinTileQueries, queries));
    head_step_ = std::clamp<std::int64_t>(
        kScoreTileElements / (std::min(query_step_, std::max<std::int64_t>(1, queries)) * keys), 1,
        std::max<std::int64_t>(1, heads));
  }

  /// Without a record for autograd: scores live in one buffer.
  at::Tensor run() {
    at::Tensor out =
        at::empty({q_.size(0), q_.size(2), q_.size(1), q_.size(3)}, q_.options()).transpose(1, 2);
    scores_ = at::empty({head_step_ * std::min(query_step_, q_.size(2)) * k_.size(2)},
                        q_.options().dtype(at::kFloat));
    for_each_tile([&](const Tile& tile, const Heads& heads) {
      out.select(0, tile.batch)
          .slice(0, tile.head, tile.head_end)
          .slice(1, tile.query, tile.query_end)
          .copy_(attend(tile, heads));
    });
    return out;
  }

  /// From operators that autograd knows, out of place.
  at::Tensor run_differentiable() const {
    std::vector<at::Tensor> batches, heads_of_batch, queries_of_heads;
    for_each_tile([&](const Tile& tile, const Heads& heads) {
      queries_of_heads.push_back(attend(tile, heads));
      if (tile.query_end < q_.size(2)) {
        return;
      }
      heads_of_batch.push_back(at::cat(queries_of_heads, 1));
      queries_of_heads.clear();
      if (tile.head_end == q_.size(1)) {
        batches.push_back(at::cat(heads_of_batch, 0));
        heads_of_batch.clear();
      }
    });
    return at::stack(batches).to(q_.scalar_type());
  }

 private:
  template <class Visit>
  void for_each_tile(const Visit& visit) const {
    const std::int64_t head_count = q_.size(1), queries = q_.size(2), keys = k_.size(2);
    for (std::int64_t b = 0; b < q_.size(0); ++b) {
      for (std::int64_t h = 0; h < head_count; h += head_step_) {
        const std::int64_t h_end = std::min(h + head_step_, head_count);
        const Heads heads = {k_.select(0, b).slice(0, h, h_end).to(at::kFloat),
                             v_.select(0, b).slice(0, h, h_end).to(at::kFloat)};
        for (std::int64_t l = 0; l < queries; l += query_step_) {
          const std::int64_t l_end = std::min(l + query_step_, queries);
          visit(Tile{b, h, h_end, l, l_end, causal_ ? std::min(keys, l_end) : keys}, heads);
        }
      }
    }
  }

  /// [h, l, D] in float32.
  at::Tensor attend(const Tile& tile, const Heads& heads) const {
    const at::Tensor q = q_.select(0, tile.batch)
                             .slice(0, tile.head, tile.head_end)
                             .slice(1, tile.query, tile.query_end)
                             .to(at::kFloat) *
                         scale_;
    const at::Tensor k = heads.k.slice(1, 0, tile.keys).transpose(1, 2);
    at::Tensor scores;
    if (scores_.defined()) {
      scores = scores_.narrow(0, 0, q.size(0) * q.size(1) * tile.keys)
                   .view({q.size(0), q.size(1), tile.keys});
      at::bmm_out(scores, q, k);
    } else {
      scores = at::bmm(q, k);
    }
    if (bias_.defined()) {
      scores.add_(bias_.select(0, tile.batch)
                      .slice(0, tile.head, tile.head_end)
                      .slice(1, tile.query, tile.query_end)
                      .slice(2, 0, tile.keys));
    }
    if (causal_) {
      scores.add_(causal_bias(tile.query, q.size(1), tile.keys, scores.options()));
    }
    if (scores_.defined()) {
      at::_softmax_out(scores, scores, -1, false);
    } else {
      scores = at::softmax(scores, -1);
    }
    return at::bmm(scores, heads.v.slice(1, 0, tile.keys));
  }

  at::Tensor q_, k_, v_, bias_;
  double scale_;
  bool causal_;
  std::int64_t query_step_ = 1, head_step_ = 1;
  at::Tensor scores_;  // undefined where autograd needs each tile's own
};

}  // namespace

at::Tensor attention_tiled(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const AttentionOptions& options) {
  check_shapes(q, k, v);
  TiledAttention tiled(q, k, v, options);
  if (needs_gradient(q, k, v, options.bias)) {
    return tiled.run_differentiable();
  }
  const at::NoGradGuard no_gradient;
  return tiled.run();
}

at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const AttentionOptions& options) {
#if LODE_TORCH_HAS_FUSED_ATTENTION
  check_shapes(q, k, v);
  std::optional<at::Tensor> bias;
  if (options.bias.defined()) {
    bias = options.bias;
    if (options.causal) {  // the fused kernels take one or the other
      bias = *bias + causal_bias(0, q.size(2), k.size(2), bias->options());
    }
    bias = bias->to(q.scalar_type());
  }
  return at::scaled_dot_product_attention(q, k, v, bias, 0.0, options.causal && !bias,
                                          scale_of(q, options));
#else
  return attention_tiled(q, k, v, options);
#endif
}

at::Tensor split_heads(const at::Tensor& x, std::int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

at::Tensor join_heads(const at::Tensor& x) {
  return x.transpose(1, 2).reshape({x.size(0), x.size(2), -1});
}

}  // namespace lode::nn
