#include "nn/residency.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/assert.h"

namespace lode::nn {

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A block, or nothing where loading it threw.
using LoadOutcome = std::optional<LoadedBlock>;

/// A thread that does one load at a time.
class BackgroundLoader {
 public:
  BackgroundLoader(const WeightBank& bank, const Placement& placement)
      : bank_(bank), placement_(placement), thread_([this](std::stop_token stop) { run(stop); }) {}
  /// Asserts that no load is under way. `block` must live until take().
  void start(const Block& block) {
    const std::lock_guard lock(mutex_);
    LODE_ASSERT(wanted_ == nullptr && !outcome_, "one load at a time");
    wanted_ = &block;
    changed_.notify_all();
  }

  /// Waits for the load that was started last. Nothing where `stop` came first: the load goes on.
  std::optional<LoadOutcome> take(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return outcome_.has_value(); })) {
      return std::nullopt;
    }
    return std::exchange(outcome_, std::nullopt);
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [&] { return wanted_ != nullptr; })) {
      const Block& block = *wanted_;
      lock.unlock();
      LoadOutcome outcome;
      try {
        outcome = bank_.load(block, placement_);
      } catch (...) {
        // Guessed work: the pass that needs the block loads it itself, and gets the exception.
        outcome.reset();
      }
      lock.lock();
      wanted_ = nullptr;
      outcome_ = std::move(outcome);
      changed_.notify_all();
    }
  }

  const WeightBank& bank_;
  const Placement& placement_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  const Block* wanted_ = nullptr;
  std::optional<LoadOutcome> outcome_;
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace

