// The worker pool against workers that crash, hang, drip and answer junk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "miner/worker_client_io.h"
#include "splat/ply.h"
#include "tests/support/raw_peer.h"

namespace lode::miner {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using std::chrono::milliseconds;
using test::RawPeer;
using testing::HasSubstr;
using testing::StartsWith;

class WorkerPoolTest : public testing::Test {
 protected:
  void SetUp() override {
    spdlog::set_level(spdlog::level::off);
    config_.health_interval = milliseconds(100);
    config_.health_timeout = milliseconds(500);
    config_.circuit.first_pause = milliseconds(400);
  }

  /// A service that is healthy and answers generation requests with `behave`.
  void add_peer(RawPeer::Behaviour behave, WorkerEndpoint endpoint = {}) {
    auto own = std::make_shared<RawPeer*>(nullptr);
    auto by_route = [own, behave](RawPeer::Socket socket) -> asio::awaitable<void> {
      const bool is_health = (*own)->heads().back().starts_with("GET");
      const RawPeer::Behaviour chosen = is_health ? RawPeer::reply_json("{}") : behave;
      auto answering = chosen(std::move(socket));
      co_await std::move(answering);
    };
    peers_.push_back(std::make_unique<RawPeer>(context_.get_executor(), by_route));
    *own = peers_.back().get();
    endpoint.generation = {peers_.back()->endpoint(), "/"};
    config_.endpoints.push_back(endpoint);
  }

  /// Runs `scenario` with a started pool, at most 30 s.
  void run(std::function<asio::awaitable<void>(WorkerPool&)> scenario) {
    WorkerPool pool(context_.get_executor(), config_, [] {});
    bool done = false;
    std::exception_ptr failure;
    auto whole = [](WorkerPool& p, auto act) -> asio::awaitable<void> {
      p.start();
      co_await act(p);
      co_await p.stop();
    };
    asio::co_spawn(context_, whole(pool, scenario), [&](std::exception_ptr e) {
      failure = e;
      done = true;
      context_.stop();
    });
    context_.run_for(std::chrono::seconds(30));
    ASSERT_TRUE(done) << "scenario did not end";
    if (failure) {
      std::rethrow_exception(failure);
    }
  }

  asio::awaitable<void> sleep(Duration wait) {
    asio::steady_timer timer(context_, wait);
    co_await timer.async_wait(asio::use_awaitable);
  }
  /// Until the first worker is in that state, at most 10 s.
  asio::awaitable<void> until(WorkerPool& pool, std::string state) {
    for (int i = 0; i < 500 && pool.view().front().state != state; ++i) {
      co_await sleep(milliseconds(20));
    }
    EXPECT_EQ(pool.view().front().state, state) << pool.view().front().reason;
  }
  /// One task with a limit of 300 ms, as the miner does it.
  asio::awaitable<WorkerOutcome> try_task(WorkerPool& pool) {
    auto lease = pool.acquire();
    EXPECT_TRUE(lease);
    if (!lease) {
      co_return WorkerOutcome{};
    }
    GenerationJob job;
    job.task.prompt = "a red mug";
    job.limit = milliseconds(300);
    WorkerAddress address = lease->address();
    const Attempt attempt = co_await make_candidate(std::move(address), std::move(job), cpu_);
    WorkerOutcome outcome = outcome_of(attempt);
    lease->report(outcome);
    co_return outcome;
  }

  /// Three failures open the circuit; the view says why. The reason.
  std::string reason_after_three_failures() {
    std::string reason;
    run([&](WorkerPool& pool) -> asio::awaitable<void> {
      co_await until(pool, "idle");
      for (int i = 0; i < 3; ++i) {
        const WorkerOutcome outcome = co_await try_task(pool);
        EXPECT_TRUE(outcome.kind == WorkerOutcome::Kind::failed ||
                    outcome.kind == WorkerOutcome::Kind::stuck)
            << outcome.reason;
      }
      const WorkerView view = pool.view().front();
      EXPECT_EQ(view.state, "open");
      EXPECT_TRUE(view.retry_seconds);
      EXPECT_EQ(pool.slots(), 0);
      reason = view.reason;
    });
    return reason;
  }

