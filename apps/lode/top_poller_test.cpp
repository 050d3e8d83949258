// The poller against a miner that is none: three routes on a thread of their own.
#include "lode/top_poller.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <nlohmann/json.hpp>

#include "net/http_server.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

class FakeMiner final : public net::HttpHandler {
 public:
  FakeMiner() {
    endpoint_ = *server_.listen({"127.0.0.1", 0});
    thread_ = std::jthread([this] { context_.run(); });
  }
  ~FakeMiner() override { context_.stop(); }

  asio::awaitable<HttpResponse> on_request(HttpRequest request) override {
    const int number = ++requests;
    Json body = {{"request", number}};
    if (request.target.starts_with("/api/events")) {
      body = {{"events", Json::array({{{"number", number}}})}, {"next", number}};
    } else if (request.target == "/api/validators/V1/trail") {
      body = {{"trail", Json::array({"asking for a task"})}};
    } else if (request.target != "/api/ledger" || is_mute) {
      co_return make_response(500, "application/json", "{}");
    }
    co_return make_response(200, "application/json", body.dump());
  }
  net::Endpoint endpoint() const { return endpoint_; }

  std::atomic<int> requests = 0;
  std::atomic<bool> is_mute = false;

 private:
  asio::io_context context_{1};
  net::HttpServer server_{context_.get_executor(), *this, {}, [](const auto&, const auto&) {}};
  net::Endpoint endpoint_;
  std::jthread thread_;
};

/// The first reading for which `is_it` holds, or the last one after 30 s.
TopPoller::Reading until(const TopPoller& poller,
                         const std::function<bool(const top::Model&)>& is_it) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  TopPoller::Reading reading = poller.reading();
  while (!is_it(*reading.model) && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    reading = poller.reading();
  }
  return reading;
}

TEST(TopPoller, ReadsTheLedgerAgainAndAgainAndGathersEvents) {
  FakeMiner miner;
  const TopPoller poller(miner.endpoint());
  ASSERT_NE(poller.reading().model, nullptr) << "never null, though nothing was answered yet";
  const auto reading = until(poller, [](const auto& model) { return model.events.size() >= 2; });
  EXPECT_EQ(reading.model->trouble, "");
  EXPECT_GE(reading.model->ledger["request"], 3);
  EXPECT_TRUE(reading.model->trail.is_null());
}

TEST(TopPoller, ReadsTheTrailOfWhomeverIsAskedForAtOnce) {
  FakeMiner miner;
  TopPoller poller(miner.endpoint());
  const auto has_trail = [](const auto& model) { return !model.trail.is_null(); };
  poller.explain("V1");
  EXPECT_EQ(until(poller, has_trail).model->trail["trail"][0], "asking for a task");
  poller.explain("");
  EXPECT_TRUE(until(poller, [&](const auto& m) { return !has_trail(m); }).model->trail.is_null());
}

TEST(TopPoller, KeepsWhatItHasWhileTheMinerDoesNotAnswer) {
  FakeMiner miner;
  const TopPoller poller(miner.endpoint());
  const auto before = until(poller, [](const auto& model) { return model.ledger.is_object(); });
  miner.is_mute = true;
  const auto after = until(poller, [](const auto& model) { return !model.trouble.empty(); });
  EXPECT_TRUE(after.model->ledger.is_object());
  EXPECT_NE(after.model->trouble.find("500"), std::string::npos) << after.model->trouble;
  EXPECT_GE(after.at, before.at);
}

TEST(TopPoller, EndsWhileItsReadingsAreLookedAt) {
  FakeMiner miner;
  std::shared_ptr<const top::Model> kept;
  {
    TopPoller poller(miner.endpoint());
    std::jthread reader([&](const std::stop_token& stop) {
      for (int i = 0; !stop.stop_requested(); ++i) {
        poller.explain(i % 2 == 0 ? "V1" : "");
        kept = poller.reading().model;
      }
    });
    until(poller, [](const auto& model) { return model.events.size() >= 3; });
  }
  EXPECT_GE(kept->ledger["request"], 1);
}

}  // namespace
}  // namespace lode::commands
