// Work on a thread pool, awaited from the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace lode::net {

/// Runs `work` on the pool and gives its result back on the awaiting thread. Work on a pool is not
/// cancelled: a signal from the I/O thread would race with it.
template <class T>
boost::asio::awaitable<T> in_background(boost::asio::thread_pool& pool,
                                        boost::asio::awaitable<T> work) {
  auto token = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                                   boost::asio::use_awaitable);
  co_return co_await boost::asio::co_spawn(pool, std::move(work), std::move(token));
}

}  // namespace lode::net
