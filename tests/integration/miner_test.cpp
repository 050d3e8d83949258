// The miner over real sockets: against the sandbox's honest validators, and beside ones that
// misbehave in every way a reply can.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/http_date.h"
#include "chain/keyfile.h"
#include "chain/metagraph_sync_io.h"
#include "miner/miner_io.h"
#include "net/http_server.h"
#include "sandbox/subnet_io.h"
#include "service/generation_service.h"
#include "splat/ply.h"
#include "tests/support/raw_peer.h"

namespace lode::miner {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Json = nlohmann::json;
using test::RawPeer;

/// How much longer everything may take: the workers run on the test's own thread.
#ifdef __SANITIZE_THREAD__
constexpr int kSlowness = 10;
#elif defined(__SANITIZE_ADDRESS__)
constexpr int kSlowness = 3;
#else
constexpr int kSlowness = 1;
#endif

/// A worker in this process: the real service, on the test's thread.
class InProcessWorker final : public net::HttpHandler {
 public:
  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    ++requests;
    if (is_broken) {
      co_return make_response(200, "application/octet-stream", "this is no PLY");
    }
    if (service::GenerationService::route_kind(request) == service::RouteKind::job) {
      co_return service_.run_job(request, {});
    }
    co_return service_.answer_quick(request, 0, 0);
  }
  int requests = 0;
  bool is_broken = false;

 private:
  service::GenerationService service_{*pipeline::make_backend("sketch")};
};

/// A worker that is healthy and never ends a generation.
class EndlessWorker {
 public:
  explicit EndlessWorker(asio::any_io_executor executor)
      : peer_(std::move(executor),
              [this](RawPeer::Socket socket) { return serve(std::move(socket)); }) {}

  net::Endpoint endpoint() const { return peer_.endpoint(); }
  int began = 0;      ///< generations
  int given_up = 0;   ///< of them, by the other side
  int most_once = 0;  ///< at the same time

 private:
  asio::awaitable<void> serve(RawPeer::Socket socket) {
    if (peer_.heads().back().starts_with("GET")) {
      const RawPeer::Behaviour healthy = RawPeer::reply_json("{}");
      auto answering = healthy(std::move(socket));
      co_await std::move(answering);
      co_return;
    }
    ++began;
    most_once = std::max(most_once, began - given_up);
    boost::system::error_code ec;
    std::string rest;
    co_await asio::async_read(socket, asio::dynamic_buffer(rest),
                              asio::redirect_error(asio::use_awaitable, ec));
    ++given_up;
  }

  RawPeer peer_;
};

