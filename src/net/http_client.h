// One HTTP request over one connection, with a deadline and a bounded reply.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "base/clock.h"
#include "base/http_message.h"
#include "net/endpoint.h"

namespace lode::net {

struct FetchLimits {
  Duration connect_timeout = std::chrono::seconds(5);
  Duration total_timeout = std::chrono::seconds(30);
  std::size_t header_bytes = 64 << 10;
  std::size_t body_bytes = 1 << 20;
};

/// What came of a request.
struct Exchange {
  Result<HttpResponse> response;
  /// Whether any of the request may have reached the peer: a failure with `sent == false` means
  /// that the peer has seen nothing and the request can simply be repeated.
  bool sent = false;
  /// How long connecting took: a round trip of the network, whatever the peer is busy with.
  Duration connecting{};
};

/// Sends `request` to `peer` on a connection of its own and reads the whole reply. `Host`,
/// `Content-Length` and `Connection: close` are added. A reply that comes before the request is
/// fully sent (an axon's 401, say) is taken as the reply. Failures: Errc::timed_out,
/// limit_exceeded (the reply is longer than allowed), peer_failure (refused, reset, not HTTP), each
/// naming the peer. Cancelling the awaiting task ends it with Errc::cancelled.
boost::asio::awaitable<Exchange> fetch(Endpoint peer, HttpRequest request, FetchLimits limits = {});

}  // namespace lode::net
