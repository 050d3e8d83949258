// Any bytes as a metagraph file: neurons in order and of sound fields, or a refusal.
#include <cmath>
#include <cstdint>

#include "base/assert.h"
#include "base/bytes.h"
#include "chain/metagraph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const auto metagraph = chain::parse_metagraph(as_text({data, size}));
  if (metagraph) {
    int last_uid = -1;
    for (const chain::Neuron& neuron : metagraph->neurons) {
      LODE_ASSERT(neuron.uid > last_uid, "uids ascend without repeats");
      LODE_ASSERT(std::isfinite(neuron.stake) && neuron.stake >= 0, "stakes are sound");
      last_uid = neuron.uid;
    }
  }
  return 0;
}
