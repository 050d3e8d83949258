// Opening a journal: whose file it is, whether it is whole, and what to do when it is not.
#include <fcntl.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "miner/journal_internal.h"

namespace lode::miner {

namespace fs = std::filesystem;
using namespace journal_internal;

namespace {

/// What a damaged journal's successor is called until it is finished.
constexpr const char* kReplacement = ".new";

fs::path with_suffix(const fs::path& path, const char* suffix) {
  fs::path result = path;
  result += suffix;
  return result;
}

fs::path artifact_folder(const fs::path& journal) {
  // Named after the journal: pruning takes away what no row of that one journal names.
  return with_suffix(journal, ".artifacts");
}

enum class FileState {
  fresh,    ///< absent, or without tables
  ours,     ///< a journal of a version that we read
  damaged,  ///< was a journal
};

struct RawHeader {
  bool exists = false;
  std::uintmax_t bytes = 0;
  bool is_sqlite = false;
  bool names_us = false;  ///< the application id at its place
};

/// The first bytes of the file (https://sqlite.org/fileformat.html#the_database_header).
RawHeader read_header(const fs::path& path) {
  RawHeader header;
  std::error_code ec;
  header.bytes = fs::file_size(path, ec);
  header.exists = !ec;
  std::array<unsigned char, 100> bytes{};
  std::FILE* file = header.exists ? std::fopen(path.c_str(), "rb") : nullptr;
  if (file != nullptr) {
    const std::size_t got = std::fread(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
    header.is_sqlite = got == bytes.size() && std::memcmp(bytes.data(), "SQLite format 3", 16) == 0;
    header.names_us = got == bytes.size() && std::memcmp(bytes.data() + 68, "LODE", 4) == 0;
  }
  return header;
}

Error foreign(const fs::path& path) {
  return fail(Errc::invalid_input, path.string() + ": not a Lode journal; it was left as it is");
}

/// What the open file says of itself. Foreign and newer files are errors.
Result<FileState> examine(sqlite3* db, const fs::path& path, const RawHeader& header,
                          const LockFile& lock, const JournalOptions& options) {
  try {
    const std::int64_t application = pragma(db, "PRAGMA application_id");
    const std::int64_t version = pragma(db, "PRAGMA user_version");
    const std::int64_t tables = pragma(db, "SELECT count(*) FROM sqlite_schema");
    if (tables == 0 && version == 0 && (application == 0 || application == kApplicationId)) {
      return FileState::fresh;
    }
    if (application != kApplicationId) {
      return foreign(path);
    }
    if (version > kSchemaVersion) {
      return fail(Errc::unsupported,
                  fmt::format("{}: a journal of version {}; this program reads up to {}: it was "
                              "left as it is",
                              path.string(), version, kSchemaVersion));
    }
    const bool is_check_due =
        static_cast<std::int64_t>(header.bytes) <= options.checked_bytes || lock.is_suspect();
    return version < 1 || (is_check_due && !is_whole(db)) ? FileState::damaged : FileState::ours;
  } catch (const SqliteError& error) {
    if (!error.is_damage()) {
      return fail(error.is_out_of_resource() ? Errc::out_of_resource : Errc::io_failure,
                  path.string() + ": " + error.what());
    }
    // Damage so early is told from a foreign file by what is left of ours.
    if (header.names_us || lock.was_used()) {
      return FileState::damaged;
    }
    return foreign(path);
  }
}

/// Creates what is missing, brings old versions up to date, and sets how it is written.
void prepare(Journal::Database& database, FileState state, const JournalOptions& options) {
  sqlite3* db = database.handle.get();
  if (state == FileState::fresh) {
    // Before WAL: whose file it is must be in the file itself from its first page on.
    execute(db, "PRAGMA auto_vacuum = INCREMENTAL");
    execute(db, "PRAGMA application_id = " + std::to_string(kApplicationId));
  }
  // In WAL mode with NORMAL a killed process loses nothing; a power cut may lose the last
  // transactions but never the file.
  execute(db, "PRAGMA journal_mode = WAL");
  execute(db, "PRAGMA synchronous = NORMAL");
  execute(db, "PRAGMA cell_size_check = ON");
  if (options.max_pages > 0) {
    execute(db, "PRAGMA max_page_count = " + std::to_string(options.max_pages));
  }
  if (state == FileState::fresh) {
    Transaction transaction(db);
    create_tables(db);
    transaction.commit();
  } else if (pragma(db, "PRAGMA user_version") < kSchemaVersion) {
    migrate(db, database.artifacts);
  }
  database.tasks.emplace(db);
  database.prepared(kInsertEvent);
}

/// Moves the journal with its companions to a name with the time.
Result<fs::path> move_aside(const fs::path& path) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> stamp{};
  std::strftime(stamp.data(), stamp.size(), "%Y%m%dT%H%M%SZ", &utc);
  fs::path aside = with_suffix(path, (std::string(".damaged-") + stamp.data()).c_str());
  for (int i = 2; fs::exists(aside); ++i) {
    aside = with_suffix(path, fmt::format(".damaged-{}-{}", stamp.data(), i).c_str());
  }
  // The write-ahead log first: alone beside a new file it would be taken for that one's.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    std::error_code ec;
    fs::rename(with_suffix(path, suffix), with_suffix(aside, suffix), ec);
    if (ec && ec != std::errc::no_such_file_or_directory) {
      return fail(Errc::io_failure, path.string() + suffix + ": damaged, and cannot be moved to " +
                                        aside.string() + ": " + ec.message());
    }
  }
  return aside;
}

Error open_failure(const fs::path& path, const SqliteError& error) {
  return fail(error.is_out_of_resource() ? Errc::out_of_resource : Errc::io_failure,
              path.string() + ": " + error.what());
}

Result<DatabaseHandle> open_for_writing(const fs::path& path) {
  LODE_TRY(DatabaseHandle handle,
           open_handle(path.string(), SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  if (sqlite3_db_readonly(handle.get(), "main") == 1) {
    return fail(Errc::invalid_input, path.string() +
                                         ": may only be read: a miner must be able to write it; "
                                         "give it to this user, or name another with "
                                         "--journal.path");
  }
  return handle;
}

/// Writes a new journal with what can be read of the damaged one. A kill leaves either the damaged
/// one in its place or a finished new one beside it.
Result<Salvage> write_replacement(const fs::path& path, const fs::path& fresh,
                                  const Journal::Database& old, const JournalOptions& options) {
  for (const char* suffix : {"-wal", "-shm", ""}) {
    std::error_code ignored;
    fs::remove(with_suffix(fresh, suffix), ignored);
  }
  Journal::Database replacement{fresh.string(), {}, nullptr, old.artifacts, {}, {}, {}};
  LODE_TRY(replacement.handle, open_for_writing(fresh));
  try {
    prepare(replacement, FileState::fresh, options);
    Transaction transaction(replacement.handle.get());
    const Salvage found = salvage(path, replacement.handle.get());
    transaction.commit();
    execute(replacement.handle.get(), "PRAGMA wal_checkpoint(TRUNCATE)");
    return found;
  } catch (const SqliteError& error) {
    return open_failure(path, error);
  }
}

/// A new journal in place of a damaged one, which is kept.
Result<void> replace_damaged(Journal::Database& database, const fs::path& path,
                             const JournalOptions& options) {
  database.handle.reset();
  const fs::path fresh = with_suffix(path, kReplacement);
  LODE_TRY(const Salvage found, write_replacement(path, fresh, database, options));
  LODE_TRY(const fs::path aside, move_aside(path));
  std::error_code ec;
  fs::rename(fresh, path, ec);
  if (ec) {
    return fail(Errc::io_failure, path.string() + ": " + ec.message());
  }
  LODE_TRY(database.handle, open_for_writing(path));
  database.notices.push_back(fmt::format(
      "{}: the journal was damaged and is now {}; a new one was begun with what could be read of "
      "it: {} events, {} tasks, {} candidates",
      path.string(), aside.string(), found.events, found.tasks, found.candidates));
  try {
    prepare(database, FileState::ours, options);
  } catch (const SqliteError& error) {
    return open_failure(path, error);
  }
  return {};
}

/// Finds out what the file is and makes it ready, without changing one that is not ours.
Result<void> open_file(Journal::Database& database, const fs::path& path,
                       const JournalOptions& options) {
  if (std::error_code ec; !fs::exists(path, ec) && database.lock.was_used()) {
    // A kill between moving a damaged journal away and giving its finished successor the name.
    fs::rename(with_suffix(path, kReplacement), path, ec);
  }
  const RawHeader header = read_header(path);
  FileState state = FileState::damaged;
  if (header.exists && header.bytes > 0 && !header.is_sqlite) {
    if (!header.names_us && !database.lock.was_used()) {
      return foreign(path);
    }
  } else {
    LODE_TRY(database.handle, open_for_writing(path));
    LODE_TRY(state, examine(database.handle.get(), path, header, database.lock, options));
  }
  if (state != FileState::damaged) {
    try {
      prepare(database, state, options);
      database.lock.write(false);
      return {};
    } catch (const SqliteError& error) {
      if (!error.is_damage()) {
        return open_failure(path, error);
      }
      database.tasks.reset();
      database.statements.clear();
    }
  }
  LODE_CHECK(replace_damaged(database, path, options));
  database.lock.write(false);
  return {};
}

/// A path in a file: URI.
std::string uri_of(const fs::path& path) {
  std::string uri = "file:";
  for (const char c : fs::absolute(path).string()) {
    const auto byte = static_cast<unsigned char>(c);
    uri += std::isalnum(byte) != 0 || c == '/' || c == '-' || c == '_' || c == '.'
               ? std::string(1, c)
               : fmt::format("%{:02X}", byte);
  }
  return uri;
}

/// Where no write-ahead log lies beside it nobody has the journal open. It is then read as it
/// stands; SQLite would otherwise create files beside it, or fail where it may not.
Result<DatabaseHandle> open_for_reading(const fs::path& path) {
  std::error_code ec;
  if (fs::exists(with_suffix(path, "-wal"), ec)) {
    return open_handle(path.string(), SQLITE_OPEN_READONLY);
  }
  return open_handle(uri_of(path) + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

}  // namespace

Result<Journal> Journal::open(const fs::path& path, JournalOptions options) {
  const bool is_in_memory = path == ":memory:";
  auto database = std::make_unique<Database>(
      Database{path.string(),
               {},
               nullptr,
               is_in_memory ? ArtifactStore::in_memory() : ArtifactStore(artifact_folder(path)),
               {},
               {},
               {}});
  if (is_in_memory) {
    LODE_TRY(database->handle, open_for_writing(path));
    prepare(*database, FileState::fresh, options);
    return Journal(std::move(database));
  }
  LODE_TRY(database->lock, LockFile::take(path));
  if (const auto opened = open_file(*database, path, options); !opened) {
    database->lock.withdraw();
    return opened.error();
  }
  return Journal(std::move(database));
}

Result<Journal> Journal::open_read_only(const fs::path& path) {
  const RawHeader header = read_header(path);
  if (!header.exists) {
    return fail(Errc::not_found, path.string() + ": no such journal");
  }
  if (!header.is_sqlite) {
    return foreign(path);
  }
  auto database = std::make_unique<Database>(
      Database{path.string(), {}, nullptr, ArtifactStore(artifact_folder(path)), {}, {}, {}});
  LODE_TRY(database->handle, open_for_reading(path));
  sqlite3* db = database->handle.get();
  return database->read<Journal>([&]() -> Result<Journal> {
    if (pragma(db, "PRAGMA application_id") != kApplicationId) {
      return foreign(path);
    }
    const std::int64_t version = pragma(db, "PRAGMA user_version");
    if (version < 1 || version > kSchemaVersion) {
      return fail(Errc::unsupported,
                  fmt::format("{}: a journal of version {}; this program reads up to {}",
                              path.string(), version, kSchemaVersion));
    }
    if (version == 1) {
      view_version_1(db);
    }
    return Journal(std::move(database));
  });
}

}  // namespace lode::miner
