// The sandbox's subnet over real loopback sockets, asked as a miner asks.
#include "sandbox/subnet_io.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.h"
#include "chain/keyfile.h"
#include "image/codec.h"
#include "net/http_client.h"
#include "sketch/sketch.h"
#include "splat/precondition.h"
#include "splat/spz.h"
#include "subnet/dendrite.h"

namespace lode::sandbox {
namespace {

namespace asio = boost::asio;
using asio::awaitable;

class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() /
           (std::string("lode-sandbox-test-") +
            testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
            std::to_string(::getpid()));
    std::filesystem::create_directories(dir_);
    config_.dir = dir_;
    config_.validators = 2;  // the second one speaks v44
    config_.seed = 11;
    config_.shares = {0, 0};
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  /// Starts the subnet and runs `scenario` against it, or fails after half a minute.
  void run(std::function<awaitable<void>()> scenario) {
    auto subnet = Subnet::start(context_.get_executor(), config_);
    ASSERT_TRUE(subnet.has_value()) << subnet.error().message();
    subnet_ = std::move(*subnet);
    auto hotkey = chain::read_hotkey_file(dir_ / "miner_hotkey.json");
    ASSERT_TRUE(hotkey.has_value()) << hotkey.error().message();
    hotkey_.emplace(std::move(*hotkey));
    auto metagraph = chain::read_metagraph_file(dir_ / "metagraph.json");
    ASSERT_TRUE(metagraph.has_value()) << metagraph.error().message();
    metagraph_ = std::move(*metagraph);
    std::exception_ptr failure;
    bool done = false;
    asio::co_spawn(
        context_,
        [&]() -> awaitable<void> {
          std::exception_ptr broken;
          try {
            co_await scenario();
          } catch (...) {
            broken = std::current_exception();
          }
          co_await subnet_->stop();
          if (broken)
            std::rethrow_exception(broken);
        },
        [&](std::exception_ptr e) {
          failure = e;
          done = true;
        });
    context_.run_for(std::chrono::seconds(30));
    ASSERT_TRUE(done) << "the scenario did not end";
    if (failure)
      std::rethrow_exception(failure);
  }

  static std::int64_t now() { return unix_seconds(SystemClock().now()); }

  const chain::Neuron& validator(int index) const { return subnet_->roster()[index].neuron; }

  subnet::Terminals terminals(const chain::Keypair& miner, const chain::Neuron& target) {
    subnet::Terminals result;
    result.dendrite_hotkey = miner.ss58();
    result.dendrite_ip = "127.0.0.1";
    result.dendrite_uuid = "test-" + std::to_string(++requests_);
    result.nonce = SystemClock().now().time_since_epoch().count();
    result.axon_hotkey = target.hotkey;
    result.axon_ip = target.ip;
    result.axon_port = target.port;
    return result;
  }

  awaitable<Result<HttpResponse>> send(const chain::Neuron& target, HttpRequest request) {
    net::FetchLimits limits;
    limits.total_timeout = std::chrono::seconds(20);
    // A variable of its own: GCC 12 destroys braced temporaries of an awaited call twice.
    const net::Endpoint peer{target.ip, target.port};
    net::Exchange exchange = co_await net::fetch(peer, std::move(request), limits);
    co_return std::move(exchange.response);
  }

  awaitable<subnet::PullReply> pull(const chain::Neuron& target, const chain::Keypair& miner) {
    const auto response =
        co_await send(target, subnet::make_pull_request(miner, terminals(miner, target)));
    co_return subnet::parse_pull_reply(response.value()).value();
  }
  awaitable<subnet::PullReply> pull(const chain::Neuron& target) {
    co_return co_await pull(target, *hotkey_);
  }

  HttpRequest submit_request(const chain::Neuron& target, const subnet::Submission& submission) {
    return subnet::make_submit_request(*hotkey_, terminals(*hotkey_, target), submission);
  }
  awaitable<subnet::SubmitReply> submit(const chain::Neuron& target,
                                        const subnet::Submission& submission) {
    const auto response = co_await send(target, submit_request(target, submission));
    co_return subnet::parse_submit_reply(response.value()).value();
  }

