#include "miner/miner_io.h"

#include <spdlog/spdlog.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/http_date.h"
#include "miner/worker_client_io.h"
#include "net/background.h"
#include "net/http_client.h"

namespace lode::miner {

namespace asio = boost::asio;
namespace fs = std::filesystem;

namespace {

/// An image task carries a picture of up to 16 MB as base64, echoed in replies.
constexpr std::size_t kMaxReplyBytes = 32 << 20;

/// What the miner has learned of its work fades over some 200 results, but of duels it remembers
/// more: these hold days, and take a tenth of a second to read.
constexpr std::int64_t kRecentEvents = 50'000;
/// How often old entries leave the journal.
constexpr Duration kPruneInterval = std::chrono::hours(1);
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
  const bool is_chatter = event.kind == EventKind::pulling || event.kind == EventKind::generating ||
                          event.kind == EventKind::cancelled || event.kind == EventKind::submitting;
  const auto level = is_trouble   ? spdlog::level::warn
                     : is_chatter ? spdlog::level::debug
                                  : spdlog::level::info;
  const std::string score =
      event.kind == EventKind::candidate_ready || event.kind == EventKind::discarded
          ? fmt::format(" score {:.3f}", event.score)
          : "";
  spdlog::log(level, "validator {}: {}{}{}{}{}", uid, to_string(event.kind), score,
              event.task_id.empty() ? "" : " task " + event.task_id.substr(0, 8),
              event.detail.empty() ? "" : ": ", event.detail);
}

asio::awaitable<Result<void>> save_in_background(fs::path folder, KeptResult result,
                                                 std::shared_ptr<const Bytes> spz) {
  co_return save_result(folder, result, *spz);
}

asio::awaitable<Result<std::string>> put_in_background(ArtifactStore store,
                                                       std::shared_ptr<const Bytes> bytes) {
  co_return store.put(*bytes, ArtifactKind::splat);
}

asio::awaitable<void> put_picture_in_background(ArtifactStore store, std::string base64) {
  if (const auto picture = base64_decode(base64)) {
    // A failure shows again when the task is recorded, which is where it is dealt with.
    (void)store.put(*picture, ArtifactKind::picture);
  }
  co_return;
}

}  // namespace

Miner::Miner(asio::any_io_executor executor, MinerConfig config, const chain::Signer& hotkey,
             Journal& journal, WorkerPool& workers)
    : config_(std::move(config)),
      hotkey_(hotkey),
      journal_(journal),
      recorder_(journal),
      workers_(workers),
      wake_(executor),
      calls_(executor, [this](const std::string& name, const std::string& why) {
        fatal_ = name + ": " + why;
        wake();
      }) {}

Miner::~Miner() { cpu_.join(); }

Result<void> Miner::load(const chain::Metagraph& metagraph) {
  EventFilter recent;
  recent.limit = kRecentEvents;
  LODE_TRY(Ledger ledger, journal_.ledger());
  LODE_TRY(const std::vector<Event> events, journal_.events(recent));
  scheduler_ = std::make_unique<Scheduler>(config_.scheduling, std::move(ledger), events);
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
    std::vector<KeptCandidate> kept;
    for (const StoredCandidate& candidate : *stored) {
      if (!candidate.problem.empty()) {
        spdlog::warn("validator {}: candidate not resumed: {}", view.neuron.uid, candidate.problem);
        continue;
      }
      kept.push_back({candidate.attempt,
                      {std::make_shared<const Bytes>(candidate.spz), candidate.score,
                       candidate.judged, candidate.reason, candidate.artifact}});
    }
    scheduler_->restore_candidates(hotkey, view.ledger.held_task_id, std::move(kept));
  }
}

void Miner::set_metagraph(const chain::Metagraph& metagraph) {
  scheduler_->set_metagraph(metagraph, hotkey_.ss58(), clock_.now());
  std::map<std::string, int> uids;
  for (const chain::Neuron& neuron : metagraph.neurons) {
    addresses_[neuron.hotkey] = {{neuron.ip, neuron.port}, neuron.uid};
    uids[neuron.hotkey] = neuron.uid;
  }
  recorder_.uids(std::move(uids));
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
    prune(now);
    // Bounded on both sides: nothing can be slept through, and nothing can keep us from sleeping.
    const Time next = scheduler_->next_due().value_or(now + kLongestSleep);
    wake_.expires_after(std::clamp(next, now + kShortestSleep, now + kLongestSleep) - now);
    boost::system::error_code woken;
    co_await wake_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
  }
  calls_.cancel();
  co_await calls_.join();
  journal_events();
  if (const auto saved = journal_.save_ledger(); !saved) {
    spdlog::warn("the next start will take longer: {}", saved.error().message());
  }
}

void Miner::start(Action action) {
  if (auto* pull_action = std::get_if<PullAction>(&action)) {
    if (!recorder_.trouble().empty()) {  // its intent is not on record
      const Error full{Errc::out_of_resource, recorder_.trouble()};
      scheduler_->on_pull_failure(pull_action->hotkey, {full, 0, false}, clock_.now());
      return;
    }
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
    if (!lease) {  // it fell ill since slots() was read: not the task's fault
      scheduler_->on_generation_refused(generation, {Errc::peer_failure, "no healthy worker"},
                                        clock_.now());
      return;
    }
    const auto task =
        calls_.spawn("generate", generate(std::move(generate_action), *std::move(lease)));
    generations_.emplace(generation, task);
  }
}

