// One sandbox validator behind an HTTP port: the axon, the rules, the scorer and faults.
#pragma once

#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <deque>
#include <map>
#include <memory>

#include "base/clock.h"
#include "base/rng.h"
#include "net/http_server.h"
#include "net/task_group.h"
#include "sandbox/roster.h"
#include "sandbox/scorer.h"
#include "sandbox/tasks.h"
#include "sandbox/validator.h"
#include "subnet/axon.h"

namespace lode::sandbox {

struct ValidatorIoConfig {
  Rules rules;
  TaskShares shares;
  double duel_share = 0.25;  ///< of all tasks
  double fault_rate = 0;     ///< of all requests: dropped before or after processing, or a 500
  std::uint64_t seed = 1;
  Scoring scoring = Scoring::compare;
};

/// Answers PullTask, SubmitResults and GetVersion as a bittensor axon does. Protocol state lives on
/// the server's thread; tasks are prepared and results scored on the pool.
class ValidatorIo final : public net::HttpHandler {
 public:
  /// Runs on `executor`'s one thread. `workers` and `clock` must outlive this. `hotkey` is the
  /// axon's; no miner is registered yet.
  ValidatorIo(boost::asio::any_io_executor executor, boost::asio::thread_pool& workers,
              const Clock& clock, ValidatorIoConfig config, std::string hotkey);

  /// Begins to prepare the next task unless one is ready or under way.
  void prefetch();

  /// Stops preparing tasks and waits until none is being prepared. Call before destruction, when
  /// no request is in progress any more.
  boost::asio::awaitable<void> finish();

  std::optional<HttpResponse> on_head(const HttpRequest& request) override;
  boost::asio::awaitable<HttpResponse> on_request(HttpRequest request) override;

  /// What the validator sees when it looks at the chain.
  void set_miners(std::map<std::string, int> miners) { validator_.set_miners(std::move(miners)); }

  const Validator& validator() const { return validator_; }
  std::int64_t faults() const { return faults_; }

 private:
  enum class Fault { none, drop_request, drop_reply, server_error };
  using TaskPtr = std::shared_ptr<const SandboxTask>;

  Fault draw_fault();
  Assignment next_assignment();
  boost::asio::awaitable<void> prepare_task();
  boost::asio::awaitable<HttpResponse> answer(const subnet::RequestHead& head,
                                              const subnet::RequestBody& body);
  boost::asio::awaitable<HttpResponse> answer_pull(const subnet::RequestBody& body);
  boost::asio::awaitable<HttpResponse> answer_submit(const subnet::RequestBody& body);

  ValidatorIoConfig config_;
  boost::asio::thread_pool& workers_;
  boost::asio::strand<boost::asio::thread_pool::executor_type> maker_strand_;
  const Clock& clock_;
  net::TaskGroup background_;
  Rng fault_rng_, duel_rng_;
  TaskMaker maker_;             // used on maker_strand_ only
  std::deque<TaskPtr> ready_;   // prepared, not yet handed out
  std::deque<TaskPtr> issued_;  // the last ones handed out, newest last
  subnet::Axon axon_;
  Validator validator_;
  std::map<std::uint16_t, subnet::RequestHead> heads_;  // judged, body awaited; by peer port
  std::string peer_ip_;                                 // of the request whose head is being judged
  std::int64_t faults_ = 0;
};

}  // namespace lode::sandbox
