// Any bytes as a validator's reply to PullTask: parsed within its promises, or refused.
#include <cmath>
#include <cstdint>

#include "base/assert.h"
#include "subnet/dendrite.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const std::string body(reinterpret_cast<const char*>(data), size);
  for (const int status : {200, 403}) {
    const auto reply = subnet::parse_pull_reply(make_response(status, "application/json", body));
    if (!reply) {
      LODE_ASSERT(reply.error().context.size() < 250, "errors are cut");
      continue;
    }
    LODE_ASSERT(status == 200, "only status 200 carries a reply");
    LODE_ASSERT(std::isfinite(reply->validation_threshold), "the threshold is finite");
    LODE_ASSERT(reply->throttle_period >= 0 && reply->cooldown_until >= 0,
                "times are not negative");
    LODE_ASSERT(unix_seconds(from_unix_seconds(reply->cooldown_until)) == reply->cooldown_until,
                "the cooldown fits a Time");
    LODE_ASSERT(!reply->task || !reply->task->id.empty(), "a task has an id");
  }
  return 0;
}
