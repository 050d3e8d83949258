// Writes what has to outlast a kill, in order; keeps it in memory while the disk is full.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "miner/journal.h"

namespace lode::miner {

/// What happened is handed in and flush() writes it. A full disk loses nothing: what cannot be
/// written waits, and is written in the same order once there is room. Whoever drives the miner
/// begins nothing new meanwhile, so that what waits stays small.
class Recorder {
 public:
  /// The journal must outlive the recorder.
  explicit Recorder(Journal& journal) : journal_(journal) {}

  void events(std::vector<Event> events);
  void task(const std::string& hotkey, const subnet::Task& task, double threshold,
            std::int64_t throttle_period, Time at);
  /// `spz` are the candidate's bytes, for when `artifact` does not say that they are kept already.
  void candidate(StoredCandidate candidate, std::shared_ptr<const Bytes> spz);
  void uids(std::map<std::string, int> uids);

  /// Writes what waits. Throws std::runtime_error when the journal is broken.
  void flush();
  /// Why the last flush() could not write all; empty: it did.
  const std::string& trouble() const { return trouble_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  Journal& journal_;
  std::deque<std::function<Result<void>(Journal&)>> waiting_;
  std::string trouble_;
};

}  // namespace lode::miner
