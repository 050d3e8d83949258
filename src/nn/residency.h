// A network's weights in and out of memory while it runs, within a budget.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <vector>

#include "base/result.h"
#include "nn/loader.h"
#include "nn/memory_plan.h"
#include "nn/pass.h"

namespace lode::nn {

/// What a Residency has done so far; bytes as bytes_of counts them, whether the weights are copies
/// or lie in a mapped file.
struct ResidencyCounts {
  std::uint64_t loaded_bytes = 0;    ///< now, and being loaded
  std::uint64_t peak_bytes = 0;      ///< the most of these
  std::uint64_t streamed_bytes = 0;  ///< loaded for blocks that do not stay
  std::uint64_t loads = 0;           ///< of blocks
  double wait_seconds = 0;           ///< that passes spent waiting for loads
};

/// Follows the passes of one network and keeps its weights to a plan (memory_plan.h): a block that
/// stays is loaded on its first visit, any other on every visit and dropped when left. While a
/// block is computed with, a thread loads the one that followed it last time, if there is room.
/// Results do not depend on the budget.
///
/// One pass at a time, blocks entered one at a time. On a GPU weights come from pinned memory by
/// non-blocking copies on the device's default stream, which orders them before the layers that use
/// them and after those that used what is dropped. That has not been run on CUDA hardware here.
class Residency final : public Pass {
 public:
  /// `blocks`: all that a pass may enter, in the order in which they should stay, without a
  /// parameter in two of them; known by their names. Errc::out_of_resource as of plan_memory.
  static Result<std::unique_ptr<Residency>> create(WeightBank bank, std::vector<Block> blocks,
                                                   const Placement& placement);
  /// Waits for a load that is under way, and drops all parameters.
  ~Residency() override;
  Residency(const Residency&) = delete;
  Residency& operator=(const Residency&) = delete;

  /// Who may stop the passes that follow: `enter` then throws Cancelled.
  void set_stop(std::stop_token stop);

  /// Throws Cancelled, LoadFailed, and what WeightBank::load throws; the pass is then over, and
  /// the next may begin.
  void enter(const Block& block) override;
  void leave(const Block& block) noexcept override;

  const MemoryPlan& plan() const;
  ResidencyCounts counts() const;

 private:
  class State;
  explicit Residency(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace lode::nn
