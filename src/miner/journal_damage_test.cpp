// The journal on broken ground: damage, foreign files, no permission, no room, two miners.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "miner/journal.h"
#include "tests/support/events.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/scratch_folder.h"

namespace lode::miner {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing_support::FileSizeLimit;
using testing_support::make_event;
using testing_support::make_history;
using testing_support::ScratchFolder;

constexpr std::size_t kMaxBytes = 64 << 20;

void run_sql(const fs::path& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
}

/// A journal with a history of `n_tasks`, closed.
std::vector<Event> write_journal(const fs::path& path, int n_tasks) {
  auto journal = Journal::open(path);
  EXPECT_TRUE(journal) << journal.error().message();
  auto history = make_history(5, n_tasks);
  EXPECT_TRUE(journal->append(history));
  StoredCandidate candidate;
  candidate.hotkey = "5V1";
  candidate.task_id = "task-1";
  candidate.spz = {1, 2, 3};
  candidate.score = 0.1 + 0.2;
  EXPECT_TRUE(journal->put_candidate(candidate));
  return history;
}

void change_bytes(const fs::path& path, std::size_t at, std::size_t count, std::uint8_t mask) {
  Bytes bytes = *read_file(path, kMaxBytes);
  for (std::size_t i = at; i < std::min(at + count, bytes.size()); ++i) {
    bytes[i] ^= mask;
  }
  ASSERT_TRUE(write_file(path, bytes));
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

// ---- damage ------------------------------------------------------------------------------------

TEST(JournalDamage, KeepsADamagedFileAsideAndSavesWhatCanBeRead) {
  const ScratchFolder folder;
  const fs::path path = folder / "j.db";
  const auto history = write_journal(path, 400);
  const std::size_t size = fs::file_size(path);
  change_bytes(path, size / 2 / 4096 * 4096, 4096, 0xff);
  const Bytes damaged = *read_file(path, kMaxBytes);

  auto journal = Journal::open(path);
  ASSERT_TRUE(journal) << journal.error().message();
  ASSERT_EQ(journal->notices().size(), 1U);
  EXPECT_THAT(journal->notices()[0], HasSubstr(path.string()));
  const auto events = journal->events();
  ASSERT_TRUE(events);
  EXPECT_GT(events->size(), history.size() / 2) << journal->notices()[0];
  EXPECT_EQ(events->front().task_id, history.front().task_id) << "before the damage";
  EXPECT_EQ(events->back().task_id, history.back().task_id) << "and after it";
  EXPECT_THAT(journal->notices()[0], HasSubstr(std::to_string(events->size()) + " events"));
  const auto candidates = journal->candidates("5V1", "task-1");
  ASSERT_EQ(candidates->size(), 1U);
  EXPECT_EQ(candidates->at(0).spz, (Bytes{1, 2, 3}));
  EXPECT_EQ(candidates->at(0).score, 0.1 + 0.2);
  EXPECT_TRUE(journal->append({history[0]}));

  const auto names = names_in(folder.path());
  const auto aside = std::find_if(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("j.db.damaged-") && name.ends_with("Z");
  });
  ASSERT_NE(aside, names.end()) << testing::PrintToString(names);
  EXPECT_EQ(*read_file(folder / *aside, kMaxBytes), damaged) << "kept as it was";
}

TEST(JournalDamage, KeepsAFileWithADamagedHeaderAside) {
  for (const std::size_t n_bytes : {16U, 512U}) {
    const ScratchFolder folder;
    const fs::path path = folder / "j.db";
    write_journal(path, 3);
    change_bytes(path, 0, n_bytes, 0xff);
    auto journal = Journal::open(path);
    ASSERT_TRUE(journal) << journal.error().message();
    EXPECT_EQ(journal->notices().size(), 1U);
    EXPECT_TRUE(journal->append(make_history(1, 2)));
  }
}

TEST(JournalDamage, RemembersDamageThatWasMetInALargeFile) {
  const ScratchFolder folder;
  const fs::path path = folder / "j.db";
  write_journal(path, 400);
  change_bytes(path, fs::file_size(path) / 2 / 4096 * 4096, 4096, 0xff);
  const JournalOptions unchecked{.max_pages = 0, .checked_bytes = 0};
  {
    auto journal = Journal::open(path, unchecked);
    ASSERT_TRUE(journal) << journal.error().message();
    ASSERT_TRUE(journal->notices().empty()) << "the test needs damage that opening does not meet";
    bool has_met = !journal->events() || !journal->tasks({});
    for (const Event& event : make_history(5, 400)) {
      has_met = has_met || !journal->events(
                               {.since = {}, .until = {}, .hotkey = {}, .task_id = event.task_id});
    }
    ASSERT_TRUE(has_met);
  }
  auto journal = Journal::open(path, unchecked);
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->notices().size(), 1U);
  EXPECT_TRUE(journal->events());
}

TEST(JournalDamage, GoesOnAfterAKillWhileAReplacementWasPutInPlace) {
  const ScratchFolder folder;
  const fs::path path = folder / "j.db";
  const auto history = write_journal(path, 3);
  fs::rename(path, folder / "j.db.new");  // the damaged one was moved aside just before
  const auto journal = Journal::open(path);
  ASSERT_TRUE(journal);
  EXPECT_EQ(journal->events()->size(), history.size());
}

