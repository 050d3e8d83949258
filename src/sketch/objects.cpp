#include "sketch/objects.h"

namespace lode::sketch {

const ObjectKind* find_object(std::string_view noun) {
  for (const auto family : {kitchen_objects(), furniture_objects(), household_objects(),
                            nature_objects(), food_objects(), building_objects(), vehicle_objects(),
                            tool_objects(), wearable_objects(), toy_objects(), animal_objects()}) {
    for (const ObjectKind& kind : family) {
      if (kind.noun == noun) {
        return &kind;
      }
    }
  }
  return nullptr;
}

}  // namespace lode::sketch