  subnet::Submission signed_submission(const chain::Neuron& target, const subnet::Task& task,
                                       std::string results) {
    subnet::Submission submission;
    submission.task = task;
    submission.results = std::move(results);
    submission.submit_time = SystemClock().now().time_since_epoch().count();
    submission.signature =
        subnet::sign_result(*hotkey_, submission.submit_time, task.prompt, target.hotkey);
    return submission;
  }

  static std::string packed(const splat::GaussianCloud& cloud) {
    Rng rng(1);
    return base64_encode(*splat::encode_spz(*splat::precondition(cloud, rng)));
  }
  /// What a miner with the sketch makes of a text prompt.
  static std::string drawing_of(const std::string& prompt) {
    return packed(sketch::build(sketch::parse_prompt(prompt).scene, 99));
  }

  const subnet::Task no_task_;
  std::filesystem::path dir_;
  SubnetConfig config_;
  asio::io_context context_{1};
  std::unique_ptr<Subnet> subnet_;
  std::optional<chain::Keypair> hotkey_;
  chain::Metagraph metagraph_;
  int requests_ = 0;
};

TEST_F(SandboxTest, DrawingOfThePromptIsAccepted) {
  run([this]() -> awaitable<void> {
    const std::int64_t before = now();
    const subnet::PullReply pulled = co_await pull(validator(0));
    EXPECT_TRUE(pulled.task.has_value());
    EXPECT_EQ(pulled.throttle_period, 30);
    const subnet::SubmitReply reply = co_await submit(
        validator(0),
        signed_submission(validator(0), *pulled.task, drawing_of(pulled.task->prompt)));
    EXPECT_GE(reply.feedback.value().task_fidelity_score, 0.6) << pulled.task->prompt;
    EXPECT_EQ(reply.feedback->generations_within_the_window, 1);
    EXPECT_GE(reply.cooldown_until, before + 300);
    EXPECT_LE(reply.cooldown_until, now() + 300);
  });
}

TEST_F(SandboxTest, DrawingOfSomethingElseIsRejected) {
  run([this]() -> awaitable<void> {
    const subnet::PullReply pulled = co_await pull(validator(0));
    const subnet::SubmitReply reply = co_await submit(
        validator(0),
        signed_submission(validator(0), *pulled.task,
                          drawing_of("three tiny black swords next to a green cake")));
    EXPECT_EQ(reply.feedback.value().task_fidelity_score, 0) << pulled.task->prompt;
    EXPECT_EQ(subnet_->status().validators[0].counters.rejected, 1);
  });
}

TEST_F(SandboxTest, OldValidatorTakesTheEchoedTaskAndSendsNoType) {
  run([this]() -> awaitable<void> {
    const auto raw = co_await send(
        validator(1), subnet::make_pull_request(*hotkey_, terminals(*hotkey_, validator(1))));
    EXPECT_FALSE(nlohmann::json::parse(raw.value().body)["task"].contains("type"));
    const subnet::Task task = *subnet::parse_pull_reply(*raw).value().task;

    HttpRequest without_task =
        submit_request(validator(1), signed_submission(validator(1), task, ""));
    auto body = nlohmann::ordered_json::parse(without_task.body);
    body["task"] = nullptr;
    without_task.body = body.dump();
    const auto refused = co_await send(validator(1), without_task);
    EXPECT_EQ(refused.value().status, 500) << "the task is not nullable";

    const subnet::SubmitReply reply = co_await submit(
        validator(1), signed_submission(validator(1), task, drawing_of(task.prompt)));
    EXPECT_GE(reply.feedback.value().task_fidelity_score, 0.6) << task.prompt;
  });
}

TEST_F(SandboxTest, PullOnCooldownIsAViolation) {
  run([this]() -> awaitable<void> {
    const subnet::PullReply pulled = co_await pull(validator(0));
    co_await submit(validator(0), signed_submission(validator(0), *pulled.task, ""));
    const subnet::PullReply early = co_await pull(validator(0));
    EXPECT_FALSE(early.task.has_value());
    EXPECT_EQ(early.cooldown_violations, 1);
    EXPECT_EQ(subnet_->status().validators[0].counters.violations, 1);
    EXPECT_EQ(subnet_->status().validators[0].counters.empty, 1);
  });
}

TEST_F(SandboxTest, WrongResultSignatureCostsNineHundredSeconds) {
  run([this]() -> awaitable<void> {
    const std::int64_t before = now();
    const subnet::PullReply pulled = co_await pull(validator(0));
    auto forged = signed_submission(validator(0), *pulled.task, "AAAA");
    forged.submit_time += 1;
    const subnet::SubmitReply reply = co_await submit(validator(0), forged);
    EXPECT_GE(reply.cooldown_until, before + 900);
    EXPECT_LE(reply.cooldown_until, now() + 900);
    EXPECT_EQ(subnet_->status().validators[0].counters.wrong_signatures, 1);
  });
}

TEST_F(SandboxTest, RequestSignedByAnotherKeyIsNotVerified) {
  run([this]() -> awaitable<void> {
    const chain::Keypair other = chain::Keypair::generate();
    subnet::Terminals posing = terminals(*hotkey_, validator(0));
    const auto response = co_await send(validator(0), subnet::make_pull_request(other, posing));
    EXPECT_EQ(response.value().status, 401);
    EXPECT_EQ(subnet_->status().validators[0].counters.pulls, 0);
  });
}

TEST_F(SandboxTest, UnregisteredHotkeyGetsAdviceAndMayNotSubmit) {
  run([this]() -> awaitable<void> {
    chain::Keypair stranger = chain::Keypair::generate();
    const std::int64_t before = now();
    const subnet::PullReply pulled = co_await pull(validator(0), stranger);
    EXPECT_FALSE(pulled.task.has_value());
    EXPECT_GE(pulled.cooldown_until, before + 3600);
    EXPECT_LE(pulled.cooldown_until, now() + 3600);
    std::swap(*hotkey_, stranger);
    const auto refused = co_await send(
        validator(0),
        submit_request(validator(0), signed_submission(validator(0), no_task_, "AAAA")));
    EXPECT_EQ(refused.value().status, 403);
    EXPECT_NE(refused->body.find("Unrecognized hotkey"), std::string::npos) << refused->body;
    EXPECT_EQ(subnet_->status().validators[0].counters.unregistered, 2);
  });
}

TEST_F(SandboxTest, ValidatorsNoticeRegistrationsWhenTheyLookAtTheChain) {
  config_.time_scale = 300;  // a look every two seconds, first after one and after two
  run([this]() -> awaitable<void> {
    const auto order = [this](const char* what) {
      const nlohmann::ordered_json command = {{"do", what}, {"hotkey", hotkey_->ss58()}};
      return subnet_->chain().command(command).value().at("uid").get<int>();
    };
    asio::steady_timer timer(context_);
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE((co_await pull(validator(i))).task.has_value());
    }
    EXPECT_EQ(order("deregister"), 211);
    EXPECT_TRUE((co_await pull(validator(1))).task.has_value()) << "not noticed at once";
    timer.expires_after(std::chrono::milliseconds(2200));
    co_await timer.async_wait(asio::use_awaitable);
    for (int i = 0; i < 2; ++i) {
      const std::int64_t before = now();
      const subnet::PullReply gone = co_await pull(validator(i));
      EXPECT_FALSE(gone.task.has_value());
      EXPECT_GE(gone.cooldown_until, before + 12);
      EXPECT_EQ(gone.cooldown_violations, 0);
    }
    EXPECT_NE(order("register"), 211) << "a newcomer has the old uid";
    timer.expires_after(std::chrono::milliseconds(2200));
    co_await timer.async_wait(asio::use_awaitable);
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE((co_await pull(validator(i))).task.has_value());
      EXPECT_EQ(subnet_->status().validators[i].counters.pulled, 2) << "the new uid's first task";
    }
  });
}