/// Opens whatever is there and uses all of it; what comes out does not matter, that it does, does.
void exercise(const fs::path& path) {
  for (const bool is_read_only : {true, false}) {
    auto journal = is_read_only ? Journal::open_read_only(path) : Journal::open(path);
    if (!journal) {
      EXPECT_FALSE(journal.error().context.empty());
      continue;
    }
    (void)journal->events();
    (void)journal->ledger();
    (void)journal->uids();
    if (const auto tasks = journal->tasks({})) {
      for (const StoredTask& task : *tasks) {
        (void)journal->candidates(task.hotkey, task.task_id);
        (void)journal->whole_task(task);
      }
    }
    if (!is_read_only) {
      EXPECT_TRUE(journal->append({make_event(EventKind::assigned, 1000)}));
      EXPECT_TRUE(journal->prune({}, from_unix_seconds(1'700'000'000)));
      EXPECT_TRUE(journal->events());
    }
  }
}

TEST(JournalDamage, SurvivesEveryFlippedBlockOfTheFile) {
  const ScratchFolder folder;
  const fs::path path = folder / "j.db";
  write_journal(path, 40);
  const Bytes whole = *read_file(path, kMaxBytes);
  ASSERT_LT(whole.size(), 256U << 10);
  for (std::size_t at = 0; at < whole.size(); at += 512) {
    SCOPED_TRACE("block at " + std::to_string(at));
    for (const auto& entry : fs::directory_iterator(folder.path())) {
      if (entry.path().filename() != "j.db.lock" && entry.is_regular_file()) {
        fs::remove(entry.path());
      }
    }
    ASSERT_TRUE(write_file(path, whole));
    change_bytes(path, at, 512, 0xff);
    exercise(path);
  }
}

TEST(JournalDamage, SurvivesEveryFlippedBlockOfTheWriteAheadLog) {
  const ScratchFolder original;
  std::optional<Journal> writer = *Journal::open(original / "j.db");
  ASSERT_TRUE(writer->append(make_history(5, 20)));
  const Bytes main = *read_file(original / "j.db", kMaxBytes);
  const Bytes log = *read_file(original / "j.db-wal", kMaxBytes);
  ASSERT_GT(log.size(), 4096U);
  const ScratchFolder folder;
  for (std::size_t at = 0; at < log.size(); at += 2048) {
    SCOPED_TRACE("block at " + std::to_string(at));
    const fs::path sub = folder / std::to_string(at);
    fs::create_directory(sub);
    ASSERT_TRUE(write_file(sub / "j.db", main));
    ASSERT_TRUE(write_file(sub / "j.db-wal", log));
    change_bytes(sub / "j.db-wal", at, 512, 0xff);
    exercise(sub / "j.db");
  }
}

TEST(JournalDamage, SurvivesTruncationAnywhere) {
  const ScratchFolder folder;
  const fs::path path = folder / "j.db";
  write_journal(path, 20);
  const Bytes whole = *read_file(path, kMaxBytes);
  for (std::size_t size = 0; size < whole.size(); size += 1000) {
    SCOPED_TRACE(size);
    ASSERT_TRUE(write_file(path, ByteView(whole).first(size)));
    fs::remove(folder / "j.db-wal");
    fs::remove(folder / "j.db-shm");
    exercise(path);
  }
}

// ---- files that are not ours -------------------------------------------------------------------

void expect_refused_untouched(const fs::path& path, Errc code, const std::string& why) {
  const Bytes before = *read_file(path, kMaxBytes);
  const auto journal = Journal::open(path);
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, code) << journal.error().message();
  EXPECT_THAT(journal.error().context, HasSubstr(path.string()));
  EXPECT_THAT(journal.error().context, HasSubstr(why));
  EXPECT_EQ(*read_file(path, kMaxBytes), before);
  EXPECT_THAT(names_in(path.parent_path()), testing::ElementsAre(path.filename().string()))
      << "and nothing is left beside it";
  EXPECT_FALSE(Journal::open_read_only(path));
}

TEST(JournalDamage, RefusesAFileThatIsNoDatabase) {
  const ScratchFolder folder;
  ASSERT_TRUE(write_file(folder / "j.db", as_bytes(std::string(5000, 'x'))));
  expect_refused_untouched(folder / "j.db", Errc::invalid_input, "not a Lode journal");
}

TEST(JournalDamage, RefusesAnotherProgramsDatabase) {
  const ScratchFolder folder;
  run_sql(folder / "j.db", "PRAGMA application_id = 12345; CREATE TABLE t(x)");
  expect_refused_untouched(folder / "j.db", Errc::invalid_input, "not a Lode journal");
}

TEST(JournalDamage, RefusesANewerVersion) {
  const ScratchFolder folder;
  run_sql(folder / "j.db",
          "PRAGMA application_id = 1280263237; CREATE TABLE t(x); PRAGMA user_version = 3");
  expect_refused_untouched(folder / "j.db", Errc::unsupported, "version 3");
}

// ---- two miners --------------------------------------------------------------------------------

TEST(JournalDamage, RefusesASecondMiner) {
  const ScratchFolder folder;
  {
    const auto first = Journal::open(folder / "j.db");
    ASSERT_TRUE(first);
    const auto second = Journal::open(folder / "j.db");
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::invalid_input);
    EXPECT_THAT(second.error().context,
                HasSubstr("process " + std::to_string(::getpid()) + " is mining"));
    EXPECT_TRUE(Journal::open_read_only(folder / "j.db"));
  }
  EXPECT_TRUE(Journal::open(folder / "j.db")) << "free again";
}

// ---- permissions -------------------------------------------------------------------------------

/// The error of opening `path` as a user without rights of its own; empty when it opened.
std::string open_as_nobody(const fs::path& path, Errc& code) {
  int pipe_ends[2] = {};
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgid(65534) != 0 || ::setuid(65534) != 0) {
      ::_exit(9);
    }
    const auto journal = Journal::open(path);
    const std::string text = journal ? "" : journal.error().context;
    const auto written = ::write(pipe_ends[1], text.data(), text.size());
    ::_exit(journal ? 0 : written < 0 ? 8 : static_cast<int>(journal.error().code) + 100);
  }
  ::close(pipe_ends[1]);
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(
      std::max<ssize_t>(0, ::read(pipe_ends[0], text.data(), text.size()))));
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  code = static_cast<Errc>(WEXITSTATUS(status) - 100);
  return text;
}

