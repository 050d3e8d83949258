#include "sandbox/validator_io.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/json.h"
#include "net/background.h"

// Lambdas and braced structs that a coroutine passes on are variables of their own in this file:
// GCC 12 destroys such temporaries of an awaited call twice.
namespace lode::sandbox {
namespace asio = boost::asio;

namespace {

// Tasks whose answers can still be scored: one a miner is assigned, a few may be in flight. For
// more miners than that the scorer fails, as real ones do.
constexpr std::size_t kIssuedTasksKept = 16;
constexpr std::string_view kScorerVersion = "\"2.4.0\"";  // as the scoring service's JSON text

// v44 knows no task type: what its replies do not have cannot be sent.
void drop_task_type(HttpResponse& response) {
  auto body = parse_json(response.body);
  if (!body || !body->contains("task") || !(*body)["task"].is_object())
    return;
  (*body)["task"].erase("type");
  response.body = body->dump();
}

}  // namespace

ValidatorIo::ValidatorIo(asio::any_io_executor executor, asio::thread_pool& workers,
                         const Clock& clock, ValidatorIoConfig config, std::string hotkey)
    : config_(config),
      workers_(workers),
      maker_strand_(asio::make_strand(workers)),
      clock_(clock),
      background_(executor, [](const std::string& name,
                               const std::string& what) { spdlog::error("{}: {}", name, what); }),
      fault_rng_(Rng(config.seed).fork("faults")),
      duel_rng_(Rng(config.seed).fork("duels")),
      maker_(Rng(config.seed).fork("tasks").next(), config.shares),
      axon_(std::move(hotkey),
            [this](const subnet::RequestHead& head) -> std::optional<std::string> {
              if (head.synapse != "SubmitResults")
                return std::nullopt;
              return validator_.refuse_submission(head.hotkey, peer_ip_);
            }),
      validator_(config.rules, {}, [this] { return next_assignment(); }) {}

asio::awaitable<void> ValidatorIo::finish() {
  background_.cancel();
  co_await background_.join();
}

std::optional<HttpResponse> ValidatorIo::on_head(const HttpRequest& request) {
  peer_ip_ = request.peer_ip;
  auto judged = axon_.accept_head(request, clock_.now());
  if (auto* response = std::get_if<HttpResponse>(&judged))
    return std::move(*response);
  heads_[request.peer_port] = std::get<subnet::RequestHead>(std::move(judged));
  return std::nullopt;
}

asio::awaitable<HttpResponse> ValidatorIo::on_request(HttpRequest request) {
  auto node = heads_.extract(request.peer_port);
  LODE_ASSERT(!node.empty(), "a head is judged before its body is read");
  const subnet::RequestHead head = std::move(node.mapped());
  const Fault fault = draw_fault();
  if (fault == Fault::drop_request)
    throw net::CloseConnection{};
  if (fault == Fault::server_error)
    co_return subnet::make_internal_error();
  auto parsed = axon_.accept_body(head, request);
  request.body.clear();  // the parsed body has a copy; results are megabytes
  request.body.shrink_to_fit();
  if (auto* response = std::get_if<HttpResponse>(&parsed))
    co_return std::move(*response);
  HttpResponse response = co_await answer(head, std::get<subnet::RequestBody>(parsed));
  if (fault == Fault::drop_reply)
    throw net::CloseConnection{};
  co_return response;
}

ValidatorIo::Fault ValidatorIo::draw_fault() {
  if (fault_rng_.uniform() >= config_.fault_rate)
    return Fault::none;
  ++faults_;
  constexpr Fault kKinds[] = {Fault::drop_request, Fault::drop_reply, Fault::server_error};
  return kKinds[fault_rng_.below(std::size(kKinds))];
}

asio::awaitable<HttpResponse> ValidatorIo::answer(const subnet::RequestHead& head,
                                                  const subnet::RequestBody& body) {
  if (head.synapse == "PullTask")
    co_return co_await answer_pull(body);
  if (head.synapse == "SubmitResults")
    co_return co_await answer_submit(body);
  const subnet::VersionReply version{config_.rules.version, std::string(kScorerVersion)};
  co_return subnet::make_version_response(body, version);
}

// Fills `ready_` by one. Tasks come in the maker's order, whoever waits for them.
asio::awaitable<void> ValidatorIo::prepare_task() {
  const auto make = [this]() -> asio::awaitable<SandboxTask> {
    const TaskPlan plan = maker_.next();
    const bool needs_reference =
        config_.scoring == Scoring::compare || plan.type == subnet::Task::Type::image;
    co_return needs_reference ? prepare(plan) : prepare_without_reference(plan);
  };
  auto strand = maker_strand_;
  auto making = net::in_background(std::move(strand), make());
  SandboxTask task = co_await std::move(making);
  ready_.push_back(std::make_shared<const SandboxTask>(std::move(task)));
}

// With one task ready a pull need not wait for a picture to be drawn.
void ValidatorIo::prefetch() {
  if (ready_.empty() && background_.size() == 0)
    background_.spawn("prefetch", prepare_task());
}

Assignment ValidatorIo::next_assignment() {
  LODE_ASSERT(!ready_.empty(), "a task is prepared before it is asked for");
  TaskPtr task = std::move(ready_.front());
  ready_.pop_front();
  issued_.push_back(task);
  if (issued_.size() > kIssuedTasksKept)
    issued_.pop_front();
  Assignment assignment{task->task, std::nullopt};
  if (duel_rng_.uniform() < config_.duel_share) {
    Opponent opponent;
    opponent.rating.rating = 1500 + 150 * duel_rng_.normal();
    opponent.rating.deviation = duel_rng_.uniform(50, 150);
    opponent.rating.volatility = 0.06;
    opponent.score = std::clamp(0.75 + 0.1 * duel_rng_.normal(), 0.0, 1.0);
    assignment.duel = opponent;
  }
  return assignment;
}

asio::awaitable<HttpResponse> ValidatorIo::answer_pull(const subnet::RequestBody& body) {
  // Others that wait may take what is prepared, and time passes, so ask again each time.
  Time now = clock_.now();
  while (ready_.empty() && validator_.would_assign(body.dendrite_hotkey, now)) {
    co_await prepare_task();
    now = clock_.now();
  }
  const subnet::PullReply reply = validator_.pull(body.dendrite_hotkey, now);
  prefetch();
  HttpResponse response = subnet::make_pull_response(body, reply);
  if (config_.rules.version <= kLastVersionWithoutTypes)
    drop_task_type(response);
  co_return response;
}

asio::awaitable<HttpResponse> ValidatorIo::answer_submit(const subnet::RequestBody& body) {
  auto step = validator_.begin_submit(body, clock_.now());
  if (!step)
    co_return subnet::make_internal_error();
  if (auto* reply = std::get_if<subnet::SubmitReply>(&*step)) {
    co_return subnet::make_submit_response(body, *reply);
  }
  const ScoringJob job = std::get<ScoringJob>(*std::move(step));
  const auto task = std::find_if(issued_.rbegin(), issued_.rend(), [&](const TaskPtr& issued) {
    return issued->task.id == job.task_id;
  });
  if (task == issued_.rend()) {
    const auto failed = validator_.finish_submit(job.token, std::nullopt, clock_.now());
    co_return subnet::make_submit_response(body, failed);
  }
  const TaskPtr record = *task;
  const auto score_it = [this, &record, &job]() -> asio::awaitable<Score> {
    co_return config_.scoring == Scoring::trust ? trusted_score(job.task_id)
                                                : score_submission(*record, job.results);
  };
  auto scoring = net::in_background(workers_, score_it());
  const Score score = co_await std::move(scoring);
  const auto reply = validator_.finish_submit(job.token, score.value, clock_.now());
  spdlog::info("{} {} task {}: {} ({})", axon_.hotkey().substr(0, 8),
               record->task.type == subnet::Task::Type::text ? "text" : "image",
               job.task_id.substr(0, 8),
               reply.feedback && reply.feedback->task_fidelity_score > 0 ? "accepted" : "refused",
               score.reason);
  co_return subnet::make_submit_response(body, reply);
}

}  // namespace lode::sandbox
