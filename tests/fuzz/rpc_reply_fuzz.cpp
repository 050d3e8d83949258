// Any text from a node: a call ends at most once, and the session is ready for the next event.
#include <cstdint>
#include <set>

#include "base/assert.h"
#include "base/bytes.h"
#include "chain/rpc_session.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lode;
  using chain::RpcSession;
  const Time now = from_unix_seconds(1'760'000'000);
  chain::RpcConfig config;
  config.endpoints = {"ws://node"};
  RpcSession session(config, 1);
  session.start(now);
  session.call("a", RpcSession::Json::array(), now);
  session.call("b", RpcSession::Json::array(), now);
  session.subscribe("chain_subscribeNewHeads", now);
  session.on_connected(now);
  std::set<RpcSession::CallId> done;
  for (int i = 0; i < 2; ++i) {
    session.on_text(as_text({data, size}), now);
    for (const auto& action : session.take_actions()) {
      if (const auto* end = std::get_if<RpcSession::Done>(&action)) {
        LODE_ASSERT(done.insert(end->id).second, "a call ends once");
      }
    }
  }
  LODE_ASSERT(session.next_due().has_value(), "there is always something to wait for");
  return 0;
}