TEST(JournalDamage, SaysWhatAUserMayNotWriteAndWhatToDo) {
  if (::getuid() != 0) {
    GTEST_SKIP() << "only root can become another user";
  }
  const ScratchFolder folder;
  write_journal(folder / "j.db", 2);
  Errc code{};
  EXPECT_THAT(open_as_nobody(folder / "j.db", code), HasSubstr("j.db.lock: Permission denied"));
  EXPECT_EQ(code, Errc::invalid_input);
  EXPECT_THAT(open_as_nobody(folder / "new.db", code), HasSubstr("--journal.path"));

  // The folder may be written, the journal may not.
  fs::permissions(folder.path(), fs::perms::all);
  fs::permissions(folder / "j.db.lock", fs::perms(0666));
  EXPECT_THAT(open_as_nobody(folder / "j.db", code), HasSubstr("may only be read"));
  EXPECT_EQ(code, Errc::invalid_input);
  EXPECT_EQ(open_as_nobody(folder / "other.db", code), "") << "its own it may";
}

TEST(JournalDamage, NamesAFolderThatDoesNotExist) {
  const ScratchFolder folder;
  const auto journal = Journal::open(folder / "absent/j.db");
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().code, Errc::not_found);
  EXPECT_THAT(journal.error().context, HasSubstr("folder does not exist"));
}

// ---- no room -----------------------------------------------------------------------------------

TEST(JournalDamage, AnswersOutOfResourceWhenFullAndKeepsAllThatItTook) {
  const ScratchFolder folder;
  std::vector<Event> taken;
  {
    auto journal = Journal::open(folder / "j.db", {.max_pages = 40, .checked_bytes = 1 << 20});
    ASSERT_TRUE(journal) << journal.error().message();
    Result<void> last;
    for (const Event& event : make_history(9, 300)) {
      last = journal->append({event, event});
      if (!last) {
        break;
      }
      taken.push_back(event);
      taken.push_back(event);
    }
    ASSERT_FALSE(last) << "300 tasks do not fit 160 KB";
    EXPECT_EQ(last.error().code, Errc::out_of_resource);
    EXPECT_THAT(last.error().context, HasSubstr("full"));
    EXPECT_FALSE(journal->append(make_history(9, 300))) << "a batch is all or nothing";
    EXPECT_EQ(journal->events()->size(), taken.size());
    StoredCandidate candidate;
    candidate.reason = std::string(10'000, 'r');
    EXPECT_EQ(journal->put_candidate(candidate).error().code, Errc::out_of_resource);
    // Room is made, and the same journal goes on.
    ASSERT_TRUE(journal->prune({.max_age = Duration(0)}, SystemClock().now()));
    EXPECT_TRUE(journal->append({taken[0]}));
  }
  const auto journal = Journal::open(folder / "j.db");
  ASSERT_TRUE(journal);
  EXPECT_TRUE(journal->notices().empty()) << "a full disk is no damage";
}

TEST(JournalDamage, AnswersOutOfResourceWhenTheSystemRefusesToWrite) {
  const ScratchFolder folder;
  auto journal = Journal::open(folder / "j.db");
  ASSERT_TRUE(journal);
  const auto history = make_history(9, 30);
  ASSERT_TRUE(journal->append(history));
  const auto refused = [&] {
    const FileSizeLimit limit(fs::file_size(folder / "j.db-wal"));
    return journal->append(history);
  }();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_resource) << refused.error().message();
  EXPECT_EQ(journal->events()->size(), history.size());
  EXPECT_TRUE(journal->append(history));
  EXPECT_EQ(journal->events()->size(), 2 * history.size());
}

}  // namespace
}  // namespace lode::miner