  asio::io_context context_;
  asio::thread_pool cpu_{1};
  WorkerPoolConfig config_;
  std::vector<std::unique_ptr<RawPeer>> peers_;
};

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string ply(float x) {
  splat::GaussianCloud cloud;
  cloud.resize(200);
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    cloud.positions[i] = {x + 0.01F * static_cast<float>(i % 17), 0.01F * static_cast<float>(i),
                          0.02F * static_cast<float>(i % 5)};
    cloud.log_scales[i] = glm::vec3(-3);
    cloud.rotations[i] = glm::quat(1, 0, 0, 0);
    cloud.opacity_logits[i] = 3;
  }
  return std::string(as_text(splat::encode_ply(cloud, {.normals = true})));
}

TEST_F(WorkerPoolTest, OpensTheCircuitOfAServiceThatAnswersNoPly) {
  add_peer(RawPeer::reply(ok("this is no PLY")));
  EXPECT_THAT(reason_after_three_failures(), HasSubstr("junk: "));
}

TEST_F(WorkerPoolTest, OpensTheCircuitOfAServiceThatAnswersNotANumber) {
  add_peer(RawPeer::reply(ok(ply(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_THAT(reason_after_three_failures(), HasSubstr("junk: "));
}

TEST_F(WorkerPoolTest, OpensTheCircuitOfAServiceWithAHugeBody) {
  add_peer(RawPeer::reply("HTTP/1.1 200 OK\r\ncontent-length: 9000000000\r\n\r\nply"));
  EXPECT_THAT(reason_after_three_failures(), HasSubstr("longer than allowed"));
}

TEST_F(WorkerPoolTest, OpensTheCircuitOfAServiceThatDrips) {
  add_peer([](RawPeer::Socket socket) -> asio::awaitable<void> {
    const std::string head = "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
    co_await asio::async_write(socket, asio::buffer(head), asio::use_awaitable);
    asio::steady_timer pause(socket.get_executor());
    for (;;) {
      pause.expires_after(milliseconds(20));
      co_await pause.async_wait(asio::use_awaitable);
      co_await asio::async_write(socket, asio::buffer("x", 1), asio::use_awaitable);
    }
  });
  EXPECT_THAT(reason_after_three_failures(), HasSubstr("deadline"));
}

TEST_F(WorkerPoolTest, OpensTheCircuitOfAServiceThatHangsOrHangsUp) {
  add_peer(RawPeer::hang());
  EXPECT_THAT(reason_after_three_failures(), HasSubstr("deadline"));
  context_.restart();
  config_.endpoints.clear();
  add_peer(RawPeer::reply(""));
  EXPECT_THAT(reason_after_three_failures(), HasSubstr("closed"));
}

TEST_F(WorkerPoolTest, TriesAgainAfterAPauseAndForgetsWhenItSucceeds) {
  auto is_broken = std::make_shared<bool>(true);
  const std::string good = ply(0);
  add_peer([=](RawPeer::Socket socket) -> asio::awaitable<void> {
    const RawPeer::Behaviour chosen = RawPeer::reply(ok(*is_broken ? "junk" : good));
    auto answering = chosen(std::move(socket));
    co_await std::move(answering);
  });
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    co_await until(pool, "idle");
    for (int i = 0; i < 3; ++i) {
      co_await try_task(pool);
    }
    EXPECT_FALSE(pool.acquire());
    co_await until(pool, "trial");
    EXPECT_EQ(pool.slots(), 1);
    *is_broken = false;
    const WorkerOutcome outcome = co_await try_task(pool);
    EXPECT_EQ(outcome.kind, WorkerOutcome::Kind::succeeded) << outcome.reason;
    EXPECT_EQ(pool.view().front().state, "idle");
    EXPECT_EQ(pool.view().front().reason, "");
  });
}

TEST_F(WorkerPoolTest, RefusesAnSpzAboveTheLimitAndSaysHowLargeItIs) {
  add_peer(RawPeer::reply(ok(ply(0))));
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    co_await until(pool, "idle");
    std::size_t size = 0;
    for (const bool is_allowed : {true, false}) {
      const auto lease = pool.acquire();
      WorkerAddress address = lease->address();
      GenerationJob job;
      job.task.prompt = "a red mug";
      if (!is_allowed) {
        job.largest_spz = size - 1;
      }
      const Attempt attempt = co_await make_candidate(std::move(address), std::move(job), cpu_);
      EXPECT_TRUE(attempt.candidate) << "a bad candidate, not a failed attempt";
      if (is_allowed) {
        EXPECT_EQ(attempt.junk, "");
        size = attempt.candidate->spz->size();
        EXPECT_GT(size, 1000U);
        continue;
      }
      EXPECT_TRUE(attempt.candidate->judged);
      EXPECT_EQ(attempt.candidate->score, 0);
      EXPECT_TRUE(attempt.candidate->spz->empty());
      EXPECT_THAT(attempt.candidate->reason, HasSubstr("SPZ of " + std::to_string(size)));
      EXPECT_THAT(outcome_of(attempt).reason, HasSubstr("too large"));
    }
  });
}