class MinerTest : public testing::Test {
 protected:
  void SetUp() override {
    spdlog::set_level(spdlog::level::off);
    dir_ = fs::path(testing::TempDir()) /
           ("lode_miner_" + std::to_string(::getpid()) + "_" +
            testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::create_directories(dir_);
    sandbox_.dir = dir_;
    sandbox_.validators = 2;
    sandbox_.seed = 5;
    sandbox_.time_scale = 100.0 / kSlowness;  // a cycle of 3 s
    sandbox_.shares = {0, 0};
    sandbox_.worker_threads = 1;
    config_.artifacts = dir_ / "splats";
    config_.drain_timeout = std::chrono::seconds(5) * kSlowness;
    config_.pull_timeout = std::chrono::milliseconds(500) * kSlowness;
    worker_server_ = std::make_unique<net::HttpServer>(
        context_.get_executor(), worker_, net::ServerLimits{.body_bytes = 64 << 20},
        [](const std::string&, const std::string& why) { ADD_FAILURE() << why; });
    WorkerEndpoint endpoint;
    endpoint.generation = {*worker_server_->listen({"127.0.0.1", 0}), "/"};
    pool_config_.endpoints = {endpoint};
    pool_config_.validation = endpoint.generation;
  }
  /// The sandbox's work on its pool ends before anything that the work or its awaiters use goes.
  void TearDown() override {
    if (subnet_) {
      run_to_end(subnet_->stop());
    }
    fs::remove_all(dir_);
  }

  /// Runs the context until `step` has ended, whatever else goes on.
  void run_to_end(asio::awaitable<void> step) {
    bool is_done = false;
    asio::co_spawn(context_, std::move(step), [&](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      is_done = true;
    });
    while (!is_done) {
      context_.run_one_for(std::chrono::seconds(1));
    }
  }

  void start_sandbox() {
    auto started = sandbox::Subnet::start(context_.get_executor(), sandbox_);
    ASSERT_TRUE(started) << started.error().message();
    subnet_ = *std::move(started);
    hotkey_.emplace(*chain::read_hotkey_file(dir_ / "miner_hotkey.json"));
    read_metagraph();
  }

  /// From the sandbox's chain.
  void read_metagraph() {
    chain::RpcClientConfig config;
    config.urls = {subnet_->ready_json()["chain"].get<std::string>()};
    auto client = *chain::RpcClient::make(context_.get_executor(), config);
    chain::MetagraphSync sync(*client, {}, [this](const chain::Metagraph& metagraph, const auto&) {
      metagraph_ = metagraph;
    });
    const auto read = [](chain::RpcClient& c, chain::MetagraphSync& s) -> asio::awaitable<void> {
      c.start();
      const auto result = co_await s.read_once();
      EXPECT_TRUE(result) << result.error().message();
      c.close();
      co_await c.join();
    };
    run_to_end(read(*client, sync));
  }

  /// A neuron with stake at the peer's address; its uid.
  int add_neuron(const net::Endpoint& where) {
    const int uid = 1000 + static_cast<int>(strangers_.size());
    const Bytes seed(32, static_cast<std::uint8_t>(strangers_.size() + 1));
    strangers_.push_back(chain::Keypair::from_mini_secret(seed)->ss58());
    metagraph_.neurons.push_back({uid, strangers_.back(), where.host, where.port, 5000, true});
    return uid;
  }
  int add_peer(RawPeer::Behaviour behave) {
    peers_.push_back(std::make_unique<RawPeer>(context_.get_executor(), std::move(behave)));
    return add_neuron(peers_.back()->endpoint());
  }

  /// Mines until `is_done` says so of the ledger (looked at every 20 ms), then drains. Fails after
  /// 100 s, and drains then. The last snapshot before the drain. Returns once the miner has ended,
  /// however long that takes: what it left in the context would resume in TearDown.
  Snapshot mine_until(const std::function<bool(const Snapshot&)>& is_done) {
    auto journal = Journal::open(dir_ / "journal.db", journal_options_);
    EXPECT_TRUE(journal) << journal.error().message();
    Miner* to_wake = nullptr;
    WorkerPool pool(context_.get_executor(), pool_config_, [&to_wake] {
      if (to_wake != nullptr) {
        to_wake->wake();
      }
    });
    Miner miner(context_.get_executor(), config_, *hotkey_, *journal, pool);
    to_wake = &miner;
    EXPECT_TRUE(miner.load(metagraph_));
    Snapshot snapshot;
    std::exception_ptr failure;
    bool ended = false;
    asio::co_spawn(
        context_,
        [](Miner& m, WorkerPool& p) -> asio::awaitable<void> {
          p.start();
          co_await m.run();
          co_await p.stop();
        }(miner, pool),
        [&](std::exception_ptr e) {
          failure = e;
          ended = true;
        });
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(100) * kSlowness;
    bool is_reached = false;
    bool is_draining = false;
    while (!ended) {
      context_.run_for(std::chrono::milliseconds(20));
      if (!is_draining) {
        snapshot = miner.snapshot();
        is_reached = is_done(snapshot);
        if (is_reached || std::chrono::steady_clock::now() >= deadline) {
          is_draining = true;
          miner.drain();
        }
      }
    }
    EXPECT_TRUE(is_reached) << "the goal was not reached:\n" << format_table(to_json(snapshot));
    EXPECT_LT(std::chrono::steady_clock::now(), deadline + 3 * config_.drain_timeout);
    if (failure) {
      std::rethrow_exception(failure);
    }
    return snapshot;
  }

  static const ValidatorView& row(const Snapshot& snapshot, int uid) {
    for (const auto& view : snapshot.validators) {
      if (view.neuron.uid == uid) {
        return view;
      }
    }
    throw std::logic_error("no row for uid " + std::to_string(uid));
  }
  bool honest_accepted(const Snapshot& snapshot, int count) const {
    for (const auto& resident : subnet_->roster()) {
      if (resident.role == sandbox::Role::validator &&
          row(snapshot, resident.neuron.uid).ledger.accepted < count) {
        return false;
      }
    }
    return true;
  }
  /// The sandbox's accounts of its "validators" or "bystanders".
  Json books(const std::string& whose) const {
    return sandbox::to_json(subnet_->status()).at(whose);
  }

  asio::io_context context_;
  fs::path dir_;
  sandbox::SubnetConfig sandbox_;
  std::unique_ptr<sandbox::Subnet> subnet_;
  chain::Metagraph metagraph_{17, {}};
  std::optional<chain::Keypair> hotkey_;
  std::vector<std::string> strangers_;
  std::vector<std::unique_ptr<RawPeer>> peers_;
  std::optional<EndlessWorker> endless_;
  InProcessWorker worker_;
  std::unique_ptr<net::HttpServer> worker_server_;
  WorkerPoolConfig pool_config_;
  MinerConfig config_;
  JournalOptions journal_options_;
};

std::string task_json(const std::string& type, const std::string& prompt) {
  return Json{{"task", {{"type", type}, {"id", "t-" + type}, {"prompt", prompt}}},
              {"validation_threshold", 0.6},
              {"throttle_period", 1},
              {"cooldown_until", 0},
              {"cooldown_violations", 0}}
      .dump();
}

TEST_F(MinerTest, ServesEveryValidatorWithoutAViolationAndLeavesTheOthersAlone) {
  start_sandbox();
  const Snapshot end = mine_until([&](const Snapshot& s) { return honest_accepted(s, 2); });
  for (const Json& validator : books("validators")) {
    EXPECT_EQ(validator["violations"], 0) << validator.dump();
    EXPECT_EQ(validator["rejected"], 0) << validator.dump();
    EXPECT_GE(validator["accepted"], 2) << validator.dump();
  }
  for (const Json& bystander : books("bystanders")) {
    EXPECT_EQ(bystander["requests"], 0) << bystander.dump();
  }
  EXPECT_EQ(row(end, 180).state, State::skipped);
  EXPECT_GE(std::distance(fs::directory_iterator(config_.artifacts), fs::directory_iterator()), 12)
      << "four results as spz, ply and json";
}

TEST_F(MinerTest, GivesAReasonForEveryMisbehaviourAndGoesOnMining) {
  start_sandbox();
  const int garbage = add_peer(RawPeer::reply("this is no HTTP\r\n\r\n"));
  const int hanging = add_peer(RawPeer::hang());
  const int early_close = add_peer(RawPeer::reply(""));
  const int endless = add_peer(RawPeer::endless_body());
  const int wrong_types = add_peer(
      RawPeer::reply_json(R"({"task":null,"cooldown_until":"soon","throttle_period":[]})"));
  const int no_json = add_peer(RawPeer::reply_json("<html>"));
  const int not_found =
      add_peer(RawPeer::reply("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"));
  asio::ip::tcp::acceptor closed(context_, {asio::ip::make_address("127.0.0.1"), 0});
  const int refused = add_neuron({"127.0.0.1", closed.local_endpoint().port()});
  closed.close();
  const std::vector<int> bad{garbage,     hanging, early_close, endless,
                             wrong_types, no_json, not_found,   refused};

  const Snapshot end = mine_until([&](const Snapshot& s) {
    return honest_accepted(s, 1) && std::all_of(bad.begin(), bad.end(), [&](int uid) {
             return row(s, uid).ledger.pull_failures > 0;
           });
  });
  for (const int uid : bad) {
    EXPECT_EQ(row(end, uid).ledger.pulled, 0) << uid;
    EXPECT_FALSE(row(end, uid).ledger.last_error.empty()) << uid;
  }
  using testing::HasSubstr;
  EXPECT_THAT(row(end, hanging).ledger.last_error, HasSubstr("deadline"));
  EXPECT_THAT(row(end, endless).ledger.last_error, HasSubstr("longer than allowed"));
  EXPECT_THAT(row(end, early_close).ledger.last_error, HasSubstr("closed"));
  EXPECT_THAT(row(end, wrong_types).ledger.last_error, HasSubstr("throttle_period"));
  EXPECT_THAT(row(end, no_json).ledger.last_error, HasSubstr("JSON"));
  EXPECT_THAT(row(end, not_found).ledger.last_error, HasSubstr("404"));
  EXPECT_THAT(row(end, refused).ledger.last_error, HasSubstr("connect"));
}

TEST_F(MinerTest, AnswersEmptyToAHugePromptAndToAPictureThatIsNone) {
  start_sandbox();
  const int huge = add_peer(RawPeer::reply_json(task_json("text", std::string(1 << 20, 'a'))));
  const int no_picture =
      add_peer(RawPeer::reply_json(task_json("image", base64_encode(Bytes(300, 7)))));
  const int cut_picture =
      add_peer(RawPeer::reply_json(task_json("image", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIA")));
  const std::vector<int> bad{huge, no_picture, cut_picture};
  const Snapshot end = mine_until([&](const Snapshot& s) {
    return honest_accepted(s, 1) && std::all_of(bad.begin(), bad.end(), [&](int uid) {
             return row(s, uid).ledger.submit_attempts + row(s, uid).ledger.submit_failures > 0;
           });
  });
  EXPECT_THAT(row(end, huge).ledger.generation_failures, testing::Ge(1));
  std::ifstream journal(dir_ / "journal.db", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(journal)), {});
  EXPECT_LT(text.size(), 4U << 20) << "a megabyte of prompt does not reach the journal";
}

TEST_F(MinerTest, TreatsAWorkersJunkAsABadCandidateAndAnswersEmpty) {
  start_sandbox();
  worker_.is_broken = true;
  const Snapshot end = mine_until([&](const Snapshot& s) {
    return std::all_of(s.validators.begin(), s.validators.end(), [](const auto& v) {
      return v.state == State::skipped || v.ledger.empty >= 1;
    });
  });
  for (const Json& validator : books("validators")) {
    EXPECT_EQ(validator["rejected"], 0);
    EXPECT_GE(validator["empty"], 1);
  }
}

TEST_F(MinerTest, RefusesAnSpzThatIsTooLargeSaysSoAndGoesOn) {
  start_sandbox();
  config_.largest_spz = 1000;
  const Snapshot end = mine_until([&](const Snapshot& s) {
    return std::all_of(s.validators.begin(), s.validators.end(), [](const auto& v) {
      return v.state == State::skipped || v.ledger.empty >= 1;
    });
  });
  for (const Json& validator : books("validators")) {
    EXPECT_EQ(validator["rejected"], 0);
    EXPECT_EQ(validator["accepted"], 0);
  }
  const auto events = Journal::open_read_only(dir_ / "journal.db")->events();
  EXPECT_TRUE(std::any_of(events->begin(), events->end(), [](const Event& e) {
    return e.kind == EventKind::candidate_ready &&
           e.detail.find("bytes is too large: at most 1000") != std::string::npos;
  }));
  config_.largest_spz = kMaxArtifactBytes;
  mine_until([&](const Snapshot& s) { return honest_accepted(s, 1); });
}

TEST_F(MinerTest, ATaskThatIsDoneFreesTheWorkerThatIsStillOnIt) {
  sandbox_.validators = 1;
  sandbox_.time_scale = 30.0 / kSlowness;  // a window of 1 s, a cycle of 10 s
  start_sandbox();
  // Scores are known and a second candidate seems to fit the window: the spare worker gets each
  // task, too.
  config_.scheduling.priors.generation = std::chrono::milliseconds(100);
  config_.scheduling.priors.submission = std::chrono::milliseconds(50);
  Event made;
  made.at = SystemClock().now() - std::chrono::hours(1);
  made.hotkey = "another";
  made.kind = EventKind::assigned;
  made.task_id = "old";
  made.task_type = "text";
  Event scored = made;
  scored.kind = EventKind::candidate_ready;
  scored.judged = true;
  scored.score = 0.8;
  scored.seconds = 0.1;
  ASSERT_TRUE(Journal::open(dir_ / "journal.db", {})->append({made, scored}));
  EndlessWorker& endless = endless_.emplace(context_.get_executor());
  WorkerEndpoint endpoint;
  endpoint.generation = {endless.endpoint(), "/"};
  pool_config_.endpoints.push_back(endpoint);
  mine_until([&](const Snapshot& s) { return honest_accepted(s, 1) && endless.began >= 2; });
  EXPECT_GE(endless.given_up, 1) << "its connection was closed";
  EXPECT_EQ(endless.most_once, 1) << "the next task came after that";
  const auto events = Journal::open_read_only(dir_ / "journal.db")->events();
  EXPECT_TRUE(std::any_of(events->begin(), events->end(), [](const Event& e) {
    return e.kind == EventKind::cancelled && e.detail == "no longer wanted";
  }));
}

TEST_F(MinerTest, ATaskWhoseWorkerHangsIsMadeByAnother) {
  sandbox_.validators = 1;
  sandbox_.time_scale = 30.0 / kSlowness;
  start_sandbox();
  config_.scheduling.improves_results = false;
  config_.scheduling.priors.generation = std::chrono::milliseconds(300) * kSlowness;
  EndlessWorker& endless = endless_.emplace(context_.get_executor());
  WorkerEndpoint endpoint;
  endpoint.generation = {endless.endpoint(), "/"};
  pool_config_.endpoints.push_back(endpoint);
  mine_until([&](const Snapshot& s) { return honest_accepted(s, 1) && endless.given_up >= 1; });
  const auto events = Journal::open_read_only(dir_ / "journal.db")->events();
  EXPECT_TRUE(std::any_of(events->begin(), events->end(), [](const Event& e) {
    return e.kind == EventKind::decided && e.detail.starts_with("another worker: ");
  }));
}

TEST_F(MinerTest, LosesNothingWhenValidatorsDropRequestsAndReplies) {
  sandbox_.fault_rate = 0.2;
  start_sandbox();
  config_.submit_timeout = std::chrono::seconds(5) * kSlowness;
  mine_until([&](const Snapshot& s) { return honest_accepted(s, 2); });
  for (const Json& validator : books("validators")) {
    EXPECT_EQ(validator["rejected"], 0) << validator.dump();
    EXPECT_GE(validator["accepted"], 2) << validator.dump();
  }
}

TEST_F(MinerTest, TakesNoNewTasksWhileTheJournalIsFullAndGoesOnOnceThereIsRoom) {
  start_sandbox();
  const int uid = subnet_->roster().front().neuron.uid;
  journal_options_.max_pages = 60;
  {
    auto journal = Journal::open(dir_ / "journal.db", journal_options_);
    Event filler;
    filler.at = SystemClock().now();
    filler.kind = EventKind::decided;
    filler.hotkey = "filler";
    for (std::size_t bytes = 4000; bytes > 0; bytes /= 2) {
      filler.detail.assign(bytes, 'x');
      while (journal->append({filler})) {
      }
    }
  }
  const auto says_full = [&](const Snapshot& s) {
    return row(s, uid).reason.find("full") != std::string::npos;
  };
  mine_until(says_full);
  for (const Json& validator : books("validators")) {
    EXPECT_EQ(validator.at("pulled"), 0) << "its assignment could not have been recorded";
  }
  journal_options_ = {};
  mine_until([&](const Snapshot& s) { return honest_accepted(s, 1); });
}

TEST_F(MinerTest, AfterARestartSubmitsTheKeptCandidateWithoutMakingItAgain) {
  start_sandbox();
  // A validator that takes no submission: the candidate stays in the journal.
  const int deaf = add_peer(RawPeer::reply_json(task_json("text", "a red mug")));
  metagraph_.neurons = {metagraph_.neurons.back()};
  config_.submit_timeout = std::chrono::milliseconds(500);
  mine_until([&](const Snapshot& s) { return row(s, deaf).ledger.submit_failures > 0; });
  const int requests_before = worker_.requests;
  mine_until([&](const Snapshot& s) { return row(s, deaf).ledger.submit_failures > 1; });
  EXPECT_LE(worker_.requests - requests_before, 5) << "health checks only";
  const auto events = Journal::open_read_only(dir_ / "journal.db")->events();
  const auto made = std::count_if(events->begin(), events->end(), [](const Event& e) {
    return e.kind == EventKind::candidate_ready;
  });
  EXPECT_EQ(made, 1);
}

TEST_F(MinerTest, ReportsAClockThatDiffersFromTheValidators) {
  start_sandbox();
  metagraph_.neurons.clear();
  const std::string body = R"({"task":null,"cooldown_until":0})";
  for (int i = 0; i < 2; ++i) {
    add_peer(RawPeer::reply("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: " +
                            http_date(SystemClock().now() + std::chrono::hours(1)) +
                            "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
                            body));
  }
  const Snapshot end = mine_until([](const Snapshot& s) { return !s.clock_warning.empty(); });
  EXPECT_NEAR(to_seconds(*end.clock_skew), 3600, 5);
  EXPECT_THAT(end.clock_warning, testing::HasSubstr("behind that of"));
}

TEST_F(MinerTest, FollowsAValidatorsClockWithTheNonceWhenItsOwnIsSlow) {
  start_sandbox();
  metagraph_.neurons.clear();
  constexpr auto kLead = std::chrono::minutes(10);
  const Time start = SystemClock().now();
  const std::string body =
      R"({"task":null,"cooldown_until":)" + std::to_string(unix_seconds(start) + 1) + "}";
  add_peer(RawPeer::reply(
      "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: " + http_date(start + kLead) +
      "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body));
  const std::vector<std::string>& heads = peers_.back()->heads();
  mine_until([&](const Snapshot&) { return heads.size() >= 2; });
  ASSERT_GE(heads.size(), 2U);
  // Of each request's nonce over this machine's clock at the start, seconds.
  const auto lead = [&](const std::string& head) {
    const std::string name = "bt_header_dendrite_nonce: ";
    const Duration nonce(std::stoll(head.substr(head.find(name) + name.size())));
    return to_seconds(nonce - start.time_since_epoch());
  };
  EXPECT_NEAR(lead(heads[0]), 0, 30);
  EXPECT_NEAR(lead(heads[1]), to_seconds(Duration(kLead)), 30);
}

}  // namespace
}  // namespace lode::miner
