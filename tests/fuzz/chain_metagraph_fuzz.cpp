// Any bytes as the answer of a metagraph call: bounded, sound neurons, or a refusal.
#include <cstdint>

#include "base/assert.h"
#include "chain/metagraph_scale.h"

namespace {

void check(const lode::Result<std::optional<lode::chain::Metagraph>>& result) {
  if (!result || !*result) {
    return;
  }
  LODE_ASSERT((*result)->neurons.size() <= lode::chain::kMaxNeurons, "neurons are bounded");
  int uid = 0;
  for (const auto& neuron : (*result)->neurons) {
    LODE_ASSERT(neuron.uid == uid++, "uids ascend");
    LODE_ASSERT(neuron.stake >= 0 && neuron.incentive >= 0, "numbers are sound");
    LODE_ASSERT(!neuron.ip.empty(), "an address has a text");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode::chain;
  const lode::ByteView bytes(data, size);
  check(decode_selective_metagraph(bytes, 17));
  check(decode_metagraph(bytes, 17));
  const std::size_t half = size / 2;
  check(decode_neurons_lite(bytes.first(half), bytes.subspan(half), 17, 1));
  return 0;
}
