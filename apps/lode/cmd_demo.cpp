// lode demo: a local subnet and a miner on it, until every validator has accepted enough.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "lode/commands.h"
#include "lode/demo_report.h"
#include "lode/fetch_json.h"
#include "net/child_process.h"
#include "net/run_to_end.h"

namespace lode::commands {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using Json = nlohmann::json;
using SteadyClock = std::chrono::steady_clock;

struct DemoOptions {
  int validators = 8;
  int results = 2;
  int workers = 4;
  std::uint64_t seed = 1;
  double time_scale = 30;
  std::string out = "lode-demo";
  std::string json_file;
  int timeout_seconds = 600;
};

std::atomic<bool> g_interrupted = false;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

/// Whether every validator that the sandbox runs has accepted `results`.
bool is_goal_reached(const Json& ledger, const Json& sandbox, int results) {
  std::map<int, int> accepted;
  for (const Json& row : ledger.at("validators")) {
    accepted[row.at("uid").get<int>()] = row.at("accepted").get<int>();
  }
  return std::all_of(sandbox.at("validators").begin(), sandbox.at("validators").end(),
                     [&](const Json& v) { return accepted[v.at("uid").get<int>()] >= results; });
}

/// A child of the demo and what it said when it was ready.
struct Child {
  net::ChildProcess process;
  Json ready;
};

Result<Child> start(asio::io_context& context, net::ChildSpec spec) {
  const std::string name = spec.arguments.front();
  LODE_TRY(auto process, net::run_to_end(context, net::ChildProcess::start(std::move(spec))));
  Json ready = Json::parse(process.ready_line(), nullptr, false);
  if (!ready.is_object()) {
    return fail(Errc::peer_failure, name + ": its first line is no JSON object");
  }
  return Child{std::move(process), std::move(ready)};
}

net::ChildSpec sandbox_spec(const DemoOptions& options, const fs::path& self, const fs::path& out) {
  return {self,
          {"sandbox", "--validators", std::to_string(options.validators), "--time-scale",
           fmt::format("{}", options.time_scale), "--seed", std::to_string(options.seed), "--dir",
           (out / "subnet").string()},
          out / "sandbox.log"};
}

net::ChildSpec miner_spec(const DemoOptions& options, const fs::path& self, const fs::path& out,
                          const Json& sandbox) {
  return {self,
          {"mine", "--config", "none", "--wallet.file",
           sandbox.at("miner_hotkey_file").get<std::string>(), "--subtensor.network",
           sandbox.at("chain").get<std::string>(), "--journal.path", (out / "journal.db").string(),
           "--artifacts.path", (out / "splats").string(), "--http.listen", "127.0.0.1:0",
           "--workers", std::to_string(options.workers)},
          out / "miner.log"};
}

/// Polls the miner until the goal; the last ledger seen.
Result<Json> watch(const DemoOptions& options, Child& miner, const Json& sandbox) {
  LODE_TRY(const net::Endpoint status,
           net::parse_endpoint(miner.ready.at("http").get<std::string>()));
  DemoProgress progress(options.results);
  const auto began = SteadyClock::now();
  for (;;) {
    if (!miner.process.is_running()) {
      return fail(Errc::peer_failure,
                  "the miner ended early; its log is " + options.out + "/miner.log");
    }
    LODE_TRY(Json ledger, fetch_json(status, "/api/ledger"));
    progress.show(ledger, seconds_since(began));
    if (is_goal_reached(ledger, sandbox, options.results)) {
      return ledger;
    }
    if (g_interrupted) {
      return fail(Errc::cancelled, "interrupted");
    }
    if (seconds_since(began) > options.timeout_seconds) {
      return fail(Errc::io_failure, fmt::format("{} s have passed and the goal is not reached; see "
                                                "{}/miner.log",
                                                options.timeout_seconds, options.out));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
  }
}

/// Old results would be taken for new ones.
Result<void> prepare_folder(const fs::path& out) {
  std::error_code ec;
  for (const char* name : {"splats", "subnet", "journal.db", "journal.db-wal", "journal.db-shm"}) {
    fs::remove_all(out / name, ec);
  }
  fs::create_directories(out / "subnet", ec);
  if (ec) {
    return fail(Errc::io_failure, out.string() + ": " + ec.message());
  }
  return {};
}

/// The validators' own books are the truth about violations and rejections.
void take_validators_counts(Json& ledger, const Json& books) {
  std::map<int, Json> by_uid;
  for (const Json& row : books.at("validators")) {
    by_uid[row.at("uid").get<int>()] = row;
  }
  Json& totals = ledger["totals"];
  totals["violations"] = 0;
  totals["rejected"] = 0;
  for (Json& row : ledger["validators"]) {
    const auto found = by_uid.find(row.at("uid").get<int>());
    if (found != by_uid.end()) {
      row["violations"] = found->second.at("violations");
      row["rejected"] = found->second.at("rejected");
    }
    totals["violations"] = totals["violations"].get<int>() + row["violations"].get<int>();
    totals["rejected"] = totals["rejected"].get<int>() + row["rejected"].get<int>();
  }
  ledger["bystanders"] = books.value("bystanders", Json::array());
}

Result<Json> run_demo(const DemoOptions& options) {
  const auto began = SteadyClock::now();
  const fs::path self = fs::read_symlink("/proc/self/exe");
  const fs::path out = fs::absolute(options.out);
  LODE_CHECK(prepare_folder(out));
  asio::io_context context(1);
  LODE_TRY(Child sandbox, start(context, sandbox_spec(options, self, out)));
  LODE_TRY(Child miner, start(context, miner_spec(options, self, out, sandbox.ready)));
  LODE_TRY(Json result, watch(options, miner, sandbox.ready));
  LODE_TRY(const net::Endpoint control,
           net::parse_endpoint(sandbox.ready.at("control").get<std::string>()));
  LODE_TRY(const int miner_code,
           net::run_to_end(context, miner.process.stop(std::chrono::seconds(90))));
  LODE_TRY(const Json books, fetch_json(control, "/sandbox/status"));
  LODE_TRY(const int sandbox_code,
           net::run_to_end(context, sandbox.process.stop(std::chrono::seconds(30))));
  if (miner_code != 0 || sandbox_code != 0) {
    return fail(Errc::internal, fmt::format("exit codes on SIGTERM: miner {}, sandbox {}",
                                            miner_code, sandbox_code));
  }
  take_validators_counts(result, books);
  const fs::path sheet = out / "contact_sheet.png";
  LODE_TRY(const int tiles, write_contact_sheet(out / "splats", sheet));
  result["contact_sheet"] = tiles > 0 ? Json(sheet.string()) : Json();
  result["artifacts"] = (out / "splats").string();
  result["seconds"] = seconds_since(began);
  return result;
}

int demo(const DemoOptions& options) {
  std::signal(SIGINT, [](int) { g_interrupted = true; });
  std::signal(SIGTERM, [](int) { g_interrupted = true; });
  auto result = run_demo(options);
  if (!result) {
    return cli::report(result.error());
  }
  std::cout << format_summary(*result);
  if (!options.json_file.empty()) {
    if (const auto written = write_file(options.json_file, as_bytes(result->dump(2) + "\n"));
        !written) {
      return cli::report(written.error());
    }
  }
  return cli::kDone;
}

}  // namespace

void add_demo(CLI::App& app, cli::Action& chosen) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* command =
      app.add_subcommand("demo", "Mine on a local subnet until every validator has enough");
  command->add_option("--validators", options->validators, "Validators of the local subnet")
      ->capture_default_str()
      ->check(CLI::Range(1, 32));
  command->add_option("--results", options->results, "Accepted results wanted of each")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  command->add_option("--workers", options->workers, "Local workers")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command->add_option("--seed", options->seed, "Seed of the subnet")->capture_default_str();
  command
      ->add_option("--time-scale", options->time_scale,
                   "How much faster than real the subnet's clocks run")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 300.0));
  command->add_option("--out", options->out, "Folder for splats, logs and pictures")
      ->capture_default_str();
  command->add_option("--json", options->json_file, "File to write the result to as JSON");
  command->add_option("--timeout", options->timeout_seconds, "Seconds until it gives up")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  command->callback([options, &chosen] { chosen = [options] { return demo(*options); }; });
}

}  // namespace lode::commands
