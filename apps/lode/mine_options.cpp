#include "lode/mine_options.h"

#include <CLI/CLI.hpp>

namespace lode::commands {

void add_mine_options(CLI::App& command, MineOptions& options) {
  command.add_option("--netuid", options.netuid, "Subnet")->capture_default_str();
  add_wallet_options(command, options.wallet);
  command.add_option("--signer", options.signer_socket,
                     "Socket of a lode signer, which holds the hotkey instead");
  command
      .add_option("--subtensor.network", options.subtensor_network,
                  "finney, test, local, or a URL of the chain")
      ->default_str("finney");
  command.add_option("--subtensor.chain_endpoint", options.chain_endpoints,
                     "URLs of the chain, instead of the network's own");
  command.add_option("--metagraph.file", options.metagraph_file, "Metagraph in place of a chain");
  command
      .add_option("--axon.allow_private", options.private_axons,
                  "Ask axons on private addresses: yes, no, or auto for a chain of one's own")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "yes", "no"}));
  command.add_option("--journal.path", options.journal_path, "SQLite file with what happened")
      ->capture_default_str();
  command
      .add_option("--journal.keep", options.journal_keep,
                  "How long its entries are kept, like 30d or 12h")
      ->capture_default_str();
  command
      .add_option("--journal.artifacts_mib", options.journal_artifacts_mib,
                  "Largest size of the splats and pictures beside it")
      ->capture_default_str()
      ->check(CLI::Range(16, 1 << 20));
  command.add_option("--http.listen", options.http_listen, "HOST:PORT of the status page")
      ->capture_default_str();
  command.add_option("--artifacts.path", options.artifacts_path,
                     "Folder to keep accepted splats in");
  command.add_option("--generation.endpoints", options.generation_endpoints,
                     "Generation services to use instead of local workers");
  command.add_option("--validation.endpoint", options.validation_endpoint,
                     "Scoring service to judge candidates with");
  command.add_option("--worker.binary", options.worker_binary, "lode-worker program");
  command.add_option("--worker.backend", options.backend, "Backend of local workers")
      ->capture_default_str();
  add_worker_settings(command, options.worker, {.are_keys = true, .are_flags = false});
  command.add_option("--workers", options.workers, "Tasks that local workers make at a time")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command
      .add_option("--worker.processes", options.processes,
                  "Local processes that share them; 0: one each for sketch, else one with --jobs, "
                  "so that models are loaded once")
      ->capture_default_str()
      ->check(CLI::Range(0, 64));
  command.add_option("--blacklist", options.blacklist,
                     "Validators never asked: UID or HOTKEY, with =REASON; replaces the default");
  command.add_option("--blacklist.file", options.blacklist_file,
                     "TOML file with [[blacklist]] entries; re-read on SIGHUP and every sync");
  command
      .add_option("--neuron.min_stake_to_set_weights", options.min_stake,
                  "Validators with less stake are not asked")
      ->capture_default_str();
  command
      .add_option("--neuron.sync_interval", options.sync_seconds,
                  "Seconds between reads of metagraph and blacklist")
      ->capture_default_str()
      ->check(CLI::Range(1, 86'400));
  command
      .add_option("--drain.seconds", options.drain_seconds,
                  "Longest wait for work under way on SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0, 3600));
  command
      .add_option("--stagger.seconds", options.stagger_seconds,
                  "Spread the first pulls of a start over this long, at most two throttle windows")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  command
      .add_option("--candidates.max", options.max_candidates,
                  "Candidates made for one task at most")
      ->capture_default_str()
      ->check(CLI::Range(1, 64));
  command
      .add_option("--candidates.score_correlation", options.score_correlation,
                  "How well the own score tells which result a judge prefers, 0 not at all, 1 "
                  "always; learned from duels unless given")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--candidates.improve", options.improve_candidates,
                  "Whether spare workers try to better a result that could be sent: yes or no")
      ->capture_default_str()
      ->check(CLI::IsMember({"yes", "no"}));
}

}  // namespace lode::commands
