// Work on a thread pool, awaited from the I/O thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace lode::net {

/// Runs `work` on a pool's executor, or a strand of it, and gives its result back on the awaiting
/// thread. Work on a pool is not cancelled. Asio 1.81 would hand the signal to the pool by a
/// pointer into the awaiting coroutine: by the time the pool looks at it, that coroutine may have
/// ended.
template <class Executor, class T>
boost::asio::awaitable<T> in_background(Executor where, boost::asio::awaitable<T> work) {
  auto token = boost::asio::bind_cancellation_slot(boost::asio::cancellation_slot(),
                                                   boost::asio::use_awaitable);
  co_return co_await boost::asio::co_spawn(where, std::move(work), std::move(token));
}

template <class T>
boost::asio::awaitable<T> in_background(boost::asio::thread_pool& pool,
                                        boost::asio::awaitable<T> work) {
  return in_background(pool.get_executor(), std::move(work));
}

}  // namespace lode::net
