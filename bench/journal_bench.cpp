// What the miner's journal costs: on the way of every decision, of every candidate, and at start.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>

#include "base/rng.h"
#include "miner/journal.h"
#include "tests/support/events.h"

namespace lode::miner {
namespace {

namespace fs = std::filesystem;

/// A journal on the machine's disk, gone with the benchmark.
class Scratch {
 public:
  Scratch() : folder_(fs::current_path() / ("lode_bench_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~Scratch() { fs::remove_all(folder_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  fs::path path() const { return folder_ / "journal.db"; }
  Journal open() const { return *Journal::open(path()); }

 private:
  fs::path folder_;
};

Bytes noise(std::size_t n_bytes) {
  Rng rng(1);
  Bytes bytes(n_bytes);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(rng.next());
  }
  return bytes;
}

/// 100k events of some 17,000 tasks, as six days of eight validators give.
constexpr int kTasks = 17'200;

void fill(Journal& journal) {
  const auto history = testing_support::make_history(1, kTasks);
  for (std::size_t i = 0; i < history.size(); i += 1000) {
    const std::size_t end = std::min(history.size(), i + 1000);
    (void)journal.append({history.begin() + static_cast<std::ptrdiff_t>(i),
                          history.begin() + static_cast<std::ptrdiff_t>(end)});
  }
}

void append_3_events(benchmark::State& state) {
  const Scratch scratch;
  Journal journal = scratch.open();
  auto batch =
      testing_support::make_task(1'700'000'000, std::string(48, 'V'),
                                 "3ddf5fd2-7f2a-4a0c-8b59-5b1e3a3a0b1d", EventKind::accepted);
  batch.resize(3);  // pulling, assigned, generating
  for (auto _ : state) {
    benchmark::DoNotOptimize(journal.append(batch).has_value());
  }
}
BENCHMARK(append_3_events)->UseRealTime();

void put_candidate_1_mb(benchmark::State& state) {
  const Scratch scratch;
  Journal journal = scratch.open();
  StoredCandidate candidate;
  candidate.hotkey = "V";
  candidate.task_id = "t";
  candidate.spz = noise(1 << 20);
  for (auto _ : state) {
    ++candidate.attempt;
    candidate.spz[static_cast<std::size_t>(candidate.attempt) % 1000] ^= 0x55;
    benchmark::DoNotOptimize(journal.put_candidate(candidate).has_value());
  }
}
BENCHMARK(put_candidate_1_mb)->UseRealTime();

void hash_1_mb(benchmark::State& state) {
  const Bytes bytes = noise(1 << 20);
  for (auto _ : state) {
    benchmark::DoNotOptimize(artifact_hash(bytes));
  }
}
BENCHMARK(hash_1_mb);

/// As a start does: open, check for damage, take the ledger.
void start(benchmark::State& state, bool is_saved) {
  const Scratch scratch;
  {
    Journal journal = scratch.open();
    fill(journal);
    if (is_saved) {
      (void)journal.save_ledger();
    }
  }
  for (auto _ : state) {
    const Journal journal = scratch.open();
    benchmark::DoNotOptimize(journal.ledger().has_value());
  }
  state.counters["bytes"] = static_cast<double>(fs::file_size(scratch.path()));
}
BENCHMARK_CAPTURE(start, with_100k_events, false)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(start, with_100k_events_and_a_saved_ledger, true)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void read_100k_events(benchmark::State& state) {
  const Scratch scratch;
  Journal journal = scratch.open();
  fill(journal);
  for (auto _ : state) {
    benchmark::DoNotOptimize(journal.events()->size());
  }
}
BENCHMARK(read_100k_events)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace lode::miner
