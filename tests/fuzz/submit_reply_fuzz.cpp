// Any bytes as a validator's reply to SubmitResults: parsed within its promises, or refused.
#include <cmath>
#include <cstdint>

#include "base/assert.h"
#include "subnet/dendrite.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const std::string body(reinterpret_cast<const char*>(data), size);
  const auto reply = subnet::parse_submit_reply(make_response(200, "application/json", body));
  if (!reply) {
    LODE_ASSERT(reply.error().context.size() < 250, "errors are cut");
    return 0;
  }
  LODE_ASSERT(unix_seconds(from_unix_seconds(reply->cooldown_until)) == reply->cooldown_until,
              "the cooldown fits a Time");
  LODE_ASSERT(!reply->feedback || (std::isfinite(reply->feedback->task_fidelity_score) &&
                                   std::isfinite(reply->feedback->current_miner_reward)),
              "scores are finite");
  return 0;
}
