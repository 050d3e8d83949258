#include "nn/parameter.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "base/assert.h"

namespace lode::nn {

Parameter::Parameter(std::string name, Shape shape, ParameterKind kind)
    : name_(std::move(name)), shape_(std::move(shape)), kind_(kind) {
  LODE_ASSERT(kind_ != ParameterKind::matrix || shape_.size() == 2,
              "only matrices have rows to quantise");
}

std::int64_t Parameter::count() const {
  return std::accumulate(shape_.begin(), shape_.end(), std::int64_t{1}, std::multiplies<>());
}

const at::Tensor& Parameter::value() const {
  LODE_ASSERT(value_.defined(), "a parameter was used before it was loaded, or while quantised");
  return value_;
}

const QuantisedMatrix& Parameter::quantised() const {
  LODE_ASSERT(is_quantised(), "a parameter is not quantised");
  return quantised_;
}

void Parameter::set(at::Tensor value) {
  LODE_ASSERT(value.sizes() == at::IntArrayRef(shape_), "a parameter was set to another shape");
  quantised_ = QuantisedMatrix();
  value_ = std::move(value);
}

void Parameter::set(QuantisedMatrix quantised) {
  LODE_ASSERT(quantised.codes.sizes() == at::IntArrayRef(shape_),
              "a parameter was set to another shape");
  value_ = at::Tensor();
  quantised_ = std::move(quantised);
}

void Parameter::clear() {
  value_ = at::Tensor();
  quantised_ = QuantisedMatrix();
}

std::int64_t Block::count() const {
  std::int64_t total = 0;
  for (const Parameter* parameter : parameters) {
    total += parameter->count();
  }
  return total;
}

Scope ParameterSet::root() { return Scope(this, ""); }

std::int64_t ParameterSet::count() const {
  std::int64_t total = 0;
  for (const Parameter& parameter : parameters_) {
    total += parameter.count();
  }
  return total;
}

Block ParameterSet::block(std::string name, std::initializer_list<std::string_view> prefixes,
                          std::initializer_list<std::string_view> without) {
  Block block{std::move(name), {}};
  for (Parameter& parameter : parameters_) {
    const std::string& full = parameter.name();
    const bool inside =
        std::ranges::any_of(prefixes, [&](std::string_view p) { return full.starts_with(p); });
    const bool left_out = std::ranges::any_of(
        without, [&](std::string_view w) { return full.find(w) != std::string::npos; });
    if (inside && !left_out) {
      block.parameters.push_back(&parameter);
    }
  }
  return block;
}

Scope Scope::operator[](std::string_view child) const {
  Scope place(set_, path_ + std::string(child) + '.');
  place.is_exact_ = is_exact_;
  return place;
}

Scope Scope::operator[](std::int64_t index) const { return (*this)[std::to_string(index)]; }

Scope Scope::exact() const {
  Scope same = *this;
  same.is_exact_ = true;
  return same;
}

Block Scope::block(std::string name, std::initializer_list<std::string_view> prefixes,
                   std::initializer_list<std::string_view> without) const {
  Block block{std::move(name), {}};
  for (const std::string_view prefix : prefixes) {
    const Block part = set_->block("", {path_ + std::string(prefix)}, without);
    block.parameters.insert(block.parameters.end(), part.parameters.begin(), part.parameters.end());
  }
  return block;
}

Parameter& Scope::add(std::string_view name, Shape shape, ParameterKind kind) const {
  std::string full = path_ + std::string(name);
  // Networks register at most a few thousand names, once.
  LODE_ASSERT(
      std::ranges::none_of(set_->parameters_, [&](const Parameter& p) { return p.name() == full; }),
      "a parameter's name is registered twice");
  return set_->parameters_.emplace_back(std::move(full), std::move(shape),
                                        is_exact_ ? ParameterKind::exact : kind);
}

}  // namespace lode::nn
