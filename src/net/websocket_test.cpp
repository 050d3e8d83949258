// The WebSocket client and server against each other, and the client against TLS servers that
// should not be trusted.
#include "net/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include "tests/support/raw_peer.h"

namespace lode::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace fs = std::filesystem;
using asio::ip::tcp;
using testing::HasSubstr;

/// Runs `scenario` to its end, or fails after ten seconds.
void run(asio::io_context& context, std::function<asio::awaitable<void>()> scenario) {
  std::exception_ptr failure;
  bool done = false;
  asio::co_spawn(context, std::move(scenario), [&](std::exception_ptr e) {
    failure = e;
    done = true;
    context.stop();
  });
  context.run_for(std::chrono::seconds(10));
  ASSERT_TRUE(done) << "scenario did not end";
  if (failure) {
    std::rethrow_exception(failure);
  }
}

const WebSocketLimits kLimits;
const TlsTrust kNoTrust;

/// No coroutine, so that the copies of its arguments are not the awaiting expression's: GCC 12
/// destroys those twice.
asio::awaitable<Result<std::unique_ptr<WebSocket>>> open(const WsUrl& url,
                                                         const WebSocketLimits& limits,
                                                         const TlsTrust& trust) {
  return connect_websocket(url, limits, trust);
}

WsUrl plain_url(Endpoint where) { return {false, std::move(where), "/"}; }

asio::awaitable<void> echo(std::shared_ptr<WebSocket> socket) {
  for (;;) {
    auto text = co_await socket->receive();
    if (!text || *text == "bye") {
      co_return;
    }
    std::string answer = "echo " + *text;
    if (!co_await socket->send(std::move(answer))) {
      co_return;
    }
  }
}

class WebSocketTest : public testing::Test {
 protected:
  WsUrl start(WebSocketLimits limits = {}) {
    server_ = std::make_unique<WebSocketServer>(
        context_.get_executor(), echo, limits,
        [](const std::string& name, const std::string& why) { ADD_FAILURE() << name << why; });
    return plain_url(*server_->listen({"127.0.0.1", 0}));
  }
  asio::io_context context_;
  std::unique_ptr<WebSocketServer> server_;
};

