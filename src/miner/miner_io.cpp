#include "miner/miner_io.h"

#include <spdlog/spdlog.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
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

constexpr Duration kShortestSleep = std::chrono::microseconds(200);
constexpr Duration kLongestSleep = std::chrono::seconds(1);

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

bool ends_task(EventKind kind) {
  return kind == EventKind::accepted || kind == EventKind::emptied || kind == EventKind::rejected ||
         kind == EventKind::validator_failed || kind == EventKind::settled;
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
    auto stored = journal_.candidate(hotkey);
    if (stored && stored->task_id == view.ledger.held_task_id) {
      Candidate candidate{std::make_shared<const Bytes>(std::move(stored->spz)), stored->score,
                          stored->judged, "kept in the journal"};
      scheduler_->restore_candidates(hotkey, stored->task_id, {{0, std::move(candidate)}});
    }
  }
}

void Miner::set_metagraph(const chain::Metagraph& metagraph) {
  scheduler_->set_metagraph(metagraph, hotkey_.ss58(), clock_.now());
  for (const chain::Neuron& neuron : metagraph.neurons) {
    addresses_[neuron.hotkey] = {{neuron.ip, neuron.port}, neuron.uid};
  }
  restore_candidates();
  wake();
}

void Miner::set_blacklist(std::vector<BlacklistEntry> blacklist) {
  scheduler_->set_blacklist(std::move(blacklist), clock_.now());
  wake();
}

void Miner::set_min_stake(double min_stake) {
  scheduler_->set_min_stake(min_stake, clock_.now());
  wake();
}

std::vector<TrailEntry> Miner::trail(const std::string& hotkey) const {
  return scheduler_->trail(hotkey);
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
    // Bounded on both sides: nothing can be slept through, and nothing can keep us from sleeping.
    const Time next = scheduler_->next_due().value_or(now + kLongestSleep);
    wake_.expires_after(std::clamp(next, now + kShortestSleep, now + kLongestSleep) - now);
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  calls_.cancel();
  co_await calls_.join();
  journal_events();
}

void Miner::start(Action action) {
  if (auto* pull_action = std::get_if<PullAction>(&action)) {
    calls_.spawn("pull", pull(std::move(*pull_action)));
  } else if (auto* submit_action = std::get_if<SubmitAction>(&action)) {
    calls_.spawn("submit", submit(std::move(*submit_action)));
  } else if (const auto* cancel_action = std::get_if<CancelAction>(&action)) {
    if (const auto found = generations_.find(cancel_action->generation);
        found != generations_.end()) {
      calls_.cancel(found->second);
    }
  } else {
    auto& generate_action = std::get<GenerateAction>(action);
    const std::uint64_t generation = generate_action.generation;
    auto lease = workers_.acquire();
    if (!lease) {  // it fell ill since slots() was read
      scheduler_->on_generation_failure(generation, {Errc::peer_failure, "no healthy worker"},
                                        false, clock_.now());
      return;
    }
    const auto task =
        calls_.spawn("generate", generate(std::move(generate_action), *std::move(lease)));
    generations_.emplace(generation, task);
  }
}

/// Writes what the scheduler recorded, before anything it decided is carried out.
void Miner::journal_events() {
  const std::vector<Event> events = scheduler_->take_events();
  journal_.append(events);
  for (const Event& event : events) {
    log_event(event, addresses_[event.hotkey].uid);
    if (ends_task(event.kind)) {
      journal_.drop_candidate(event.hotkey);
    }
  }
}

subnet::Terminals Miner::terminals(const std::string& hotkey) const {
  const Address& address = addresses_.at(hotkey);
  const Time now = clock_.now();
  subnet::Terminals terminals;
  terminals.dendrite_hotkey = hotkey_.ss58();
  terminals.dendrite_ip = config_.external_ip;
  terminals.dendrite_uuid = subnet::make_uuid1(now);
  terminals.nonce =
      (now + scheduler_->clocks().nonce_adjustment(hotkey)).time_since_epoch().count();
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
  scheduler_->on_date(hotkey, *date, sent, clock_.now());
  const std::string warning = scheduler_->clocks().warning();
  if (!warning.empty() && !is_skew_reported_) {
    spdlog::error(warning);
  }
  is_skew_reported_ = !warning.empty();
}

asio::awaitable<void> Miner::pull(PullAction action) {
  const std::string& hotkey = action.hotkey;
  net::Endpoint peer = addresses_.at(hotkey).endpoint;
  HttpRequest request = subnet::make_pull_request(hotkey_, terminals(hotkey));
  const Time began = clock_.now();
  note_stage("pull_lateness", to_seconds(began - action.due));
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
    scheduler_->on_pull_reply(hotkey, *reply, clock_.now());
  } else {
    scheduler_->on_pull_failure(hotkey, failure_of(exchange, reply.error()), clock_.now());
  }
  wake();
}

asio::awaitable<void> Miner::generate(GenerateAction action, WorkerPool::Lease lease) {
  // A cancelled generation has to be answered too, so that it must not leave by an exception.
  co_await asio::this_coro::throw_if_cancelled(false);
  WorkerAddress address = lease.address();
  GenerationJob job{action.task, action.seed, action.limit};
  Attempt attempt = co_await make_candidate(std::move(address), std::move(job), cpu_);
  generations_.erase(action.generation);
  lease.report(outcome_of(attempt));
  for (const auto& [stage, seconds] : attempt.stages) {
    note_stage(stage, seconds);
  }
  if (attempt.candidate) {
    Candidate& candidate = *attempt.candidate;
    if (!candidate.spz->empty()) {  // empty: it failed the data checks and is never sent
      journal_.put_candidate(action.hotkey,
                             {action.task.id, *candidate.spz, candidate.score, candidate.judged});
    }
    scheduler_->on_candidate(action.generation, std::move(candidate), clock_.now());
  } else if (attempt.candidate.error().code == Errc::cancelled) {
    scheduler_->on_generation_cancelled(action.generation, clock_.now());
  } else if (attempt.retry_after) {
    scheduler_->on_generation_refused(action.generation, attempt.candidate.error(), clock_.now());
  } else {
    scheduler_->on_generation_failure(action.generation, attempt.candidate.error(),
                                      attempt.is_request_bad, clock_.now());
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
  if (exchange.response) {
    note_date(action.hotkey, *exchange.response, began);
  }
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
  snapshot.clock_skew = scheduler_->clocks().estimate();
  snapshot.clock_warning = scheduler_->clocks().warning();
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
