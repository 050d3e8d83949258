#include "lode/top_poller.h"

#include <algorithm>
#include <cctype>
#include <exception>
#include <optional>

#include "lode/fetch_json.h"

namespace lode::commands {
namespace {

using Json = nlohmann::json;
constexpr std::chrono::milliseconds kPollInterval(500);

/// A hotkey that the miner named may be anything; only a plain word becomes part of a request.
bool is_word(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isalnum(c) != 0; });
}

/// Fetches what is new into `model`, which keeps what it has where that fails.
Result<void> refresh(const net::Endpoint& miner, top::Model& model,
                     std::optional<std::uint64_t>& since) {
  LODE_TRY(Json ledger, fetch_json(miner, "/api/ledger", kTopTimeout));
  model.ledger = std::move(ledger);
  const std::string query = since ? "?since=" + std::to_string(*since) : "";
  LODE_TRY(const Json events, fetch_json(miner, "/api/events" + query, kTopTimeout));
  since = top::take_events(model, events, since);
  return {};
}

}  // namespace

Result<top::Model> fetch_model(const net::Endpoint& miner) {
  top::Model model;
  std::optional<std::uint64_t> since;
  LODE_CHECK(refresh(miner, model, since));
  return model;
}

TopPoller::TopPoller(net::Endpoint miner)
    : miner_(std::move(miner)),
      reading_{std::make_shared<const top::Model>(), std::chrono::steady_clock::now()},
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

TopPoller::Reading TopPoller::reading() const {
  const std::lock_guard lock(mutex_);
  return reading_;
}

void TopPoller::explain(const std::string& hotkey) {
  const std::lock_guard lock(mutex_);
  if (explained_ != hotkey) {
    explained_ = hotkey;
    is_asked_ = true;
    changed_.notify_all();
  }
}

void TopPoller::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    poll();
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, kPollInterval, [this] { return is_asked_; });
    is_asked_ = false;
  }
}

void TopPoller::poll() {
  std::string explained;
  {
    const std::lock_guard lock(mutex_);
    explained = explained_;
  }
  const SteadyTime at = std::chrono::steady_clock::now();
  std::string why;
  try {
    const auto refreshed = refresh(miner_, model_, since_);
    why = refreshed ? "" : refreshed.error().message();
  } catch (const std::exception& error) {  // this machine's fault: no memory, no descriptors
    why = error.what();
  }
  const bool is_answered = why.empty();
  model_.trouble =
      is_answered ? "" : "no answer from " + miner_.to_string() + ", trying again (" + why + ")";
  if (!is_word(explained)) {
    model_.trail = nullptr;
  } else if (is_answered) {
    const std::string target = "/api/validators/" + explained + "/trail";
    auto trail = fetch_json(miner_, target, kTopTimeout);
    model_.trail = trail ? *std::move(trail) : Json();
  }
  auto model = std::make_shared<const top::Model>(model_);
  const std::lock_guard lock(mutex_);
  reading_ = {std::move(model), is_answered ? at : reading_.at};
}

}  // namespace lode::commands