TEST_F(SandboxTest, SubmissionWithoutATaskIsForbidden) {
  run([this]() -> awaitable<void> {
    const auto refused = co_await send(
        validator(0),
        submit_request(validator(0), signed_submission(validator(0), no_task_, "AAAA")));
    EXPECT_EQ(refused.value().status, 403);
    EXPECT_NE(refused->body.find("no task assigned"), std::string::npos) << refused->body;
  });
}

TEST_F(SandboxTest, PullIsAnsweredWhileAResultIsScored) {
  run([this]() -> awaitable<void> {
    const subnet::PullReply pulled = co_await pull(validator(0));
    const auto submission =
        signed_submission(validator(0), *pulled.task, drawing_of(pulled.task->prompt));
    bool scored = false;
    asio::co_spawn(
        context_,
        [&]() -> awaitable<void> {
          co_await submit(validator(0), submission);
          scored = true;
        },
        [](std::exception_ptr) {});
    while (!scored) {
      const subnet::PullReply again = co_await pull(validator(0));
      if (scored)
        break;
      EXPECT_EQ(again.task.value().id, pulled.task->id);
    }
    EXPECT_GT(subnet_->status().validators[0].counters.reissued, 0);
  });
}

TEST_F(SandboxTest, LiftOfAPicturePromptIsScored) {
  config_.shares.image = 1;
  run([this]() -> awaitable<void> {
    const subnet::PullReply pulled = co_await pull(validator(0));
    EXPECT_EQ(pulled.task.value().type, subnet::Task::Type::image);
    const auto picture = image::decode(*base64_decode(pulled.task->prompt));
    const auto lifted = sketch::lift(picture.value(), 5);
    const subnet::SubmitReply reply = co_await submit(
        validator(0), signed_submission(validator(0), *pulled.task, packed(lifted.value())));
    EXPECT_GE(reply.feedback.value().task_fidelity_score, 0.6);
  });
}

