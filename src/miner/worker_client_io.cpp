#include "miner/worker_client_io.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "miner/verdict_reply.h"
#include "net/background.h"
#include "net/http_client.h"
#include "pipeline/prepare.h"
#include "splat/ply.h"

namespace lode::miner {

namespace asio = boost::asio;
using Json = nlohmann::json;

namespace {

/// A PLY of two million gaussians with third-degree SH is 500 MB; more is no honest answer.
constexpr std::size_t kMaxPlyBytes = 512 << 20;

std::string route(const net::HttpUrl& base, std::string_view path) {
  std::string target = base.path;
  while (target.ends_with('/')) {
    target.pop_back();
  }
  return target + std::string(path);
}

bool blames_the_request(int status) { return status == 400 || status == 413 || status == 422; }

HttpRequest generation_request(const net::HttpUrl& url, const subnet::Task& task,
                               std::uint64_t seed) {
  return {"POST",
          route(url, "/generate/"),
          {{"content-type", "application/x-www-form-urlencoded"}},
          form_encode({{"prompt", task.prompt}, {"seed", std::to_string(seed)}}),
          {},
          0};
}

HttpRequest validation_request(const net::HttpUrl& url, const subnet::Task& task, const Bytes& spz,
                               std::optional<double> floor) {
  const bool is_image = task.type == subnet::Task::Type::image;
  Json body = {{is_image ? "prompt_image" : "prompt", task.prompt},
               {"data", base64_encode(spz)},
               {"compression", 2}};
  if (floor) {
    body["score_floor"] = *floor;  // of our own: other services do not know it
  }
  return {"POST",
          route(url, is_image ? "/validate_img_to_3d_ply/" : "/validate_txt_to_3d_ply/"),
          {{"content-type", "application/json"}},
          body.dump(-1, ' ', false, Json::error_handler_t::replace),
          {},
          0};
}

/// How long a reply of "not now" (503 or 429 with a Retry-After in seconds) asks for.
std::optional<Duration> retry_after(const HttpResponse& response) {
  constexpr int kLongest = 300;
  const std::string* header = response.headers.find("retry-after");
  if (header == nullptr || (response.status != 503 && response.status != 429)) {
    return std::nullopt;
  }
  int seconds = 0;
  const auto [end, ec] = std::from_chars(header->data(), header->data() + header->size(), seconds);
  if (ec == std::errc::invalid_argument || end != header->data() + header->size()) {
    return std::nullopt;
  }
  return std::chrono::seconds(ec == std::errc() ? std::clamp(seconds, 1, kLongest) : kLongest);
}

void add_stages(std::vector<pipeline::StageTime> more, std::vector<pipeline::StageTime>& stages) {
  stages.insert(stages.end(), more.begin(), more.end());
}

/// The worker's own account of its time, if it gives one.
void add_worker_stages(const HttpResponse& response, std::vector<pipeline::StageTime>& stages) {
  const std::string* header = response.headers.find("x-lode-stages");
  const Json json = header ? Json::parse(*header, nullptr, false) : Json();
  if (!json.is_object() || json.size() > 32) {
    return;
  }
  for (const auto& [name, seconds] : json.items()) {
    if (seconds.is_number()) {
      stages.push_back({"generate." + name.substr(0, 32), seconds.get<double>()});
    }
  }
}

/// The candidate with a validation reply's score and reason.
Result<Candidate> judged_by(const HttpResponse& response, Candidate candidate) {
  LODE_TRY(ServiceVerdict verdict, parse_verdict(response.body));
  candidate.score = verdict.score;
  candidate.judged = true;
  candidate.reason = std::move(verdict.reason);
  candidate.is_discarded = verdict.is_discarded;
  if (candidate.is_discarded) {
    candidate.spz = std::make_shared<const Bytes>();  // nobody will ask for them again
  }
  return candidate;
}

asio::awaitable<Result<Bytes>> prepare_in_background(std::string ply, std::uint64_t seed) {
  const auto cloud = splat::decode_ply(as_bytes(ply));
  if (!cloud) {
    co_return cloud.error();
  }
  auto prepared = pipeline::prepare(*cloud, seed);
  if (!prepared) {
    co_return prepared.error();
  }
  co_return std::move(prepared->spz);
}

}  // namespace

std::string config_of(const WorkerAddress& address) {
  Json json = {{"program", "lode"}};
  if (address.backend.empty()) {
    json["generation"] =
        "http://" + address.generation.endpoint.to_string() + address.generation.path;
  } else {
    json["backend"] = address.backend;  // a local worker's port is another one after each start
  }
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

WorkerOutcome outcome_of(const Attempt& attempt) {
  using Kind = WorkerOutcome::Kind;
  double seconds = 0;
  for (const auto& stage : attempt.stages) {
    seconds += stage.stage == "generate" ? stage.seconds : 0;
  }
  if (!attempt.junk.empty()) {
    return {Kind::failed, 0, "junk: " + attempt.junk};
  }
  if (attempt.candidate) {
    return {Kind::succeeded, seconds};
  }
  const Error& error = attempt.candidate.error();
  if (attempt.retry_after) {
    return {Kind::busy, 0, error.context, *attempt.retry_after};
  }
  if (error.code == Errc::cancelled) {
    return {Kind::given_up, seconds};
  }
  if (attempt.is_request_bad || attempt.is_scorer_to_blame) {
    return {};
  }
  return {error.code == Errc::timed_out ? Kind::stuck : Kind::failed, 0, error.context};
}

asio::awaitable<Attempt> make_candidate(WorkerAddress address, GenerationJob job,
                                        asio::thread_pool& cpu) {
  Attempt attempt{fail(Errc::internal, "not started")};
  pipeline::StageClock clock;
  const auto failed = [&](Error error, std::string_view where) {
    attempt.candidate = annotate(std::move(error), where);
    return std::move(attempt);
  };

  // Arguments of awaited coroutines are made in variables throughout: GCC 12 may destroy
  // temporaries inside a co_await twice (gcc bugs 99576, 100611).
  HttpRequest ask = generation_request(address.generation, job.task, job.seed);
  net::Endpoint generator = address.generation.endpoint;
  const net::FetchLimits generation_limits{.total_timeout = job.limit, .body_bytes = kMaxPlyBytes};
  auto made = co_await net::fetch(std::move(generator), std::move(ask), generation_limits);
  clock.lap("generate");
  attempt.stages = clock.take();
  if (!made.response) {
    co_return failed(made.response.error(), "generation");
  }
  if (made.response->status != 200) {
    attempt.is_request_bad = blames_the_request(made.response->status);
    attempt.retry_after = retry_after(*made.response);
    co_return failed(
        {Errc::peer_failure, describe_refusal(made.response->status, made.response->body)},
        "generation");
  }
  add_worker_stages(*made.response, attempt.stages);

  auto preparing = prepare_in_background(std::move(made.response->body), job.seed);
  const auto spz = co_await net::in_background(cpu, std::move(preparing));
  clock.lap("prepare");
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  if (cancellation.cancelled() != asio::cancellation_type::none) {
    co_return failed({Errc::cancelled, "no longer wanted"}, "prepare");
  }
  add_stages(clock.take(), attempt.stages);
  Candidate candidate;
  if (!spz || spz->size() > job.largest_spz) {
    candidate.judged = true;  // by the data checks, and found wanting
    candidate.reason = spz ? "its SPZ of " + std::to_string(spz->size()) +
                                 " bytes is too large: at most " + std::to_string(job.largest_spz) +
                                 " are sent"
                           : spz.error().context;
    attempt.junk = candidate.reason;
    candidate.spz = std::make_shared<const Bytes>();
    attempt.candidate = std::move(candidate);
    co_return attempt;
  }
  candidate.spz = std::make_shared<const Bytes>(*spz);
  candidate.reason = "data checks passed; no validation service is configured";
  if (!address.validation) {
    attempt.candidate = std::move(candidate);
    co_return attempt;
  }

  const std::optional<double> floor = job.floor ? job.floor() : std::nullopt;
  HttpRequest question = validation_request(*address.validation, job.task, *candidate.spz, floor);
  net::Endpoint scorer = address.validation->endpoint;
  const net::FetchLimits validation_limits{.total_timeout = kValidationTimeout,
                                           .body_bytes = 16 << 20};
  const auto judged =
      co_await net::fetch(std::move(scorer), std::move(question), validation_limits);
  clock.lap("score");
  add_stages(clock.take(), attempt.stages);
  attempt.is_scorer_to_blame = address.validation->endpoint != address.generation.endpoint;
  if (!judged.response) {
    co_return failed(judged.response.error(), "validation");
  }
  if (judged.response->status != 200) {
    attempt.is_request_bad = blames_the_request(judged.response->status);
    co_return failed(
        {Errc::peer_failure, describe_refusal(judged.response->status, judged.response->body)},
        "validation");
  }
  attempt.candidate = judged_by(*judged.response, std::move(candidate));
  co_return attempt;
}

}  // namespace lode::miner
