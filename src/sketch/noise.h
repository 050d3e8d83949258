// Smooth pseudo-random fields for textures and rough surfaces: the same values everywhere.
#pragma once

#include <glm/vec3.hpp>

namespace lode::sketch {

/// Value noise on the unit lattice, -1..1, changing no faster than about 3.5 per unit.
float noise(const glm::vec3& p);

/// Octaves of noise, each twice as fine and half as strong, scaled back to -1..1.
float fractal_noise(const glm::vec3& p, int octaves = 3);

/// Random facets: distance to the nearest of the points strewn one per unit cell, 0..about 1.
float cell_noise(const glm::vec3& p);

}  // namespace lode::sketch