TEST_F(SandboxTest, LostRequestsAndRepliesAreCounted) {
  config_.fault_rate = 1;
  run([this]() -> awaitable<void> {
    int dropped = 0;
    int errors = 0;
    for (int i = 0; i < 30; ++i) {
      const auto response = co_await send(
          validator(0), subnet::make_pull_request(*hotkey_, terminals(*hotkey_, validator(0))));
      dropped += !response.has_value();
      errors += response.has_value() && response->status == 500;
    }
    EXPECT_EQ(dropped + errors, 30);
    EXPECT_GT(dropped, 0);
    EXPECT_GT(errors, 0);
    const ValidatorStatus status = subnet_->status().validators[0];
    EXPECT_EQ(status.faults, 30);
    EXPECT_GT(status.counters.pulls, 0) << "some requests were processed, their replies lost";
    EXPECT_LT(status.counters.pulls, 30);
  });
}

TEST_F(SandboxTest, MetagraphListsWhomToAskAndWhomNot) {
  run([this]() -> awaitable<void> {
    int eligible = 0;
    for (const chain::Neuron& neuron : metagraph_.neurons) {
      eligible += neuron.is_serving() && neuron.stake >= 1000;
    }
    EXPECT_EQ(metagraph_.netuid, 17);
    EXPECT_EQ(eligible, 3) << "two validators and the weight copier";
    const auto copier = std::find_if(metagraph_.neurons.begin(), metagraph_.neurons.end(),
                                     [](const chain::Neuron& n) { return n.uid == 180; });
    EXPECT_NE(copier, metagraph_.neurons.end());
    const auto response =
        co_await send(*copier, subnet::make_pull_request(*hotkey_, terminals(*hotkey_, *copier)));
    EXPECT_EQ(response.value().status, 404);
    for (const BystanderStatus& bystander : subnet_->status().bystanders) {
      EXPECT_EQ(bystander.requests, bystander.uid == 180 ? 1 : 0);
    }
  });
}

TEST_F(SandboxTest, StatusIsServedOnTheControlPort) {
  run([this]() -> awaitable<void> {
    co_await pull(validator(0));
    const auto ready = subnet_->ready_json();
    EXPECT_EQ(ready["validators"].size(), 2U);
    const auto control = net::parse_endpoint(ready["control"].get<std::string>()).value();
    HttpRequest request;
    request.target = "/sandbox/status";
    const net::Exchange exchange = co_await net::fetch(control, request);
    const auto status = nlohmann::json::parse(exchange.response.value().body);
    EXPECT_EQ(status["validators"][0]["pulled"], 1);
    EXPECT_EQ(status["validators"][1]["version"], 44);
    EXPECT_EQ(status["totals"]["pulled"], 1);
  });
}

}  // namespace
}  // namespace lode::sandbox