TEST_F(WebSocketTest, CarriesMessagesBothWays) {
  const WsUrl url = start();
  run(context_, [&]() -> asio::awaitable<void> {
    auto socket = co_await open(url, kLimits, kNoTrust);
    EXPECT_TRUE(socket) << socket.error().message();
    for (const std::string& text : {std::string("hello"), std::string(300'000, 'x')}) {
      std::string message = text;
      (void)co_await (*socket)->send(std::move(message));
      const auto answer = co_await (*socket)->receive();
      EXPECT_EQ(*answer, "echo " + text);
    }
  });
}

TEST_F(WebSocketTest, ReportsThatThePeerClosed) {
  const WsUrl url = start();
  run(context_, [&]() -> asio::awaitable<void> {
    auto socket = co_await open(url, kLimits, kNoTrust);
    std::string bye = "bye";
    (void)co_await (*socket)->send(std::move(bye));
    const auto answer = co_await (*socket)->receive();
    EXPECT_EQ(answer.error().code, Errc::peer_failure);
    EXPECT_THAT(answer.error().context, HasSubstr("closed the connection"));
    EXPECT_THAT(answer.error().context, HasSubstr(url.to_string()));
  });
}

TEST_F(WebSocketTest, EndsOnAMessageOverTheLimit) {
  const WsUrl url = start();
  run(context_, [&]() -> asio::awaitable<void> {
    WebSocketLimits limits;
    limits.message_bytes = 1000;
    auto socket = co_await open(url, limits, kNoTrust);
    std::string message(1000, 'x');  // "echo " makes it too long
    (void)co_await (*socket)->send(std::move(message));
    const auto answer = co_await (*socket)->receive();
    EXPECT_EQ(answer.error().code, Errc::limit_exceeded);
  });
}

TEST_F(WebSocketTest, ClosesAndJoinsWithConnectionsOpen) {
  const WsUrl url = start();
  run(context_, [&]() -> asio::awaitable<void> {
    auto socket = co_await open(url, kLimits, kNoTrust);
    server_->close();
    co_await server_->join();
    const auto answer = co_await (*socket)->receive();
    EXPECT_FALSE(answer);
  });
}

TEST_F(WebSocketTest, ReportsPeersThatRefuseHangOrSpeakNoWebSocket) {
  test::RawPeer web(context_.get_executor(), test::RawPeer::reply_json("{}"));
  test::RawPeer garbage(context_.get_executor(), test::RawPeer::reply("\x16\x03 no HTTP\r\n\r\n"));
  test::RawPeer hanging(context_.get_executor(), test::RawPeer::hang());
  tcp::acceptor closed(context_, {asio::ip::make_address("127.0.0.1"), 0});
  const WsUrl refusing = plain_url({"127.0.0.1", closed.local_endpoint().port()});
  closed.close();
  const WsUrl web_url = plain_url(web.endpoint()), garbage_url = plain_url(garbage.endpoint());
  const WsUrl hanging_url = plain_url(hanging.endpoint());
  run(context_, [&]() -> asio::awaitable<void> {
    WebSocketLimits limits;
    limits.connect_timeout = std::chrono::milliseconds(200);
    const auto refused = co_await open(refusing, limits, kNoTrust);
    EXPECT_THAT(refused.error().context, HasSubstr("connect: Connection refused"));
    const auto not_websocket = co_await open(web_url, limits, kNoTrust);
    EXPECT_THAT(not_websocket.error().context, HasSubstr("does not speak WebSocket"));
    const auto no_http = co_await open(garbage_url, limits, kNoTrust);
    EXPECT_EQ(no_http.error().code, Errc::peer_failure);
    const auto hung = co_await open(hanging_url, limits, kNoTrust);
    EXPECT_EQ(hung.error().code, Errc::timed_out);
  });
}

/// A server that accepts a WebSocket, sends `bytes` as they are, and closes.
asio::awaitable<void> send_raw(tcp::acceptor& acceptor, std::string bytes) {
  tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
  beast::websocket::stream<beast::tcp_stream> stream(std::move(socket));
  co_await stream.async_accept(asio::use_awaitable);
  co_await asio::async_write(stream.next_layer(), asio::buffer(bytes), asio::use_awaitable);
  stream.next_layer().close();
}

TEST_F(WebSocketTest, ReportsFramesThatAreCutShortOrMalformed) {
  tcp::acceptor acceptor(context_, {asio::ip::make_address("127.0.0.1"), 0});
  const WsUrl url = plain_url({"127.0.0.1", acceptor.local_endpoint().port()});
  const std::string cases[] = {
      std::string("\x81\x7e\x10\x00half a mes", 14),                // 4096 bytes were announced
      std::string("\x81", 1),                                       // half a header
      std::string("\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10),  // 2^64 - 1 bytes
      std::string("\xf1\x02hi", 4),                                 // reserved bits
      std::string("\x81\x82\x01\x02\x03\x04hi", 8),                 // masked by a server
      std::string("\x81\x02\xff\xfe", 4),                           // no UTF-8
  };
  run(context_, [&]() -> asio::awaitable<void> {
    for (const std::string& bytes : cases) {
      std::string copy = bytes;
      asio::co_spawn(context_, send_raw(acceptor, std::move(copy)), [](std::exception_ptr) {});
      auto socket = co_await open(url, kLimits, kNoTrust);
      EXPECT_TRUE(socket);
      const auto text = co_await (*socket)->receive();
      EXPECT_FALSE(text);
      if (!text) {
        EXPECT_THAT(text.error().context, HasSubstr(url.to_string() + ": receive"));
      }
    }
  });
}

// ---- TLS ---------------------------------------------------------------------------------------

struct KeyDeleter {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
};
struct CertificateDeleter {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Key = std::unique_ptr<EVP_PKEY, KeyDeleter>;
using Certificate = std::unique_ptr<X509, CertificateDeleter>;

/// Signed by itself; `names` as in "DNS:localhost,IP:127.0.0.1"; valid for an hour around an offset
/// of hours from now.
Certificate make_certificate(EVP_PKEY* key, const std::string& names, int hours_from_now) {
  Certificate certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 3600L * (hours_from_now - 1));
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600L * (hours_from_now + 1));
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  X509_EXTENSION* alternative =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  X509_add_ext(certificate.get(), alternative, -1);
  X509_EXTENSION_free(alternative);
  X509_sign(certificate.get(), key, EVP_sha256());
  return certificate;
}

std::string pem_of(const std::function<void(BIO*)>& write) {
  BIO* memory = BIO_new(BIO_s_mem());
  write(memory);
  char* data = nullptr;
  const long length = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<std::size_t>(length));
  BIO_free(memory);
  return text;
}

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    trust_.extra_authorities = fs::path(testing::TempDir()) /
                               ("lode_tls_" + std::to_string(::getpid()) + "_" +
                                testing::UnitTest::GetInstance()->current_test_info()->name());
  }
  void TearDown() override { fs::remove(trust_.extra_authorities); }

  /// A TLS WebSocket server that says "hello"; its certificate is in trust_.
  WsUrl start(const std::string& names, int hours_from_now) {
    const Key key(EVP_EC_gen("P-256"));
    const Certificate certificate = make_certificate(key.get(), names, hours_from_now);
    const std::string key_pem = pem_of([&](BIO* out) {
      PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    const std::string certificate_pem =
        pem_of([&](BIO* out) { PEM_write_bio_X509(out, certificate.get()); });
    std::FILE* file = std::fopen(trust_.extra_authorities.c_str(), "wb");
    std::fwrite(certificate_pem.data(), 1, certificate_pem.size(), file);
    std::fclose(file);
    tls_.use_private_key(asio::buffer(key_pem), asio::ssl::context::pem);
    tls_.use_certificate_chain(asio::buffer(certificate_pem));
    const auto port = acceptor_.local_endpoint().port();
    asio::co_spawn(context_, serve(), [](std::exception_ptr) {});
    return {true, {"localhost", port}, "/"};
  }

  asio::awaitable<void> serve() {
    tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    beast::websocket::stream<beast::ssl_stream<beast::tcp_stream>> stream(std::move(socket), tls_);
    co_await stream.next_layer().async_handshake(asio::ssl::stream_base::server,
                                                 asio::use_awaitable);
    if (const char* name =
            SSL_get_servername(stream.next_layer().native_handle(), TLSEXT_NAMETYPE_host_name)) {
      named_ = name;
    }
    co_await stream.async_accept(asio::use_awaitable);
    const std::string hello = "hello";
    co_await stream.async_write(asio::buffer(hello), asio::use_awaitable);
    beast::flat_buffer rest;
    co_await stream.async_read(rest, asio::use_awaitable);
  }

  std::string refusal(const WsUrl& url, const TlsTrust& trust,
                      const WebSocketLimits& limits = kLimits) {
    std::string text;
    run(context_, [&]() -> asio::awaitable<void> {
      const auto socket = co_await open(url, limits, trust);
      text = socket ? "connected" : socket.error().context;
    });
    return text;
  }

  asio::io_context context_;
  tcp::acceptor acceptor_{context_, {asio::ip::make_address("127.0.0.1"), 0}};
  asio::ssl::context tls_{asio::ssl::context::tls_server};
  TlsTrust trust_;
  std::string named_;
};

TEST_F(TlsTest, TalksToATrustedServerByItsName) {
  const WsUrl url = start("DNS:localhost", 0);
  run(context_, [&]() -> asio::awaitable<void> {
    auto socket = co_await open(url, kLimits, trust_);
    EXPECT_TRUE(socket) << socket.error().message();
    if (socket) {
      const auto text = co_await (*socket)->receive();
      EXPECT_EQ(*text, "hello");
    }
  });
  EXPECT_EQ(named_, "localhost") << "the server is told which name is meant";
}

TEST_F(TlsTest, RefusesASelfSignedCertificate) {
  EXPECT_THAT(refusal(start("DNS:localhost", 0), {}),
              HasSubstr("TLS: its certificate is refused: self-signed certificate"));
}

TEST_F(TlsTest, RefusesAnExpiredCertificateAndAsksAboutTheClock) {
  EXPECT_THAT(refusal(start("DNS:localhost", -48), trust_),
              HasSubstr("certificate has expired; is this machine's clock right?"));
}

TEST_F(TlsTest, RefusesACertificateThatIsNotValidYet) {
  EXPECT_THAT(refusal(start("DNS:localhost", 48), trust_), HasSubstr("not yet valid"));
}

TEST_F(TlsTest, RefusesAnotherHostsCertificate) {
  EXPECT_THAT(refusal(start("DNS:entrypoint.example", 0), trust_), HasSubstr("ostname mismatch"));
}

TEST_F(TlsTest, GivesUpOnAServerThatSpeaksNoTls) {
  test::RawPeer web(context_.get_executor(), test::RawPeer::hang());
  WebSocketLimits limits;
  limits.connect_timeout = std::chrono::milliseconds(200);
  EXPECT_THAT(refusal({true, web.endpoint(), "/"}, {}, limits), HasSubstr("TLS: deadline passed"));
}

}  // namespace
}  // namespace lode::net
