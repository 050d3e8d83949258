// Outcomes for programs and for people.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "simulate/config.h"
#include "simulate/outcome.h"

namespace lode::simulate {

/// The counts and means of an outcome as one object; `standard_error` is null where unknown.
nlohmann::ordered_json to_json(const Outcome& outcome);

/// The parameters that an outcome depends on.
nlohmann::ordered_json to_json(const Config& config);

/// One line: "V=8, W=2, generation 15-25 s, pulls/submissions/replies lost 2/2/2 %, ..."
std::string describe(const Config& config);

/// One row a policy, with a head line and a line end after each.
std::string format_table(const std::vector<Outcome>& outcomes);

}  // namespace lode::simulate
