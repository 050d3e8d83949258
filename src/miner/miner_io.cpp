#include "miner/miner_io.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/http_date.h"
#include "miner/worker_client_io.h"
#include "net/http_client.h"

namespace lode::miner {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// An image task carries a picture of up to 16 MB as base64, echoed in replies.
constexpr std::size_t kMaxReplyBytes = 32 << 20;

/// Status and message of a reply that is no usable answer, or of no reply at all.
CallFailure failure_of(const net::Exchange& exchange, const Error& error) {
  return {error, exchange.response ? exchange.response->status : 0, exchange.sent};
}

void log_event(const Event& event, int uid) {
  const bool is_trouble =
      event.kind == EventKind::pull_failed || event.kind == EventKind::generation_failed ||
      event.kind == EventKind::rejected || event.kind == EventKind::validator_failed ||
      event.kind == EventKind::submit_failed;
  const bool is_chatter = event.kind == EventKind::submitting;
  const auto level = is_trouble   ? spdlog::level::warn
                     : is_chatter ? spdlog::level::debug
                                  : spdlog::level::info;
  const std::string score =
      event.kind == EventKind::candidate_ready ? fmt::format(" score {:.3f}", event.score) : "";
  spdlog::log(level, "validator {}: {}{}{}{}{}", uid, to_string(event.kind), score,
              event.task_id.empty() ? "" : " task " + event.task_id.substr(0, 8),
              event.detail.empty() ? "" : ": ", event.detail);
}

asio::awaitable<Result<void>> save_in_background(fs::path folder, KeptResult result,
                                                 std::shared_ptr<const Bytes> spz) {
  co_return save_result(folder, result, *spz);
}

void must(const Result<void>& written) {
  if (!written) {
    throw std::runtime_error(written.error().message());
  }
}

}  // namespace

Miner::Miner(asio::any_io_executor executor, MinerConfig config, const chain::Signer& hotkey,
             Journal& journal, WorkerPool& workers)
    : executor_(executor),
      config_(std::move(config)),
      hotkey_(hotkey),
      journal_(journal),
      workers_(workers),
      wake_(executor),
      calls_(executor, [this](const std::string& name, const std::string& why) {
        fatal_ = name + ": " + why;
        wake();
      }) {}

Miner::~Miner() { cpu_.join(); }

Result<void> Miner::load(const chain::Metagraph& metagraph) {
  LODE_TRY(const std::vector<Event> history, journal_.events());
  scheduler_ = std::make_unique<Scheduler>(config_.scheduling, history);
  set_metagraph(metagraph);
  return {};
}

/// Validators come into view with the first metagraph, which a chain may give after the start.
void Miner::restore_candidates() {
  for (const auto& view : scheduler_->view()) {
    const std::string& hotkey = view.neuron.hotkey;
    if (!restored_.insert(hotkey).second) {
      continue;
    }
    const auto stored = journal_.candidates(hotkey, view.ledger.held_task_id);
    if (!stored) {
      throw std::runtime_error(stored.error().message());
    }
    const StoredCandidate* best = nullptr;
    for (const StoredCandidate& candidate : *stored) {
      if (!candidate.problem.empty()) {
        spdlog::warn("validator {}: candidate not resumed: {}", view.neuron.uid, candidate.problem);
      } else if (!candidate.spz.empty() && (best == nullptr || candidate.score > best->score)) {
        best = &candidate;
      }
    }
    if (best != nullptr) {
      scheduler_->restore_candidate(hotkey, best->task_id,
                                    {std::make_shared<const Bytes>(best->spz), best->score,
                                     best->judged, "kept in the journal"});
    }
  }
}

void Miner::set_metagraph(const chain::Metagraph& metagraph) {
  scheduler_->set_metagraph(metagraph, hotkey_.ss58());
  std::map<std::string, int> uids;
  for (const chain::Neuron& neuron : metagraph.neurons) {
    addresses_[neuron.hotkey] = {{neuron.ip, neuron.port}, neuron.uid};
    uids[neuron.hotkey] = neuron.uid;
  }
  must(journal_.put_uids(uids));
  restore_candidates();
  wake();
}

void Miner::set_blacklist(std::vector<BlacklistEntry> blacklist) {
  scheduler_->set_blacklist(std::move(blacklist));
  wake();
}

void Miner::wake() { wake_.cancel(); }

void Miner::drain() {
  scheduler_->drain();
  drain_deadline_ = clock_.now() + config_.drain_timeout;
  wake();
}

