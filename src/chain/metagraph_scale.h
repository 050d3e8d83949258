// The metagraph from the bytes that a subtensor node answers, and the questions that bring them.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "chain/metagraph.h"

namespace lode::chain {

inline constexpr const char* kSelectiveMetagraphCall =
    "SubnetInfoRuntimeApi_get_selective_metagraph";
inline constexpr const char* kMetagraphCall = "SubnetInfoRuntimeApi_get_metagraph";
inline constexpr const char* kSubnetStateCall = "SubnetInfoRuntimeApi_get_subnet_state";
inline constexpr const char* kNeuronsLiteCall = "NeuronInfoRuntimeApi_get_neurons_lite";

/// Arguments of kSelectiveMetagraphCall for the fields that a Metagraph has.
Bytes selective_metagraph_arguments(std::uint16_t netuid);
/// Arguments of the other calls.
Bytes netuid_argument(std::uint16_t netuid);

// Each decoder gives nothing when the node says that there is no such subnet, and
// Errc::invalid_input naming the field for bytes of another layout. Fields that later runtimes
// added at the end are ignored, and lists that they emptied (trust, say) read as zeros.

/// What kSelectiveMetagraphCall answers.
Result<std::optional<Metagraph>> decode_selective_metagraph(ByteView bytes, std::uint16_t netuid);
/// What kMetagraphCall answers.
Result<std::optional<Metagraph>> decode_metagraph(ByteView bytes, std::uint16_t netuid);
/// What kNeuronsLiteCall and kSubnetStateCall answer at one block: the state has the stake that
/// counts. `block` is not in either.
Result<std::optional<Metagraph>> decode_neurons_lite(ByteView neurons, ByteView state,
                                                     std::uint16_t netuid, std::uint64_t block);

}  // namespace lode::chain