TEST_F(WorkerPoolTest, TellsTheJudgeItsFloorAndKeepsNothingOfWhatWasDiscarded) {
  auto body = std::make_shared<std::string>();
  RawPeer judge(context_.get_executor(), [body](RawPeer::Socket socket) -> asio::awaitable<void> {
    co_await asio::async_read_until(socket, asio::dynamic_buffer(*body), "score_floor",
                                    asio::use_awaitable);
    const RawPeer::Behaviour answer =
        RawPeer::reply_json(R"({"score":0.41,"reason":"discarded on 4 views","discarded":true})");
    auto answering = answer(std::move(socket));
    co_await std::move(answering);
  });
  config_.validation = net::HttpUrl{judge.endpoint(), "/"};
  add_peer(RawPeer::reply(ok(ply(0))));
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    co_await until(pool, "idle");
    const auto lease = pool.acquire();
    WorkerAddress address = lease->address();
    GenerationJob job;
    job.task.prompt = "a red mug";
    job.floor = [] { return std::optional(0.7); };
    const Attempt attempt = co_await make_candidate(std::move(address), std::move(job), cpu_);
    EXPECT_TRUE(attempt.candidate) << attempt.candidate.error().message();
    EXPECT_TRUE(attempt.candidate->is_discarded);
    EXPECT_EQ(attempt.candidate->score, 0.41);
    EXPECT_TRUE(attempt.candidate->spz->empty());
    EXPECT_THAT(*body, HasSubstr("score_floor"));
  });
}

TEST_F(WorkerPoolTest, DoesNotAskABusyServiceBeforeItsRetryAfter) {
  add_peer(RawPeer::reply(
      "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n"));
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    co_await until(pool, "idle");
    for (int i = 0; i < 4; ++i) {  // more often than failures would be borne
      const WorkerOutcome outcome = co_await try_task(pool);
      EXPECT_EQ(outcome.kind, WorkerOutcome::Kind::busy);
      EXPECT_EQ(pool.view().front().state, "held");
      EXPECT_FALSE(pool.acquire());
      co_await until(pool, "idle");
    }
    EXPECT_EQ(pool.view().front().failed, 0);
  });
}

TEST_F(WorkerPoolTest, LendsAWorkerAsOftenAsItsConcurrencyAllows) {
  add_peer(RawPeer::hang(), {.generation = {}, .weight = 1, .concurrency = 2});
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    co_await until(pool, "idle");
    EXPECT_EQ(pool.slots(), 2);
    auto first = pool.acquire(), second = pool.acquire();
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(pool.acquire());
    EXPECT_EQ(pool.view().front().running, 2);
  });
}

TEST_F(WorkerPoolTest, ExchangesEndpointsWhileATaskRuns) {
  add_peer(RawPeer::hang());
  add_peer(RawPeer::hang());
  const std::vector<WorkerEndpoint> both = config_.endpoints;
  config_.endpoints = {both[0]};
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    co_await until(pool, "idle");
    {
      const auto lease = pool.acquire();
      std::vector<WorkerEndpoint> next = {both[1]};
      pool.set_endpoints(std::move(next), std::nullopt);
      EXPECT_EQ(pool.view().size(), 1U);
      EXPECT_THAT(pool.view().front().name, both[1].generation.endpoint.to_string());
      EXPECT_EQ(lease->address().generation, both[0].generation);
    }
    co_await until(pool, "idle");
    EXPECT_EQ(pool.slots(), 1);
  });
}

/// A local worker as a script: healthy, and `act` on a generation request.
class LocalWorkerTest : public WorkerPoolTest {
 protected:
  void SetUp() override {
    WorkerPoolTest::SetUp();
    dir_ = fs::path(testing::TempDir()) / ("lode_pool_" + std::to_string(::getpid()));
    fs::create_directories(dir_);
    config_.local_workers = 1;
    config_.local_processes = 1;
    config_.binary = dir_ / "worker";
  }
  void TearDown() override { fs::remove_all(dir_); }

