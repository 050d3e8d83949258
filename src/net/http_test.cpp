// The client and the server against each other, and each against a misbehaving raw peer.
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <stdexcept>

#include "net/http_client.h"
#include "net/http_server.h"

namespace lode::net {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class EchoHandler final : public HttpHandler {
 public:
  std::optional<HttpResponse> on_head(const HttpRequest& request) override {
    if (request.headers.find("x-forbidden") != nullptr) {
      return make_response(403, "text/plain", "no");
    }
    return std::nullopt;
  }
  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    if (request.target == "/throw") {
      throw std::runtime_error("handler broke");
    }
    if (request.target == "/hang-up") {
      throw CloseConnection{};
    }
    co_return make_response(200, "text/plain",
                            request.method + " " + request.target + " " + request.body);
  }
};

/// Answers when it is told to, and says whether it was cancelled.
class SlowHandler final : public HttpHandler {
 public:
  explicit SlowHandler(asio::io_context& context) : wait_(context) {}
  bool stops_when_client_leaves() const override { return true; }
  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    ++started;
    wait_.expires_after(request.target == "/quick" ? std::chrono::seconds(0)
                                                   : std::chrono::seconds(60));
    boost::system::error_code ec;
    co_await wait_.async_wait(asio::redirect_error(asio::use_awaitable, ec));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      ++cancelled;
      throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return make_response(200, "text/plain", "answered");
  }
  void answer() { wait_.cancel(); }

  int started = 0;
  int cancelled = 0;

 private:
  asio::steady_timer wait_;
};

