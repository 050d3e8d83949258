// The miner's memory: events and unsent candidates in one SQLite file.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "miner/event.h"

namespace lode::miner {

/// A candidate as it would be sent, kept until its task is done.
struct StoredCandidate {
  std::string task_id;
  Bytes spz;
  double score = 0;
  bool judged = false;
};

/// Append-only events plus one candidate per validator. Every append is one transaction; after a
/// kill at any instant the file holds a prefix of what was appended. The tables are described in
/// docs/formats/journal.md. One thread; SQLite failures (a full disk, say) throw
/// std::runtime_error.
class Journal {
 public:
  /// Opens or creates `path`; ":memory:" keeps nothing. A file that is no journal, or of another
  /// version, is Errc::invalid_input; it is left as it is.
  static Result<Journal> open(const std::filesystem::path& path);
  /// Opens an existing journal for reading beside a running miner.
  static Result<Journal> open_read_only(const std::filesystem::path& path);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  void append(const std::vector<Event>& events);
  /// Every event, oldest first.
  Result<std::vector<Event>> events() const;

  /// Replaces the validator's candidate.
  void put_candidate(const std::string& hotkey, const StoredCandidate& candidate);
  std::optional<StoredCandidate> candidate(const std::string& hotkey) const;
  void drop_candidate(const std::string& hotkey);

 private:
  struct Database;
  explicit Journal(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace lode::miner