/// Used by one thread, that of the passes; only counts() is for others too.
class Residency::State {
 public:
  State(WeightBank bank, std::vector<Block> blocks, const Placement& placement, MemoryPlan plan)
      : bank_(std::move(bank)),
        placement_(placement),
        plan_(std::move(plan)),
        budget_(placement.memory_budget_bytes.value_or(plan_.total_bytes)),
        loader_(bank_, placement_) {
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const auto [place, is_new] = index_.try_emplace(blocks[i].name, i);
      LODE_ASSERT(is_new, "two blocks have one name");
      slots_.push_back({.block = std::move(blocks[i]),
                        .bytes = plan_.blocks[i].bytes,
                        .stays = plan_.blocks[i].is_resident,
                        .next = (i + 1) % plan_.blocks.size()});
    }
  }

  ~State() {
    finish_pending({});
    for (Slot& slot : slots_) {
      drop(slot);
    }
  }

  void set_stop(std::stop_token stop) { stop_ = std::move(stop); }

  void enter(const Block& block) {
    if (stop_.stop_requested()) {
      throw Cancelled();
    }
    LODE_ASSERT(entered_ == kNone, "blocks are entered one at a time");
    const std::size_t i = find(block);
    if (last_ != kNone) {
      slots_[last_].next = i;
    }
    last_ = i;
    const auto start = std::chrono::steady_clock::now();
    make_loaded(i);
    const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - start;
    count([&](ResidencyCounts& counts) { counts.wait_seconds += waited.count(); });
    entered_ = i;
    prefetch(slots_[i].next);
  }

  void leave(const Block& block) noexcept {
    const std::size_t i = find(block);
    LODE_ASSERT(entered_ == i, "a block is left that was not entered");
    entered_ = kNone;
    if (!slots_[i].stays) {
      drop(slots_[i]);
    }
  }

  const MemoryPlan& plan() const { return plan_; }

  ResidencyCounts counts() const {
    const std::lock_guard lock(counts_mutex_);
    return counts_;
  }

 private:
  struct Slot {
    Block block;
    std::uint64_t bytes = 0;
    bool stays = false;
    std::size_t next = 0;  // which block followed last time; at first the next of the list
    bool is_loaded = false;
  };

  std::size_t find(const Block& block) const {
    const auto found = index_.find(block.name);
    LODE_ASSERT(found != index_.end() && slots_[found->second].block.parameters == block.parameters,
                "a pass entered a block that its network's list does not have");
    return found->second;
  }

  void make_loaded(std::size_t i) {
    Slot& slot = slots_[i];
    if (pending_ != kNone && !slot.is_loaded) {
      finish_pending(stop_);  // the wanted block, or one in whose place it comes
    }
    if (slot.is_loaded) {
      return;
    }
    for (Slot& other : slots_) {  // fetched in vain
      if (!other.stays) {
        drop(other);
      }
    }
    reserve(slot);
    try {
      bank_.load(slot.block, placement_).install();
    } catch (...) {
      give_up(slot);
      throw;
    }
    slot.is_loaded = true;
  }

  void prefetch(std::size_t i) {
    Slot& slot = slots_[i];
    if (pending_ != kNone || slot.is_loaded || counts().loaded_bytes + slot.bytes > budget_) {
      return;
    }
    reserve(slot);
    loader_.start(slot.block);
    pending_ = i;
  }

  /// Brings the load under way to its end. Throws Cancelled when asked to stop before, and what the
  /// load threw.
  void finish_pending(const std::stop_token& stop) {
    if (pending_ == kNone) {
      return;
    }
    std::optional<LoadOutcome> outcome = loader_.take(stop);
    if (!outcome) {
      throw Cancelled();
    }
    Slot& slot = slots_[std::exchange(pending_, kNone)];
    if (!*outcome) {
      give_up(slot);
      return;
    }
    std::move(**outcome).install();
    slot.is_loaded = true;
  }

  void drop(Slot& slot) noexcept {
    if (!slot.is_loaded) {
      return;
    }
    for (Parameter* parameter : slot.block.parameters) {
      parameter->clear();
    }
    bank_.release(slot.block);
    slot.is_loaded = false;
    count([&](ResidencyCounts& counts) { counts.loaded_bytes -= slot.bytes; });
  }

  void reserve(const Slot& slot) {
    count([&](ResidencyCounts& counts) {
      counts.loaded_bytes += slot.bytes;
      counts.peak_bytes = std::max(counts.peak_bytes, counts.loaded_bytes);
      counts.streamed_bytes += slot.stays ? 0 : slot.bytes;
      ++counts.loads;
    });
  }

  void give_up(const Slot& slot) {
    count([&](ResidencyCounts& counts) { counts.loaded_bytes -= slot.bytes; });
  }

  template <class Change>
  void count(const Change& change) {
    const std::lock_guard lock(counts_mutex_);
    change(counts_);
  }

  WeightBank bank_;
  Placement placement_;
  MemoryPlan plan_;
  std::uint64_t budget_;
  std::vector<Slot> slots_;
  std::unordered_map<std::string, std::size_t> index_;
  std::stop_token stop_;
  std::size_t entered_ = kNone, last_ = kNone, pending_ = kNone;
  mutable std::mutex counts_mutex_;
  ResidencyCounts counts_;
  BackgroundLoader loader_;  // last: its thread uses bank_, placement_ and blocks of slots_
};

Result<std::unique_ptr<Residency>> Residency::create(WeightBank bank, std::vector<Block> blocks,
                                                     const Placement& placement) {
  LODE_TRY(MemoryPlan plan, plan_memory(blocks, placement));
  return std::unique_ptr<Residency>(new Residency(
      std::make_unique<State>(std::move(bank), std::move(blocks), placement, std::move(plan))));
}

Residency::Residency(std::unique_ptr<State> state) : state_(std::move(state)) {}
Residency::~Residency() = default;

void Residency::set_stop(std::stop_token stop) { state_->set_stop(std::move(stop)); }
void Residency::enter(const Block& block) { state_->enter(block); }
void Residency::leave(const Block& block) noexcept { state_->leave(block); }
const MemoryPlan& Residency::plan() const { return state_->plan(); }
ResidencyCounts Residency::counts() const { return state_->counts(); }

}  // namespace lode::nn