class HttpTest : public testing::Test {
 protected:
  /// Runs `scenario` to its end, or fails after ten seconds.
  void run(std::function<asio::awaitable<void>()> scenario) {
    std::exception_ptr failure;
    bool done = false;
    asio::co_spawn(context_, std::move(scenario), [&](std::exception_ptr e) {
      failure = e;
      done = true;
      context_.stop();
    });
    context_.run_for(std::chrono::seconds(10));
    ASSERT_TRUE(done) << "scenario did not end";
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  Endpoint start_echo(ServerLimits limits = {}) {
    server_ = std::make_unique<HttpServer>(context_.get_executor(), handler_, limits,
                                           [this](const std::string& name, const std::string& why) {
                                             failures_.push_back(name + ": " + why);
                                           });
    return *server_->listen({"127.0.0.1", 0});
  }

  /// A peer that accepts one connection, reads a request's head and then does `then`.
  Endpoint start_raw(std::function<asio::awaitable<void>(tcp::socket)> then) {
    auto acceptor = std::make_shared<tcp::acceptor>(
        context_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    const auto port = acceptor->local_endpoint().port();
    asio::co_spawn(
        context_,
        [acceptor, then]() -> asio::awaitable<void> {
          tcp::socket socket = co_await acceptor->async_accept(asio::use_awaitable);
          std::string head;
          co_await asio::async_read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n",
                                          asio::use_awaitable);
          co_await then(std::move(socket));
        },
        [](std::exception_ptr) {});
    return {"127.0.0.1", port};
  }

  /// Lets the others run until `is_so` holds, at most two seconds.
  asio::awaitable<bool> until(std::function<bool()> is_so) {
    asio::steady_timer pause(context_);
    for (int i = 0; i < 200 && !is_so(); ++i) {
      pause.expires_after(std::chrono::milliseconds(10));
      co_await pause.async_wait(asio::use_awaitable);
    }
    co_return is_so();
  }

  /// A connection to a server with `slow_`, on which `text` was sent.
  asio::awaitable<tcp::socket> ask_slow(std::string text) {
    server_ = std::make_unique<HttpServer>(context_.get_executor(), slow_, ServerLimits{},
                                           [this](const std::string& name, const std::string& why) {
                                             failures_.push_back(name + ": " + why);
                                           });
    const Endpoint peer = *server_->listen({"127.0.0.1", 0});
    tcp::socket socket(context_);
    const tcp::endpoint where(asio::ip::make_address(peer.host), peer.port);
    co_await socket.async_connect(where, asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
    co_return socket;
  }

  asio::io_context context_;
  EchoHandler handler_;
  SlowHandler slow_{context_};
  std::unique_ptr<HttpServer> server_;
  std::vector<std::string> failures_;
};

HttpRequest post(std::string target, std::string body) {
  return {"POST", std::move(target), {}, std::move(body), "", 0};
}

TEST_F(HttpTest, SpeaksOverIpv6) {
  server_ = std::make_unique<HttpServer>(context_.get_executor(), handler_, ServerLimits{},
                                         [](const std::string&, const std::string&) {});
  const auto bound = server_->listen({"::1", 0});
  if (!bound) {
    GTEST_SKIP() << "no IPv6 loopback here: " << bound.error().message();
  }
  run([where = *bound]() -> asio::awaitable<void> {
    HttpRequest request = post("/six", "x");
    Endpoint peer = where;
    const FetchLimits limits{};
    const auto exchange = co_await fetch(std::move(peer), std::move(request), limits);
    EXPECT_TRUE(exchange.response) << exchange.response.error().message();
    EXPECT_EQ(exchange.response->body, "POST /six x");
  });
}

TEST_F(HttpTest, HandlerCanHangUpWithoutAnAnswer) {
  run([this]() -> asio::awaitable<void> {
    HttpRequest request;
    request.target = "/hang-up";
    const Exchange exchange = co_await fetch(start_echo(), request);
    EXPECT_EQ(exchange.response.error().code, Errc::peer_failure);
    EXPECT_TRUE(exchange.sent);
    EXPECT_TRUE(failures_.empty());
  });
}

TEST_F(HttpTest, CarriesARequestAndItsReply) {
  const Endpoint peer = start_echo();
  run([&]() -> asio::awaitable<void> {
    const Exchange exchange = co_await fetch(peer, post("/a?b=1", "hello"));
    EXPECT_TRUE(exchange.response) << exchange.response.error().message();
    EXPECT_EQ(exchange.response->status, 200);
    EXPECT_EQ(exchange.response->body, "POST /a?b=1 hello");
  });
}

TEST_F(HttpTest, ReadsARefusalWhileALargeBodyIsStillBeingSent) {
  const Endpoint peer = start_echo({.body_bytes = 256 << 20});
  run([&]() -> asio::awaitable<void> {
    HttpRequest request = post("/", std::string(8 << 20, 'x'));
    request.headers.add("x-forbidden", "1");
    const Exchange exchange = co_await fetch(peer, std::move(request));
    EXPECT_TRUE(exchange.sent);
    if (exchange.response) {  // a reset may overtake the reply, but it is never taken for success
      EXPECT_EQ(exchange.response->status, 403);
    } else {
      EXPECT_EQ(exchange.response.error().code, Errc::peer_failure);
    }
  });
}

TEST_F(HttpTest, Answers413ToABodyOverTheLimit) {
  const Endpoint peer = start_echo({.body_bytes = 100});
  run([&]() -> asio::awaitable<void> {
    const Exchange exchange = co_await fetch(peer, post("/", std::string(101, 'x')));
    EXPECT_TRUE(exchange.response);
    EXPECT_EQ(exchange.response->status, 413);
  });
}

TEST_F(HttpTest, TurnsAHandlersExceptionInto500AndReportsIt) {
  const Endpoint peer = start_echo();
  run([&]() -> asio::awaitable<void> {
    const Exchange exchange = co_await fetch(peer, post("/throw", ""));
    EXPECT_TRUE(exchange.response);
    EXPECT_EQ(exchange.response->status, 500);
  });
  ASSERT_EQ(failures_.size(), 1U);
  EXPECT_EQ(failures_[0], "POST /throw: handler broke");
}

TEST_F(HttpTest, ClosesAndJoinsWithConnectionsOpen) {
  const Endpoint peer = start_echo();
  run([&]() -> asio::awaitable<void> {
    tcp::socket idle(context_);
    co_await idle.async_connect({asio::ip::make_address(peer.host), peer.port},
                                asio::use_awaitable);
    (void)co_await fetch(peer, post("/", ""));
    server_->close();
    co_await server_->join();
  });
}

TEST_F(HttpTest, ReportsARefusedConnectionAsNotSent) {
  run([&]() -> asio::awaitable<void> {
    tcp::acceptor closed(context_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0));
    const Endpoint peer{"127.0.0.1", closed.local_endpoint().port()};
    closed.close();
    const Exchange exchange = co_await fetch(peer, post("/", ""));
    EXPECT_FALSE(exchange.response);
    EXPECT_FALSE(exchange.sent);
    EXPECT_EQ(exchange.response.error().code, Errc::peer_failure);
    EXPECT_NE(exchange.response.error().context.find(peer.to_string()), std::string::npos);
  });
}

TEST_F(HttpTest, TimesOutOnAPeerThatHangs) {
  const Endpoint peer = start_raw([](tcp::socket socket) -> asio::awaitable<void> {
    std::string rest;
    co_await asio::async_read(socket, asio::dynamic_buffer(rest), asio::use_awaitable);
  });
  run([&]() -> asio::awaitable<void> {
    const Exchange exchange =
        co_await fetch(peer, post("/", ""), {.total_timeout = std::chrono::milliseconds(50)});
    EXPECT_FALSE(exchange.response);
    EXPECT_TRUE(exchange.sent);
    EXPECT_EQ(exchange.response.error().code, Errc::timed_out);
  });
}

TEST_F(HttpTest, CancelsTheHandlerOfAClientThatLeaves) {
  const std::string request = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
  enum class Leave { close, half_close, reset };
  for (const std::string& pipelined : {std::string(), request, std::string("GET /hal")}) {
    for (const Leave leave : {Leave::close, Leave::half_close, Leave::reset}) {
      context_.restart();
      slow_.started = slow_.cancelled = 0;
      run([&]() -> asio::awaitable<void> {
        tcp::socket socket = co_await ask_slow(request + pipelined);
        std::function<bool()> is_started = [this] { return slow_.started == 1; };
        EXPECT_TRUE(co_await until(is_started));
        if (leave == Leave::half_close) {
          socket.shutdown(tcp::socket::shutdown_send);
        } else {
          socket.set_option(asio::socket_base::linger(leave == Leave::reset, 0));
          socket.close();
        }
        std::function<bool()> is_cancelled = [this] { return slow_.cancelled == 1; };
        EXPECT_TRUE(co_await until(is_cancelled));
        EXPECT_EQ(slow_.started, 1);
        server_->close();
        co_await server_->join();
      });
      EXPECT_TRUE(failures_.empty());
    }
  }
}

TEST_F(HttpTest, DoesNotCancelTheHandlerOfAClientThatSendsHalfOfItsNextRequest) {
  run([&]() -> asio::awaitable<void> {
    tcp::socket socket = co_await ask_slow("GET / HTTP/1.1\r\nhost: x\r\n\r\nGET /quick HT");
    asio::steady_timer pause(context_, std::chrono::milliseconds(350));
    co_await pause.async_wait(asio::use_awaitable);
    EXPECT_EQ(slow_.started, 1);
    EXPECT_EQ(slow_.cancelled, 0);
    slow_.answer();
    const std::string rest = "TP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(rest), asio::use_awaitable);
    std::string replies;
    boost::system::error_code end;
    co_await asio::async_read(socket, asio::dynamic_buffer(replies),
                              asio::redirect_error(asio::use_awaitable, end));
    EXPECT_EQ(end, asio::error::eof);
    EXPECT_EQ(slow_.started, 2);
    EXPECT_EQ(slow_.cancelled, 0);
    const std::size_t first = replies.find("answered");
    EXPECT_NE(first, std::string::npos) << replies;
    EXPECT_NE(replies.find("answered", first + 1), std::string::npos) << replies;
  });
}

TEST_F(HttpTest, GivesUpOnAnEndlessBodyAtTheLimit) {
  const Endpoint peer = start_raw([](tcp::socket socket) -> asio::awaitable<void> {
    const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(head), asio::use_awaitable);
    const std::string block(64 << 10, 'x');
    for (int i = 0; i < 1000; ++i) {  // 64 MB if the client let it
      co_await asio::async_write(socket, asio::buffer(block), asio::use_awaitable);
    }
  });
  run([&]() -> asio::awaitable<void> {
    const Exchange exchange = co_await fetch(peer, post("/", ""), {.body_bytes = 1 << 20});
    EXPECT_FALSE(exchange.response);
    EXPECT_EQ(exchange.response.error().code, Errc::limit_exceeded);
  });
}

TEST_F(HttpTest, ReportsGarbageAndEarlyCloseAsPeerFailure) {
  for (const std::string reply :
       {"this is no HTTP\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", ""}) {
    context_.restart();
    const Endpoint peer = start_raw([reply](tcp::socket socket) -> asio::awaitable<void> {
      co_await asio::async_write(socket, asio::buffer(reply), asio::use_awaitable);
    });
    run([&]() -> asio::awaitable<void> {
      const Exchange exchange = co_await fetch(peer, post("/", ""));
      EXPECT_FALSE(exchange.response);
      EXPECT_TRUE(exchange.sent);
      EXPECT_EQ(exchange.response.error().code, Errc::peer_failure) << reply;
    });
  }
}

}  // namespace
}  // namespace lode::net
