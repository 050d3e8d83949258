// Any bytes as a scoring service's answer: a score within its range, or refused in few words.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "miner/verdict_reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  LODE_ASSERT(miner::describe_refusal(422, body).size() < 250, "log lines are cut");
  const auto verdict = miner::parse_verdict(body);
  if (!verdict) {
    LODE_ASSERT(verdict.error().context.size() < 250, "errors are cut");
    return 0;
  }
  LODE_ASSERT(verdict->score >= miner::kLowestScore && verdict->score <= miner::kHighestScore,
              "scores are within their range");
  LODE_ASSERT(verdict->reason.size() <= 300, "reasons are cut");
  return 0;
}
