#include "pipeline/stage_keeper.h"

#include <algorithm>
#include <string>

namespace lode::pipeline {

StageKeeper::Loan::~Loan() {
  if (keeper_ != nullptr) {
    keeper_->give_back(*stage_);
  }
}

Result<StageKeeper::Loan> StageKeeper::borrow(Stage& stage, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const Ticket ticket = waiting_.insert(waiting_.end(), &stage);
  const bool has_turn = changed_.wait(lock, stop, [&] { return is_turn(ticket); });
  waiting_.erase(ticket);
  changed_.notify_all();  // who waited behind may go now
  if (!has_turn || stop.stop_requested()) {
    return fail(Errc::cancelled, std::string(stage.name()) + ": cancelled while waiting for it");
  }
  make_room(stage);
  return Loan(*this, stage);
}

bool StageKeeper::is_lent(const Stage& stage) const {
  return std::ranges::any_of(
      held_, [&](const Held& held) { return held.stage == &stage && held.is_lent; });
}

/// Those before it that wait for a stage of theirs do not matter; one that waits for memory does.
bool StageKeeper::is_turn(Ticket ticket) const {
  const auto lacks_memory = [&](const Stage& stage) {
    return bytes_to_free(stage) > idle_bytes(stage);
  };
  for (auto before = waiting_.begin(); before != ticket; ++before) {
    if (*before == *ticket || (!is_lent(**before) && lacks_memory(**before))) {
      return false;
    }
  }
  return !is_lent(**ticket) && !lacks_memory(**ticket);
}

/// How much of what others hold must go before the stage runs.
std::uint64_t StageKeeper::bytes_to_free(const Stage& stage) const {
  if (!budget_bytes_) {
    return 0;
  }
  std::uint64_t others = 0;
  for (const Held& held : held_) {
    others += held.stage == &stage ? 0 : held.bytes;
  }
  const std::uint64_t room = *budget_bytes_ - std::min(*budget_bytes_, stage.weight_bytes());
  return others - std::min(others, room);
}

std::uint64_t StageKeeper::idle_bytes(const Stage& except) const {
  std::uint64_t bytes = 0;
  for (const Held& held : held_) {
    bytes += held.is_lent || held.stage == &except ? 0 : held.bytes;
  }
  return bytes;
}

void StageKeeper::make_room(Stage& stage) {
  for (auto held = held_.begin(); held != held_.end();) {
    const bool goes =
        held->stage != &stage && !held->is_lent && held->bytes > 0 && bytes_to_free(stage) > 0;
    if (goes) {
      held->stage->release();
    }
    held = goes || held->stage == &stage ? held_.erase(held) : std::next(held);
  }
  held_.push_back({&stage, stage.weight_bytes(), true});
}

void StageKeeper::give_back(Stage& stage) {
  const std::scoped_lock lock(mutex_);
  for (Held& held : held_) {
    held.is_lent = held.is_lent && held.stage != &stage;
  }
  changed_.notify_all();
}

}  // namespace lode::pipeline
