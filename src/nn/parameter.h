// The parameters of a network: registered under the reference's own names, loaded later.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "nn/quantised.h"

namespace lode::nn {

using Shape = std::vector<std::int64_t>;

enum class ParameterKind {
  matrix,  ///< the [out, in] weight of a linear layer: may be held as int8 or fp8
  exact    ///< whatever else: always held in the type that is computed in
};

/// One tensor of a network. Constructing a network registers names and shapes alone, so that a
/// network of any size can be described, counted and checked against a file without memory for it.
class Parameter {
 public:
  Parameter(std::string name, Shape shape, ParameterKind kind);

  /// As the reference's state_dict spells it: "transformer_blocks.0.attn.to_q.weight".
  const std::string& name() const { return name_; }
  const Shape& shape() const { return shape_; }
  ParameterKind kind() const { return kind_; }
  /// The number of elements.
  std::int64_t count() const;

  bool is_loaded() const { return value_.defined() || quantised_.codes.defined(); }
  bool is_quantised() const { return quantised_.codes.defined(); }
  /// Asserts that it is loaded and not quantised.
  const at::Tensor& value() const;
  /// Asserts that it is quantised.
  const QuantisedMatrix& quantised() const;

  /// Asserts that the shape is shape().
  void set(at::Tensor value);
  void set(QuantisedMatrix quantised);
  void clear();

 private:
  std::string name_;
  Shape shape_;
  ParameterKind kind_;
  at::Tensor value_;
  QuantisedMatrix quantised_;
};

/// Parameters that are loaded and dropped together: what one stretch of a forward pass needs.
struct Block {
  std::string name;
  std::vector<Parameter*> parameters;

  std::int64_t count() const;
};

class Scope;

/// Owns a network's parameters in the order of their registration. Their addresses stay valid as
/// long as this object, wherever it is moved.
class ParameterSet {
 public:
  ParameterSet() = default;
  ParameterSet(ParameterSet&&) = default;
  ParameterSet& operator=(ParameterSet&&) = default;

  /// Where names begin: Scope(set)["encoder"]["block"][0] registers "encoder.block.0.<name>".
  Scope root();

  std::deque<Parameter>& all() { return parameters_; }
  const std::deque<Parameter>& all() const { return parameters_; }
  std::int64_t count() const;

  /// The parameters whose names begin with one of `prefixes` and contain none of `without`.
  Block block(std::string name, std::initializer_list<std::string_view> prefixes,
              std::initializer_list<std::string_view> without = {});

 private:
  friend class Scope;
  std::deque<Parameter> parameters_;
};

/// A place in a network's tree of names, where layers register their parameters.
class Scope {
 public:
  /// The child of that name: one or more of the reference's attributes, joined by dots.
  Scope operator[](std::string_view child) const;
  Scope operator[](std::int64_t index) const;

  /// The same place for layers whose matrices are not to be quantised.
  Scope exact() const;

  /// Asserts that the name is new in its set.
  Parameter& add(std::string_view name, Shape shape,
                 ParameterKind kind = ParameterKind::exact) const;

  /// The parameters registered so far whose names below this place begin with one of `prefixes` and
  /// contain none of `without`.
  Block block(std::string name, std::initializer_list<std::string_view> prefixes,
              std::initializer_list<std::string_view> without = {}) const;

 private:
  friend class ParameterSet;
  Scope(ParameterSet* set, std::string path) : set_(set), path_(std::move(path)) {}

  ParameterSet* set_;
  std::string path_;
  bool is_exact_ = false;
};

}  // namespace lode::nn
