#include "net/websocket.h"

#include <openssl/x509v3.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <vector>

#include "net/tcp_internal.h"

namespace lode::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

/// With WebSocket's own words.
Error websocket_error(const error_code& code, const std::string& peer, std::string_view doing) {
  if (code == websocket::error::message_too_big || code == websocket::error::buffer_overflow) {
    return to_error(Errc::limit_exceeded, "the message is longer than allowed", peer, doing);
  }
  if (code == websocket::error::closed || code == asio::error::eof) {
    return to_error(Errc::peer_failure, "the peer closed the connection", peer, doing);
  }
  if (code == websocket::error::upgrade_declined) {
    return to_error(Errc::peer_failure, "the server does not speak WebSocket there", peer, doing);
  }
  return to_error(code, peer, doing);
}

template <class Next>
class Connection final : public WebSocket {
 public:
  Connection(websocket::stream<Next> stream, std::shared_ptr<ssl::context> tls, std::string peer)
      : tls_(std::move(tls)), stream_(std::move(stream)), peer_(std::move(peer)) {}

  asio::awaitable<Result<void>> send(std::string text) override {
    stream_.text(true);
    auto [ec, bytes] = co_await stream_.async_write(asio::buffer(text), kToken);
    if (ec) {
      co_return websocket_error(ec, peer_, "send");
    }
    co_return Result<void>();
  }

  asio::awaitable<Result<std::string>> receive() override {
    beast::flat_buffer buffer;  // of its own, so that one long message does not keep its memory
    auto [ec, bytes] = co_await stream_.async_read(buffer, kToken);
    if (ec) {
      co_return websocket_error(ec, peer_, "receive");
    }
    co_return beast::buffers_to_string(buffer.data());
  }

  void close() override { beast::get_lowest_layer(stream_).close(); }

 private:
  std::shared_ptr<ssl::context> tls_;  // outlives the stream made from it
  websocket::stream<Next> stream_;
  std::string peer_;
};

template <class Next>
void configure(websocket::stream<Next>& stream, const WebSocketLimits& limits) {
  beast::get_lowest_layer(stream).expires_never();  // the stream keeps its own time from here on
  stream.set_option(websocket::stream_base::timeout{limits.connect_timeout, limits.idle_timeout,
                                                    /*keep_alive_pings=*/true});
  stream.read_message_max(limits.message_bytes);
}

template <class Next>
asio::awaitable<error_code> upgrade(websocket::stream<Next>& stream, const WsUrl& url,
                                    const WebSocketLimits& limits) {
  configure(stream, limits);
  const std::string host = url.endpoint.to_string();
  auto [ec] = co_await stream.async_handshake(host, url.target, kToken);
  co_return ec;
}

/// A context that trusts the system's authorities and those of `trust`.
Result<std::shared_ptr<ssl::context>> make_tls(const TlsTrust& trust) {
  auto tls = std::make_shared<ssl::context>(ssl::context::tls_client);
  error_code ec;
  tls->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 |
                   ssl::context::no_tlsv1_1);
  tls->set_verify_mode(ssl::verify_peer);
  tls->set_default_verify_paths(ec);
  if (!ec && !trust.extra_authorities.empty()) {
    tls->load_verify_file(trust.extra_authorities.string(), ec);
  }
  if (ec) {
    return fail(
        Errc::io_failure,
        (trust.extra_authorities.empty() ? "the system" : trust.extra_authorities.string()) +
            ": certificate authorities could not be read: " + ec.message());
  }
  return tls;
}

/// Has OpenSSL check the certificate against the host's name, and tells the server that name.
bool expect_host(TlsStream& stream, const std::string& host) {
  SSL* handle = stream.native_handle();
  error_code not_literal;
  asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), host.c_str()) == 1;
  }
  return SSL_set_tlsext_host_name(handle, host.c_str()) == 1 &&
         SSL_set1_host(handle, host.c_str()) == 1;
}

Error tls_error(const error_code& code, TlsStream& stream, const std::string& peer) {
  const long verdict = SSL_get_verify_result(stream.native_handle());
  if (verdict == X509_V_OK) {
    return websocket_error(code, peer, "TLS");
  }
  std::string advice;
  if (verdict == X509_V_ERR_CERT_HAS_EXPIRED || verdict == X509_V_ERR_CERT_NOT_YET_VALID) {
    advice = "; is this machine's clock right?";
  }
  return fail(Errc::peer_failure, peer + ": TLS: its certificate is refused: " +
                                      X509_verify_cert_error_string(verdict) + advice);
}

using Connected = Result<std::unique_ptr<WebSocket>>;

