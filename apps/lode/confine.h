// Gives up for good what a process with a key does not need.
#pragma once

#include <string>
#include <vector>

namespace lode::commands {

/// Core files of this process and looks into its memory (ptrace, /proc/PID/mem) become impossible
/// for all but root. Call it before a secret is read.
void forbid_dumps();

/// forbid_dumps(), and then: new privileges, every file (Landlock), and every system call
/// but those that serve open sockets (seccomp) become impossible for this process. Returns a line
/// for each protection: in force, or why it is missing on this kernel. Throws std::runtime_error
/// where a protection claims to be in force and is not.
std::vector<std::string> confine_process();

}  // namespace lode::commands