asio::awaitable<void> Miner::run() {
  LODE_ASSERT(scheduler_ != nullptr, "load() comes before run()");
  while (!scheduler_->is_drained()) {
    if (fatal_) {
      throw std::runtime_error(*fatal_);
    }
    const Time now = clock_.now();
    if (drain_deadline_ && now >= *drain_deadline_) {
      spdlog::warn("ending with work under way: it is in the journal");
      break;
    }
    scheduler_->set_worker_slots(workers_.slots());
    std::vector<Action> actions = scheduler_->due(now);
    journal_events();
    for (Action& action : actions) {
      start(std::move(action));
    }
    Time next = now + std::chrono::seconds(1);  // a bound, so that nothing can be slept through
    if (const auto due = scheduler_->next_due(); due && *due > now) {
      next = std::min(next, *due);
    }
    wake_.expires_after(next - now);
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  calls_.cancel();
  co_await calls_.join();
  journal_events();
}

void Miner::start(Action action) {
  if (const auto* pull_action = std::get_if<PullAction>(&action)) {
    calls_.spawn("pull", pull(pull_action->hotkey));
  } else if (auto* submit_action = std::get_if<SubmitAction>(&action)) {
    calls_.spawn("submit", submit(std::move(*submit_action)));
  } else {
    auto& generate_action = std::get<GenerateAction>(action);
    auto lease = workers_.acquire();
    if (!lease) {  // it fell ill since slots() was read
      scheduler_->on_generation_failure(
          generate_action.hotkey, {Errc::peer_failure, "no healthy worker"}, false, clock_.now());
      return;
    }
    calls_.spawn("generate", generate(std::move(generate_action), *std::move(lease)));
  }
}

/// Writes what the scheduler recorded, before anything it decided is carried out.
void Miner::journal_events() {
  const std::vector<Event> events = scheduler_->take_events();
  must(journal_.append(events));
  for (const Event& event : events) {
    log_event(event, addresses_[event.hotkey].uid);
  }
}

subnet::Terminals Miner::terminals(const std::string& hotkey) const {
  const Address& address = addresses_.at(hotkey);
  const Time now = clock_.now();
  subnet::Terminals terminals;
  terminals.dendrite_hotkey = hotkey_.ss58();
  terminals.dendrite_ip = config_.external_ip;
  terminals.dendrite_uuid = subnet::make_uuid1(now);
  terminals.nonce = (now + skew_.nonce_adjustment(hotkey)).time_since_epoch().count();
  terminals.axon_hotkey = hotkey;
  terminals.axon_ip = address.endpoint.host;
  terminals.axon_port = address.endpoint.port;
  return terminals;
}

void Miner::note_stage(const std::string& stage, double seconds) {
  constexpr std::size_t kMaxStages = 64;  // names come from workers
  if (stages_.contains(stage) || stages_.size() < kMaxStages) {
    stages_[stage].add(seconds);
  }
}

/// Pulls are answered at once, so that the reply's Date is close to the middle of the exchange.
void Miner::note_date(const std::string& hotkey, const HttpResponse& response, Time sent) {
  const std::string* header = response.headers.find("date");
  const auto date = header == nullptr ? fail(Errc::not_found, "no date") : parse_http_date(*header);
  if (!date) {
    return;
  }
  skew_.add(hotkey, *date, sent, clock_.now());
  const std::string warning = skew_.warning();
  if (!warning.empty() && !is_skew_reported_) {
    spdlog::error(warning);
  }
  is_skew_reported_ = !warning.empty();
}

asio::awaitable<void> Miner::pull(std::string hotkey) {
  net::Endpoint peer = addresses_.at(hotkey).endpoint;
  const Time began = clock_.now();
  HttpRequest request = subnet::make_pull_request(hotkey_, terminals(hotkey));
  const net::FetchLimits limits{.total_timeout = config_.pull_timeout,
                                .body_bytes = kMaxReplyBytes};
  const auto exchange = co_await net::fetch(std::move(peer), std::move(request), limits);
  note_stage("pull", to_seconds(clock_.now() - began));
  if (exchange.response) {
    note_date(hotkey, *exchange.response, began);
  }
  auto reply = exchange.response ? subnet::parse_pull_reply(*exchange.response)
                                 : Result<subnet::PullReply>(exchange.response.error());
  if (reply) {
    if (reply->task) {
      must(journal_.put_task(hotkey, *reply->task, reply->validation_threshold,
                             reply->throttle_period, clock_.now()));
    }
    scheduler_->on_pull_reply(hotkey, *reply, clock_.now());
  } else {
    scheduler_->on_pull_failure(hotkey, failure_of(exchange, reply.error()), clock_.now());
  }
  wake();
}

asio::awaitable<void> Miner::generate(GenerateAction action, WorkerPool::Lease lease) {
  WorkerAddress address = lease.address();
  subnet::Task task = action.task;
  const Time began = clock_.now();
  Attempt attempt = co_await make_candidate(std::move(address), std::move(task), action.seed, cpu_);
  for (const auto& [stage, seconds] : attempt.stages) {
    note_stage(stage, seconds);
  }
  if (attempt.candidate) {
    const Candidate& candidate = *attempt.candidate;
    const auto earlier = journal_.candidate_rows(action.hotkey, action.task.id);
    StoredCandidate stored;
    stored.hotkey = action.hotkey;
    stored.task_id = action.task.id;
    stored.attempt = earlier ? static_cast<int>(earlier->size()) : 0;
    stored.seed = action.seed;
    stored.score = candidate.score;
    stored.judged = candidate.judged;
    stored.reason = candidate.reason;
    stored.seconds = to_seconds(clock_.now() - began);
    stored.made_at = clock_.now();
    stored.config = config_of(lease.address());
    stored.spz = *candidate.spz;  // empty when it failed the data checks: it is never sent
    must(journal_.put_candidate(stored));
    scheduler_->on_candidate(action.hotkey, candidate, clock_.now());
  } else {
    const Error& error = attempt.candidate.error();
    if (!attempt.is_request_bad) {
      lease.report_failure(error.message());
    }
    scheduler_->on_generation_failure(action.hotkey, error, attempt.is_request_bad, clock_.now());
  }
  wake();
}

asio::awaitable<void> Miner::submit(SubmitAction action) {
  net::Endpoint peer = addresses_.at(action.hotkey).endpoint;
  const Time began = clock_.now();
  subnet::Submission submission;
  submission.task = action.task;
  submission.submit_time = began.time_since_epoch().count();
  submission.signature =
      subnet::sign_result(hotkey_, submission.submit_time, action.task.prompt, action.hotkey);
  if (action.candidate) {
    submission.results = base64_encode(*action.candidate->spz);
  }
  HttpRequest request = subnet::make_submit_request(hotkey_, terminals(action.hotkey), submission);
  const net::FetchLimits limits{.total_timeout = config_.submit_timeout,
                                .body_bytes = kMaxReplyBytes};
  const auto exchange = co_await net::fetch(std::move(peer), std::move(request), limits);
  note_stage("submit", to_seconds(clock_.now() - began));
  auto reply = exchange.response ? subnet::parse_submit_reply(*exchange.response)
                                 : Result<subnet::SubmitReply>(exchange.response.error());
  if (!reply) {
    scheduler_->on_submit_failure(action.hotkey, failure_of(exchange, reply.error()), clock_.now());
    wake();
    co_return;
  }
  const bool was_accepted = reply->feedback && reply->feedback->task_fidelity_score > 0;
  scheduler_->on_submit_reply(action.hotkey, *reply, clock_.now());
  wake();
  if (was_accepted && action.candidate && !config_.artifacts.empty()) {
    KeptResult result{addresses_.at(action.hotkey).uid, action.task,
                      reply->feedback->task_fidelity_score};
    co_await keep_result(std::move(result), action.candidate->spz);
  }
}

asio::awaitable<void> Miner::keep_result(KeptResult result, std::shared_ptr<const Bytes> spz) {
  auto saving = save_in_background(config_.artifacts, std::move(result), std::move(spz));
  const auto saved = co_await asio::co_spawn(cpu_, std::move(saving), asio::use_awaitable);
  if (!saved) {
    spdlog::warn("result not kept: {}", saved.error().message());
  }
}

Snapshot Miner::snapshot() const {
  Snapshot snapshot;
  snapshot.at = clock_.now();
  snapshot.hotkey = hotkey_.ss58();
  snapshot.validators = scheduler_->view();
  snapshot.workers = workers_.view();
  snapshot.queued = scheduler_->queued();
  snapshot.generating = scheduler_->generating();
  snapshot.stages = stages_;
  snapshot.clock_skew = skew_.estimate();
  snapshot.clock_warning = skew_.warning();
  for (ValidatorView& view : snapshot.validators) {
    for (const chain::WeightHint& hint : hints_) {
      if (hint.uid == view.neuron.uid) {
        view.hint = hint.text;
        view.looks_copied = hint.looks_copied;
      }
    }
  }
  return snapshot;
}

}  // namespace lode::miner