/// Writes what the scheduler recorded, before anything it decided is carried out. While the disk is
/// full no validator is asked for more.
void Miner::journal_events() {
  std::vector<Event> events = scheduler_->take_events();
  for (const Event& event : events) {
    const auto address = addresses_.find(event.hotkey);
    const bool is_known = address != addresses_.end();
    log_event(event, is_known ? address->second.uid : -1);
    events_.add(event, is_known ? std::optional(address->second.uid) : std::nullopt);
  }
  recorder_.events(std::move(events));
  const bool was_well = recorder_.trouble().empty();
  recorder_.flush();
  if (was_well != recorder_.trouble().empty()) {
    if (was_well) {
      spdlog::error("{}; finished results are still sent, no new tasks are taken",
                    recorder_.trouble());
    } else {
      spdlog::info("the journal can be written again");
    }
  }
  scheduler_->hold(recorder_.trouble());
}

/// Bounded work of a tenth of a second at most, so seldom and only while nobody is to be asked
/// soon.
void Miner::prune(Time now) {
  constexpr Duration kQuiet = std::chrono::milliseconds(300);
  if (now < next_prune_ || scheduler_->next_due().value_or(now + kPruneInterval) < now + kQuiet) {
    return;
  }
  const auto pruned = journal_.prune(config_.retention, now);
  if (!pruned) {
    spdlog::warn("journal not pruned: {}", pruned.error().message());
  }
  const bool is_complete = !pruned || pruned->is_complete;
  next_prune_ = now + (is_complete ? kPruneInterval : kLongestSleep);
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

/// Has the scheduler follow the validator's clock by a reply's Date.
void Miner::note_date(const std::string& hotkey, const net::Exchange& exchange, Time sent) {
  if (!exchange.response) {
    return;
  }
  const std::string* header = exchange.response->headers.find("date");
  const auto date = header == nullptr ? fail(Errc::not_found, "no date") : parse_http_date(*header);
  if (!date) {
    return;
  }
  scheduler_->on_date(hotkey, *date, sent, clock_.now(), 2 * exchange.connecting);
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
  const Time received = clock_.now();
  note_stage("pull", to_seconds(received - began));
  note_date(hotkey, exchange, began);
  auto reply = exchange.response ? subnet::parse_pull_reply(*exchange.response)
                                 : Result<subnet::PullReply>(exchange.response.error());
  if (reply) {
    if (reply->task) {
      co_await keep_picture(*reply->task);
      recorder_.task(hotkey, *reply->task, reply->validation_threshold, reply->throttle_period,
                     received);
    }
    scheduler_->on_pull_reply(hotkey, *reply, received);
  } else {
    scheduler_->on_pull_failure(hotkey, failure_of(exchange, reply.error()), clock_.now());
  }
  wake();
}

/// Writes a task's picture beside the journal, away from this thread: flushing takes milliseconds.
asio::awaitable<void> Miner::keep_picture(const subnet::Task& task) {
  if (task.type == subnet::Task::Type::image) {
    auto putting = put_picture_in_background(journal_.artifacts(), task.prompt);
    co_await net::in_background(cpu_, std::move(putting));
  }
}

/// Likewise a candidate's bytes. True when they are kept; if not, the recorder tries again.
asio::awaitable<bool> Miner::keep_bytes(const Candidate& candidate) {
  if (candidate.spz->empty()) {
    co_return false;
  }
  auto putting = put_in_background(journal_.artifacts(), candidate.spz);
  const auto kept = co_await net::in_background(cpu_, std::move(putting));
  co_return kept.has_value();
}

asio::awaitable<void> Miner::generate(GenerateAction action, WorkerPool::Lease lease) {
  // A cancelled generation has to be answered too, so that it must not leave by an exception.
  co_await asio::this_coro::throw_if_cancelled(false);
  WorkerAddress address = lease.address();
  GenerationJob job{action.task, action.seed, action.limit, config_.largest_spz, {}};
  job.floor = [this, generation = action.generation] { return scheduler_->floor_of(generation); };
  const Time began = clock_.now();
  Attempt attempt = co_await make_candidate(std::move(address), std::move(job), cpu_);
  generations_.erase(action.generation);
  lease.report(outcome_of(attempt));
  for (const auto& [stage, seconds] : attempt.stages) {
    note_stage(stage, seconds);
  }
  if (attempt.candidate) {
    Candidate& candidate = *attempt.candidate;
    const bool is_kept = co_await keep_bytes(candidate);
    candidate.artifact = candidate.spz->empty() ? "" : artifact_hash(*candidate.spz);
    StoredCandidate stored;
    stored.hotkey = action.hotkey;
    stored.task_id = action.task.id;
    stored.attempt = action.attempt;
    stored.seed = action.seed;
    stored.score = candidate.score;
    stored.judged = candidate.judged;
    stored.reason = candidate.reason;
    stored.seconds = to_seconds(clock_.now() - began);
    stored.made_at = clock_.now();
    stored.config = config_of(lease.address());
    stored.artifact = is_kept ? candidate.artifact : "";
    recorder_.candidate(std::move(stored), candidate.spz);
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
  const net::FetchLimits limits{.total_timeout = std::min(action.limit, config_.submit_timeout),
                                .body_bytes = kMaxReplyBytes};
  const auto exchange = co_await net::fetch(std::move(peer), std::move(request), limits);
  note_stage("submit", to_seconds(clock_.now() - began));
  note_date(action.hotkey, exchange, began);
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
  const auto saved = co_await net::in_background(cpu_, std::move(saving));
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
