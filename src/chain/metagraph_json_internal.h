// The metagraph as the JSON of its file.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "chain/metagraph.h"

namespace lode::chain {

/// `{"netuid", "block", "neurons"}` as read_metagraph_file() takes it.
nlohmann::ordered_json metagraph_json(const Metagraph& metagraph);

}  // namespace lode::chain
