// A peer on the loopback interface that misbehaves on purpose.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <functional>
#include <string>

#include "net/endpoint.h"

namespace lode::test {

/// Accepts connections, reads each request's head, and hands the socket to `behave`. Stops with
/// its object.
class RawPeer {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Behaviour = std::function<boost::asio::awaitable<void>(Socket)>;

  RawPeer(boost::asio::any_io_executor executor, Behaviour behave)
      : acceptor_(executor, {boost::asio::ip::make_address("127.0.0.1"), 0}),
        behave_(std::move(behave)) {
    boost::asio::co_spawn(executor, accept_loop(acceptor_, behave_, heads_),
                          [](std::exception_ptr) {});
  }
  ~RawPeer() { acceptor_.close(); }

  net::Endpoint endpoint() const { return {"127.0.0.1", acceptor_.local_endpoint().port()}; }
  /// What came up to the empty line of each request, in order.
  const std::vector<std::string>& heads() const { return *heads_; }

  /// Sends `text`, ends its side, and reads what the other still sends: closing with unread data
  /// would reset the connection and could swallow the reply.
  static Behaviour reply(std::string text) {
    return [text](Socket socket) -> boost::asio::awaitable<void> {
      co_await boost::asio::async_write(socket, boost::asio::buffer(text),
                                        boost::asio::use_awaitable);
      socket.shutdown(Socket::shutdown_send);
      std::string rest;
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(rest),
                                       boost::asio::use_awaitable);
    };
  }
  /// A 200 with this JSON body.
  static Behaviour reply_json(const std::string& body) {
    return reply("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  /// Answers nothing until the other side gives up.
  static Behaviour hang() {
    return [](Socket socket) -> boost::asio::awaitable<void> {
      std::string rest;
      co_await boost::asio::async_read(socket, boost::asio::dynamic_buffer(rest),
                                       boost::asio::use_awaitable);
    };
  }
  /// A body without an end.
  static Behaviour endless_body() {
    return [](Socket socket) -> boost::asio::awaitable<void> {
      const std::string head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n";
      co_await boost::asio::async_write(socket, boost::asio::buffer(head),
                                        boost::asio::use_awaitable);
      const std::string block(256 << 10, ' ');
      for (int i = 0; i < 1024; ++i) {  // 256 MB at most, were nobody to stop it
        co_await boost::asio::async_write(socket, boost::asio::buffer(block),
                                          boost::asio::use_awaitable);
      }
    };
  }

 private:
  using Heads = std::shared_ptr<std::vector<std::string>>;

  static boost::asio::awaitable<void> serve(Socket socket, Behaviour behave, Heads heads) {
    std::string head;
    co_await boost::asio::async_read_until(socket, boost::asio::dynamic_buffer(head), "\r\n\r\n",
                                           boost::asio::use_awaitable);
    heads->push_back(head.substr(0, head.find("\r\n\r\n")));
    co_await behave(std::move(socket));
  }
  static boost::asio::awaitable<void> accept_loop(boost::asio::ip::tcp::acceptor& acceptor,
                                                  Behaviour behave, Heads heads) {
    for (;;) {
      Socket socket = co_await acceptor.async_accept(boost::asio::use_awaitable);
      boost::asio::co_spawn(acceptor.get_executor(), serve(std::move(socket), behave, heads),
                            [](std::exception_ptr) {});
    }
  }

  boost::asio::ip::tcp::acceptor acceptor_;
  Behaviour behave_;
  Heads heads_ = std::make_shared<std::vector<std::string>>();
};

}  // namespace lode::test
