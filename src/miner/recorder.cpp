#include "miner/recorder.h"

#include <stdexcept>
#include <utility>

namespace lode::miner {

void Recorder::events(std::vector<Event> events) {
  if (!events.empty()) {
    waiting_.push_back(
        [events = std::move(events)](Journal& journal) { return journal.append(events); });
  }
}

void Recorder::task(const std::string& hotkey, const subnet::Task& task, double threshold,
                    std::int64_t throttle_period, Time at) {
  waiting_.push_back([=](Journal& journal) {
    return journal.put_task(hotkey, task, threshold, throttle_period, at);
  });
}

void Recorder::candidate(StoredCandidate candidate, std::shared_ptr<const Bytes> spz) {
  waiting_.push_back([candidate = std::move(candidate), spz = std::move(spz)](Journal& journal) {
    if (!candidate.artifact.empty() || spz == nullptr) {
      return journal.put_candidate(candidate);
    }
    StoredCandidate with_bytes = candidate;
    with_bytes.spz = *spz;
    return journal.put_candidate(with_bytes);
  });
}

void Recorder::uids(std::map<std::string, int> uids) {
  waiting_.push_back([uids = std::move(uids)](Journal& journal) { return journal.put_uids(uids); });
}

void Recorder::flush() {
  trouble_.clear();
  while (!waiting_.empty()) {
    const Result<void> written = waiting_.front()(journal_);
    if (!written && written.error().code == Errc::out_of_resource) {
      trouble_ = written.error().message();
      return;
    }
    if (!written) {
      throw std::runtime_error(written.error().message());
    }
    waiting_.pop_front();
  }
}

}  // namespace lode::miner