  void script(const std::string& act) {
    std::ofstream(config_.binary) << R"(#!/usr/bin/env python3
import http.server, json, os, time
class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def do_POST(self):
        )" << act << R"(
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(json.dumps({"listen": "127.0.0.1:%d" % server.server_port}), flush=True)
server.serve_forever()
)";
    fs::permissions(config_.binary, fs::perms::owner_all);
  }
  asio::awaitable<void> count_failure(WorkerPool& pool, int& failed) {
    const WorkerOutcome outcome = co_await try_task(pool);
    failed += outcome.kind == WorkerOutcome::Kind::failed ? 1 : 0;
  }
  /// One task fails, and the process comes back.
  void expect_restart(const std::string& reason) {
    run([&](WorkerPool& pool) -> asio::awaitable<void> {
      co_await until(pool, "idle");
      co_await try_task(pool);
      co_await until(pool, "unhealthy");
      EXPECT_THAT(pool.view().front().reason, StartsWith(reason));
      co_await until(pool, "idle");
      EXPECT_EQ(pool.view().front().restarts, 1);
      EXPECT_NE(pool.view().front().reason, "") << "the last failure stays to be seen";
    });
  }
  fs::path dir_;
};

TEST_F(LocalWorkerTest, StartsAProcessAgainThatCrashes) {
  script("os._exit(7)");
  expect_restart("the process ended");
}

TEST_F(LocalWorkerTest, ACrashFailsAllTasksOfAProcessAndCountsOnce) {
  config_.local_workers = 4;
  script("time.sleep(0.1); os._exit(7)");
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    co_await until(pool, "idle");
    EXPECT_EQ(pool.view().size(), 1U) << "one process";
    EXPECT_EQ(pool.slots(), 4);
    int failed = 0;
    for (int i = 0; i < 4; ++i) {
      asio::co_spawn(context_, count_failure(pool, failed), asio::detached);
    }
    co_await sleep(milliseconds(10));
    EXPECT_EQ(pool.view().front().running, 4);
    EXPECT_FALSE(pool.acquire());
    co_await until(pool, "unhealthy");
    for (int i = 0; i < 200 && failed < 4; ++i) {
      co_await sleep(milliseconds(20));
    }
    EXPECT_EQ(failed, 4) << "all of its tasks go with it";
    co_await until(pool, "idle");
    EXPECT_EQ(pool.view().front().failed, 4);
    EXPECT_EQ(pool.view().front().restarts, 1);
    EXPECT_EQ(pool.slots(), 4) << "one crash opens no circuit";
  });
}

TEST_F(LocalWorkerTest, SharesTheTasksBetweenProcessesAndTellsEachItsPart) {
  config_.local_workers = 5;
  config_.local_processes = 2;
  std::ofstream log(dir_ / "arguments");
  log.close();
  script("pass");
  // Each process notes how it was called before it says that it is ready.
  std::ifstream in(config_.binary);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  in.close();
  text.insert(text.find("server = "), "import sys\nopen('" + (dir_ / "arguments").string() +
                                          "', 'a').write(' '.join(sys.argv[1:]) + '\\n')\n");
  std::ofstream(config_.binary) << text;
  run([&](WorkerPool& pool) -> asio::awaitable<void> {
    for (int i = 0; i < 500 && pool.slots() < 5; ++i) {
      co_await sleep(milliseconds(20));
    }
    EXPECT_EQ(pool.slots(), 5);
    EXPECT_EQ(pool.view()[0].concurrency, 3);
    EXPECT_EQ(pool.view()[1].concurrency, 2);
  });
  std::ifstream calls(dir_ / "arguments");
  const std::string said((std::istreambuf_iterator<char>(calls)), {});
  EXPECT_THAT(said, HasSubstr("--jobs 3"));
  EXPECT_THAT(said, HasSubstr("--jobs 2"));
}

TEST_F(LocalWorkerTest, KillsAndStartsAgainAProcessThatExceedsATasksLimit) {
  script("time.sleep(100)");
  expect_restart("stuck: ");
}

}  // namespace
}  // namespace lode::miner
