// lode replay: a journalled candidate made again, and whether it has the same bytes.
#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "lode/commands.h"
#include "lode/journal_query.h"
#include "miner/worker_client_io.h"
#include "pipeline/backend.h"
#include "pipeline/prepare.h"
#include "splat/ply.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;
using Json = nlohmann::json;

struct ReplayOptions {
  JournalQuery query;
  std::string task;
  int attempt = -1;  ///< -1: the one that was sent or, failing that, the best
  std::string worker, backend;
  std::string out;
  bool json = false;
};

/// What makes it again: one of the two.
struct Maker {
  std::optional<net::HttpUrl> worker;
  std::string backend;
};

Result<Maker> choose_maker(const ReplayOptions& options, const miner::StoredCandidate& candidate) {
  Maker maker;
  std::string worker = options.worker;
  if (options.worker.empty() && options.backend.empty()) {
    const Json config = Json::parse(candidate.config, nullptr, false);
    if (!config.is_object()) {
      return fail(
          Errc::not_found,
          "the journal does not say what made this candidate: name a --backend or --worker");
    }
    maker.backend = config.value("backend", "");
    if (!maker.backend.empty() && maker.backend != "sketch") {
      return fail(Errc::unsupported,
                  "backend '" + maker.backend +
                      "' made this candidate with a worker's stages: start lode-worker serve with "
                      "the miner's settings, and name it by --worker");
    }
    worker = config.value("generation", "");
  } else {
    maker.backend = options.backend;
  }
  if (maker.backend.empty()) {
    LODE_TRY(maker.worker, net::parse_http_url(worker));
  }
  return maker;
}

Result<miner::StoredCandidate> choose_candidate(const ReplayOptions& options,
                                                const JournalView& view,
                                                const miner::StoredTask& task) {
  LODE_TRY(const auto rows, view.journal.candidate_rows(task.hotkey, task.task_id));
  const auto rank = [&](const miner::StoredCandidate& row) {
    return std::pair(!task.sent.empty() && row.artifact == task.sent, row.score);
  };
  const miner::StoredCandidate* chosen = nullptr;
  for (const miner::StoredCandidate& row : rows) {
    const bool is_better = chosen == nullptr || rank(row) > rank(*chosen);
    if (options.attempt >= 0 ? row.attempt == options.attempt : is_better) {
      chosen = &row;
    }
  }
  if (chosen == nullptr) {
    return fail(Errc::not_found,
                "task " + task.task_id + ": the journal has no candidate" +
                    (options.attempt < 0 ? "" : " of attempt " + std::to_string(options.attempt)));
  }
  return *chosen;
}

/// As the worker and the miner do: the cloud travels as a PLY.
Result<Bytes> make_in_process(const std::string& name, const subnet::Task& task,
                              std::uint64_t seed) {
  LODE_TRY(const auto backend, pipeline::make_backend(name));
  LODE_TRY(const pipeline::Asset asset,
           backend->generate(pipeline::request_from_prompt(task.prompt, seed), {}));
  LODE_TRY(const splat::GaussianCloud cloud, splat::decode_ply(splat::encode_ply(asset.cloud)));
  auto prepared = pipeline::prepare(cloud, seed);
  return prepared ? std::move(prepared->spz) : Bytes();  // it fails the data checks
}

Result<Bytes> make_at_worker(const net::HttpUrl& url, const subnet::Task& task,
                             std::uint64_t seed) {
  asio::io_context context(1);
  asio::thread_pool cpu(1);
  std::optional<miner::Attempt> attempt;
  std::exception_ptr failure;
  asio::co_spawn(context, miner::make_candidate({url, std::nullopt, {}}, {task, seed}, cpu),
                 [&](std::exception_ptr error, miner::Attempt made) {
                   failure = error;
                   attempt = std::move(made);
                 });
  context.run();
  if (failure) {
    std::rethrow_exception(failure);
  }
  if (!attempt->candidate) {
    return attempt->candidate.error();
  }
  return *attempt->candidate->spz;
}

int replay(const ReplayOptions& options) {
  const auto view = open_journal(options.query);
  if (!view) {
    return cli::report(view.error());
  }
  const auto task = find_task(*view, options.task);
  if (!task) {
    return cli::report(task.error());
  }
  const auto whole = view->journal.whole_task(*task);
  const auto candidate = choose_candidate(options, *view, *task);
  const auto maker = candidate ? choose_maker(options, *candidate) : candidate.error();
  if (!whole || !maker) {
    return cli::report(whole ? maker.error() : whole.error());
  }
  const auto spz = maker->worker ? make_at_worker(*maker->worker, *whole, candidate->seed)
                                 : make_in_process(maker->backend, *whole, candidate->seed);
  if (!spz) {
    return cli::report(spz.error());
  }
  if (!options.out.empty()) {
    if (const auto written = write_file(options.out, *spz); !written) {
      return cli::report(written.error());
    }
  }
  const std::string hash = spz->empty() ? "" : miner::artifact_hash(*spz);
  const bool is_same = hash == candidate->artifact;
  if (options.json) {
    cli::print_json({{"task", task->task_id},
                     {"attempt", candidate->attempt},
                     {"seed", candidate->seed},
                     {"recorded", candidate->artifact},
                     {"replayed", hash},
                     {"bytes", spz->size()},
                     {"same", is_same}});
  } else {
    const auto shown = [](const std::string& h) { return h.empty() ? "none" : h; };
    std::cout << "recorded " << shown(candidate->artifact) << "\nreplayed " << shown(hash)
              << "\nsame " << (is_same ? "true" : "false") << "\n";
  }
  return is_same ? cli::kDone : cli::kInvalidInput;
}

}  // namespace

void add_replay(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<ReplayOptions>();
  CLI::App* command =
      app.add_subcommand("replay", "Make a journalled candidate again and compare its bytes");
  command->add_option("task", options->task, "The start of a task's id")->required();
  add_journal_path(*command, options->query);
  add_validator(*command, options->query);
  command->add_option("--attempt", options->attempt, "Which candidate, instead of the one sent")
      ->check(CLI::NonNegativeNumber);
  auto* worker = command->add_option("--worker", options->worker, "URL of a generation service");
  command->add_option("--backend", options->backend, "Make it in this process")->excludes(worker);
  command->add_option("-o", options->out, "Keep the replayed SPZ here");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &chosen] { chosen = [options] { return replay(*options); }; });
}

}  // namespace lode::commands
