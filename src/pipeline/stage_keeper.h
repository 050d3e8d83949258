// Who may use which stage when: one thread at a time each, and weights within one budget.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "pipeline/stages.h"

namespace lode::pipeline {

/// Lends stages to the threads of jobs, so that one job's picture is painted while another's is
/// lifted. With a budget the weights of stages that nobody uses are dropped, those used longest ago
/// first, before the ones wanted are loaded beside them; a stage waits while that is not enough. A
/// stage that is larger than the budget runs alone, within what its own plan makes of the budget.
///
/// In the order of asking: whoever waits for memory lets nobody past, so that a large stage has its
/// turn. A thread borrows one stage at a time, which is why nobody waits for ever. Thread-safe.
class StageKeeper {
 public:
  /// Without a budget all weights stay once they are loaded.
  explicit StageKeeper(std::optional<std::uint64_t> budget_bytes = std::nullopt)
      : budget_bytes_(budget_bytes) {}
  StageKeeper(const StageKeeper&) = delete;
  StageKeeper& operator=(const StageKeeper&) = delete;

  /// The right to use a stage, until it goes.
  class Loan {
   public:
    Loan(Loan&& other) noexcept : keeper_(other.keeper_), stage_(other.stage_) {
      other.keeper_ = nullptr;
    }
    Loan& operator=(Loan&&) = delete;
    ~Loan();

   private:
    friend class StageKeeper;
    Loan(StageKeeper& keeper, Stage& stage) : keeper_(&keeper), stage_(&stage) {}
    StageKeeper* keeper_;
    Stage* stage_;
  };

  /// Waits for the stage, which must outlive the keeper's use. Errc::cancelled as soon as a stop is
  /// requested. The calling thread must not hold a loan.
  Result<Loan> borrow(Stage& stage, std::stop_token stop);

 private:
  struct Held {
    Stage* stage;
    std::uint64_t bytes;
    bool is_lent;
  };
  using Ticket = std::list<Stage*>::iterator;

  bool is_turn(Ticket ticket) const;
  bool is_lent(const Stage& stage) const;
  std::uint64_t bytes_to_free(const Stage& stage) const;
  std::uint64_t idle_bytes(const Stage& except) const;
  void make_room(Stage& stage);
  void give_back(Stage& stage);

  const std::optional<std::uint64_t> budget_bytes_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Stage*> waiting_;  ///< in the order of asking
  std::vector<Held> held_;     ///< with weights or lent, last used last
};

}  // namespace lode::pipeline
