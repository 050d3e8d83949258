#include "net/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "net/run_to_end.h"

namespace lode::net {
namespace {

namespace asio = boost::asio;

class ChildProcessTest : public testing::Test {
 protected:
  template <class T>
  T run(asio::awaitable<T> task) {
    return run_to_end(context_, std::move(task));
  }
  Result<ChildProcess> shell(const std::string& script,
                             Duration timeout = std::chrono::seconds(5)) {
    return run(ChildProcess::start({"/bin/sh", {"-c", script}, {}, timeout}));
  }

  asio::io_context context_;
};

TEST_F(ChildProcessTest, HandsOverTheReadyLineAndTheExitCode) {
  auto child = shell("trap 'exit 7' TERM; echo '{\"ready\":1}'; while :; do sleep 0.01; done");
  ASSERT_TRUE(child) << child.error().message();
  EXPECT_EQ(child->ready_line(), "{\"ready\":1}");
  EXPECT_TRUE(child->is_running());
  EXPECT_EQ(run(child->stop(std::chrono::seconds(5))).value(), 7);
  EXPECT_FALSE(child->is_running());
}

TEST_F(ChildProcessTest, NoticesAChildThatDies) {
  auto child = shell("echo ready; exec sleep 60");
  ASSERT_TRUE(child);
  ::kill(child->pid(), SIGKILL);
  for (int i = 0; i < 500 && child->is_running(); ++i) {
    ::usleep(1000);
  }
  EXPECT_FALSE(child->is_running());
}

TEST_F(ChildProcessTest, SaysWhatWentWrongAtTheStart) {
  EXPECT_EQ(run(ChildProcess::start({"/no/such/program", {}, {}, {}})).error().code,
            Errc::not_found);
  EXPECT_EQ(shell("exit 3").error().code, Errc::peer_failure);
  EXPECT_EQ(shell("exec sleep 60", std::chrono::milliseconds(50)).error().code, Errc::timed_out);
}

TEST_F(ChildProcessTest, GivesUpOnAChildThatIgnoresSigterm) {
  auto child = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done");
  ASSERT_TRUE(child);
  EXPECT_EQ(run(child->stop(std::chrono::milliseconds(50))).error().code, Errc::timed_out);
}

}  // namespace
}  // namespace lode::net