asio::awaitable<Connected> connect_plain(WsUrl url, WebSocketLimits limits) {
  websocket::stream<PlainStream> stream(co_await asio::this_coro::executor);
  auto& tcp_layer = beast::get_lowest_layer(stream);
  if (const auto ec = co_await connect(tcp_layer, url.endpoint, limits.connect_timeout)) {
    co_return websocket_error(ec, url.to_string(), "connect");
  }
  if (const auto ec = co_await upgrade(stream, url, limits)) {
    co_return websocket_error(ec, url.to_string(), "upgrade");
  }
  co_return std::make_unique<Connection<PlainStream>>(std::move(stream), nullptr, url.to_string());
}

asio::awaitable<Connected> connect_tls(WsUrl url, WebSocketLimits limits, TlsTrust trust) {
  auto tls = make_tls(trust);
  if (!tls) {
    co_return tls.error();
  }
  websocket::stream<TlsStream> stream(co_await asio::this_coro::executor, **tls);
  auto& tcp_layer = beast::get_lowest_layer(stream);
  if (const auto ec = co_await connect(tcp_layer, url.endpoint, limits.connect_timeout)) {
    co_return websocket_error(ec, url.to_string(), "connect");
  }
  if (!expect_host(stream.next_layer(), url.endpoint.host)) {
    co_return fail(Errc::invalid_input, url.to_string() + ": no name that TLS could check");
  }
  tcp_layer.expires_after(limits.connect_timeout);
  auto [tls_ec] = co_await stream.next_layer().async_handshake(ssl::stream_base::client, kToken);
  if (tls_ec) {
    co_return tls_error(tls_ec, stream.next_layer(), url.to_string());
  }
  if (const auto ec = co_await upgrade(stream, url, limits)) {
    co_return websocket_error(ec, url.to_string(), "upgrade");
  }
  co_return std::make_unique<Connection<TlsStream>>(std::move(stream), *std::move(tls),
                                                    url.to_string());
}

}  // namespace

asio::awaitable<Connected> connect_websocket(WsUrl url, WebSocketLimits limits, TlsTrust trust) {
  if (url.is_tls) {
    co_return co_await connect_tls(std::move(url), std::move(limits), std::move(trust));
  }
  co_return co_await connect_plain(std::move(url), std::move(limits));
}

struct WebSocketServer::State {
  State(asio::any_io_executor executor, Session session_in, WebSocketLimits limits_in,
        TaskGroup::OnFailure on_failure_in)
      : session(std::move(session_in)),
        limits(limits_in),
        acceptor(executor),
        tasks(executor, std::move(on_failure_in)) {}

  asio::awaitable<void> serve(tcp::socket socket);

  Session session;
  WebSocketLimits limits;
  tcp::acceptor acceptor;
  TaskGroup tasks;
  std::vector<std::weak_ptr<WebSocket>> open;
};

asio::awaitable<void> WebSocketServer::State::serve(tcp::socket socket) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  websocket::stream<PlainStream> stream(std::move(socket));
  configure(stream, limits);
  auto [ec] = co_await stream.async_accept(kToken);
  if (ec) {
    co_return;  // no WebSocket client: nobody to answer
  }
  std::shared_ptr<WebSocket> connection =
      std::make_shared<Connection<PlainStream>>(std::move(stream), nullptr, "client");
  std::erase_if(open, [](const auto& other) { return other.expired(); });
  open.push_back(connection);
  co_await session(connection);
  connection->close();
}

WebSocketServer::WebSocketServer(asio::any_io_executor executor, Session session,
                                 WebSocketLimits limits, TaskGroup::OnFailure on_failure)
    : state_(std::make_unique<State>(executor, std::move(session), limits, std::move(on_failure))) {
}

WebSocketServer::~WebSocketServer() = default;

Result<Endpoint> WebSocketServer::listen(const Endpoint& where) {
  LODE_TRY(Endpoint bound, net::listen(state_->acceptor, where));
  state_->tasks.spawn("accept",
                      accept_loop(state_->acceptor, state_->tasks, state_->limits.max_connections,
                                  "websocket", [state = state_.get()](tcp::socket socket) {
                                    return state->serve(std::move(socket));
                                  }));
  return bound;
}

void WebSocketServer::close() {
  error_code ignored;
  state_->acceptor.close(ignored);
  state_->tasks.cancel();  // before the sockets: a task that ends first must not be cancelled
  for (const auto& open : state_->open) {
    if (const auto connection = open.lock()) {
      connection->close();
    }
  }
}

asio::awaitable<void> WebSocketServer::join() { co_await state_->tasks.join(); }

}  // namespace lode::net
