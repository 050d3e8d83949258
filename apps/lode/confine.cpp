#include "lode/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace lode::commands {
namespace {

/// What a loop over open sockets, its memory and its log need; nothing here opens, connects, runs
/// or sends a signal to another process.
constexpr int kAllowedCalls[] = {
    SCMP_SYS(accept4),         SCMP_SYS(brk),          SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep), SCMP_SYS(close),        SCMP_SYS(exit),
    SCMP_SYS(exit_group),      SCMP_SYS(fstat),        SCMP_SYS(fsync),
    SCMP_SYS(futex),           SCMP_SYS(getpid),       SCMP_SYS(getrandom),
    SCMP_SYS(getsockopt),      SCMP_SYS(gettid),       SCMP_SYS(gettimeofday),
    SCMP_SYS(madvise),         SCMP_SYS(mlock),        SCMP_SYS(mremap),
    SCMP_SYS(munlock),         SCMP_SYS(munmap),       SCMP_SYS(newfstatat),
    SCMP_SYS(ppoll),           SCMP_SYS(read),         SCMP_SYS(recvfrom),
    SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),    SCMP_SYS(sendto),       SCMP_SYS(write),
    SCMP_SYS(writev)};

/// Calls that are allowed unless they ask for executable memory; the protection is argument 2.
constexpr int kMemoryCalls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};

std::string forbid_files() {
  const long version =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) {
    return std::string("Landlock: missing on this kernel: ") + std::strerror(errno);
  }
  landlock_ruleset_attr rules{};
  // All rights of the first version, and of the second the one that moves files between folders.
  rules.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;
  if (version >= 2) {
    rules.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
  }
  const long fd = ::syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
  const bool is_on = fd >= 0 && ::syscall(SYS_landlock_restrict_self, fd, 0) == 0;
  const int number = errno;
  if (fd >= 0) {
    ::close(static_cast<int>(fd));
  }
  if (!is_on) {
    return std::string("Landlock: refused by this system: ") + std::strerror(number);
  }
  if (::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0) {
    throw std::runtime_error("Landlock claims to be in force, yet a folder opens");
  }
  return "Landlock: in force, no file can be opened";
}

bool load_filter() {
  const std::unique_ptr<void, decltype(&seccomp_release)> filter(
      seccomp_init(SCMP_ACT_ERRNO(EPERM)), seccomp_release);
  if (!filter) {
    return false;
  }
  int status = 0;
  for (const int call : kAllowedCalls) {
    status |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  }
  for (const int call : kMemoryCalls) {
    status |= seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  }
  return status == 0 && seccomp_load(filter.get()) == 0;
}

std::string forbid_calls() {
  if (!load_filter()) {
    return "seccomp: refused by this system";
  }
  if (::syscall(SYS_socket, 0, 0, 0) >= 0 || errno != EPERM) {
    throw std::runtime_error("seccomp claims to be in force, yet a forbidden call is not refused");
  }
  return "seccomp: in force, only " +
         std::to_string(std::size(kAllowedCalls) + std::size(kMemoryCalls)) +
         " system calls are left";
}

}  // namespace

void forbid_dumps() {
  const rlimit none{0, 0};
  if (::setrlimit(RLIMIT_CORE, &none) != 0 || ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    throw std::runtime_error("core files cannot be forbidden");
  }
}

std::vector<std::string> confine_process() {
  forbid_dumps();
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    throw std::runtime_error("no_new_privs cannot be set");
  }
  std::vector<std::string> lines;
  lines.push_back(forbid_files());
  lines.push_back(forbid_calls());
  return lines;
}

}  // namespace lode::commands
