// The objects the sketch can draw, family by family; docs/adding-an-object.md shows how to add one.
#pragma once

#include <span>
#include <string_view>

#include "sketch/kit.h"

namespace lode::sketch {

/// One noun of the lexicon and how to build it.
struct ObjectKind {
  std::string_view noun;
  float metres;  ///< the natural length of its longest side, for scenes of two objects
  void (*build)(Kit& kit);
};

std::span<const ObjectKind> kitchen_objects();
std::span<const ObjectKind> furniture_objects();
std::span<const ObjectKind> household_objects();
std::span<const ObjectKind> nature_objects();
std::span<const ObjectKind> food_objects();
std::span<const ObjectKind> building_objects();
std::span<const ObjectKind> vehicle_objects();
std::span<const ObjectKind> tool_objects();
std::span<const ObjectKind> wearable_objects();
std::span<const ObjectKind> toy_objects();
std::span<const ObjectKind> animal_objects();

/// The kind of a canonical noun, or null.
const ObjectKind* find_object(std::string_view noun);

}  // namespace lode::sketch
