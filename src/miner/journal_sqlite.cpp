// Statements, transactions and the lock file.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "miner/journal_internal.h"

namespace lode::miner::journal_internal {

namespace {

/// Why the system refused the last failed call on the database or its write-ahead log;
/// sqlite3_system_errno() does not know it after a COMMIT.
int last_errno(sqlite3* db) {
  int number = 0;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
  sqlite3_file* log = nullptr;
  int of_log = 0;
  if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &of_log);
  }
  return of_log != 0 ? of_log : number;
}

}  // namespace

SqliteError::SqliteError(sqlite3* db, std::string_view doing)
    : std::runtime_error(std::string(doing) + ": " + sqlite3_errmsg(db)),
      code_(sqlite3_extended_errcode(db)),
      system_errno_((code_ & 0xff) == SQLITE_IOERR ? last_errno(db) : sqlite3_system_errno(db)) {}

bool SqliteError::is_out_of_resource() const {
  switch (code_ & 0xff) {
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_NOMEM:
      return true;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      // SQLite calls only ENOSPC a full disk.
      return code_ == SQLITE_IOERR_SHMSIZE || system_errno_ == ENOSPC || system_errno_ == EDQUOT ||
             system_errno_ == EFBIG;
    default:
      return false;
  }
}

bool SqliteError::is_damage() const {
  const int code = code_ & 0xff;
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
}

Statement::Statement(sqlite3* db, const char* sql) : db_(db) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &raw, nullptr) != SQLITE_OK) {
    throw SqliteError(db, "prepare");
  }
  statement_.reset(raw);
}

Statement& Statement::checked(int code) {
  if (code != SQLITE_OK) {
    throw SqliteError(db_, "bind");
  }
  return *this;
}

Statement& Statement::bind(std::int64_t value) {
  return checked(sqlite3_bind_int64(statement_.get(), next_++, value));
}

Statement& Statement::bind(double value) {
  // SQLite would store a NaN as NULL, which no column allows.
  return checked(sqlite3_bind_double(statement_.get(), next_++, std::isnan(value) ? 0.0 : value));
}

Statement& Statement::bind(std::string_view text) {
  const char* data = text.empty() ? "" : text.data();  // a null pointer would bind NULL
  return checked(sqlite3_bind_text64(statement_.get(), next_++, data, text.size(), SQLITE_STATIC,
                                     SQLITE_UTF8));
}

Statement& Statement::bind_column(const Statement& row, int column) {
  return checked(sqlite3_bind_value(statement_.get(), next_++,
                                    sqlite3_column_value(row.statement_.get(), column)));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code != SQLITE_ROW && code != SQLITE_DONE) {
    SqliteError error(db_, "step");
    sqlite3_reset(statement_.get());
    throw error;
  }
  return code == SQLITE_ROW;
}

void Statement::run() {
  step();
  rewind();
}

void Statement::rewind() {
  sqlite3_reset(statement_.get());
  next_ = 1;
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const Bytes bytes = blob(column);
  return std::string(bytes.begin(), bytes.end());
}

Bytes Statement::blob(int column) const {
  const auto* data =
      static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data == nullptr ? Bytes() : Bytes(data, data + size);
}

void execute(sqlite3* db, const std::string& sql) {
  if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw SqliteError(db, sql.substr(0, 40));
  }
}

std::int64_t pragma(sqlite3* db, const char* sql) {
  Statement statement(db, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Transaction::Transaction(sqlite3* db) : db_(db) { execute(db, "BEGIN IMMEDIATE"); }

Transaction::~Transaction() {
  if (is_open_) {
    sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

void Transaction::commit() {
  execute(db_, "COMMIT");
  is_open_ = false;
}

// ---- the lock file -----------------------------------------------------------------------------

namespace {

constexpr std::string_view kLockTitle = "lode journal lock\n";
constexpr std::string_view kSuspect = "suspect\n";

std::string read_text(int fd) {
  std::array<char, 256> buffer{};
  const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), 0);
  return std::string(buffer.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
}

std::string holder(const std::string& text) {
  const std::size_t at = text.find("pid ");
  return at == std::string::npos ? "another process"
                                 : "process " + text.substr(at + 4, text.find('\n', at) - at - 4);
}

Error cannot_lock(const std::filesystem::path& path, int number) {
  const std::string what = path.string() + ": " + std::strerror(number);
  if (number == ENOSPC || number == EDQUOT) {
    return fail(Errc::out_of_resource, what);
  }
  if (number == ENOENT || number == ENOTDIR) {
    return fail(Errc::not_found, what + ": the journal's folder does not exist");
  }
  return fail(Errc::invalid_input,
              what +
                  ": a miner must be able to write there: give this user the folder and the "
                  "journal, or name another with --journal.path");
}

}  // namespace

Result<LockFile> LockFile::take(const std::filesystem::path& journal) {
  LockFile lock;
  lock.path_ = journal;
  lock.path_ += ".lock";
  lock.fd_ = ::open(lock.path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (lock.fd_ < 0) {
    return cannot_lock(lock.path_, errno);
  }
  const std::string text = read_text(lock.fd_);
  if (::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) {
    return fail(Errc::invalid_input, journal.string() + ": " + holder(text) +
                                         " is mining with this journal: end it first, or name "
                                         "another with --journal.path");
  }
  lock.was_used_ = text.starts_with(kLockTitle);
  lock.is_suspect_ = lock.was_used_ && text.find(kSuspect) != std::string::npos;
  return lock;
}

LockFile::LockFile(LockFile&& other) noexcept { *this = std::move(other); }

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(was_used_, other.was_used_);
  std::swap(is_suspect_, other.is_suspect_);
  return *this;
}

LockFile::~LockFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void LockFile::write(bool is_suspect) {
  if (fd_ < 0) {
    return;
  }
  const std::string text = std::string(kLockTitle) + "pid " + std::to_string(::getpid()) + "\n" +
                           (is_suspect ? std::string(kSuspect) : std::string());
  // On a full disk the old text stays, which does no harm: the lock itself is flock's.
  if (::pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()) &&
      ::ftruncate(fd_, static_cast<off_t>(text.size())) == 0) {
    was_used_ = true;
    is_suspect_ = is_suspect;
  }
}

void LockFile::withdraw() {
  if (fd_ >= 0 && !was_used_) {
    struct stat status {};
    if (::fstat(fd_, &status) == 0 && status.st_size == 0) {
      ::unlink(path_.c_str());
    }
  }
}

}  // namespace lode::miner::journal_internal
