// One asynchronous step run to its end by a caller that has no loop of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>

namespace lode::net {

/// Runs `context` until `step` has ended and nothing else is left to do; the step's result, or its
/// exception.
template <class T>
T run_to_end(boost::asio::io_context& context, boost::asio::awaitable<T> step) {
  std::optional<T> result;
  std::exception_ptr failure;
  boost::asio::co_spawn(
      context,
      [](boost::asio::awaitable<T> inner, std::optional<T>& out) -> boost::asio::awaitable<void> {
        out.emplace(co_await std::move(inner));
      }(std::move(step), result),
      [&failure](std::exception_ptr e) { failure = e; });
  context.restart();
  context.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  return *std::move(result);
}

}  // namespace lode::net
