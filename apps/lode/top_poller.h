// Asks a miner again and again on a thread of its own, so that `lode top` never waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "lode/top_layout.h"
#include "net/endpoint.h"

namespace lode::commands {

/// How long an answer of the miner is waited for: it answers in a millisecond, over a network in a
/// fraction of a second.
inline constexpr std::chrono::seconds kTopTimeout{1};

/// The ledger and the newest events once; errors name the miner.
Result<top::Model> fetch_model(const net::Endpoint& miner);

class TopPoller {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Reading {
    std::shared_ptr<const top::Model> model;
    SteadyTime at;  ///< when the ledger in it was read
  };

  /// Begins at once. The destructor waits for the call under way, kTopTimeout at most.
  explicit TopPoller(net::Endpoint miner);

  /// Never null; an empty model before the first answer. While the miner does not answer: what it
  /// said last, with `trouble` set.
  Reading reading() const;
  /// Whose trail is read along from now on; empty: nobody's.
  void explain(const std::string& hotkey);

 private:
  void run(const std::stop_token& stop);
  void poll();

  const net::Endpoint miner_;
  top::Model model_;  ///< the thread's own
  std::optional<std::uint64_t> since_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  Reading reading_;        // guarded by mutex_
  std::string explained_;  // guarded by mutex_
  bool is_asked_ = false;  // guarded by mutex_: somebody waits for a trail
  std::jthread thread_;
};

}  // namespace lode::commands
