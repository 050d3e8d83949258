// Signing and verifying a message of 200 bytes, about the size of a request's signed text.
#include <benchmark/benchmark.h>

#include "chain/keypair.h"

namespace lode::chain {
namespace {

Keypair bench_key() { return *Keypair::from_mini_secret(Bytes(32, 7)); }

void sign_200_bytes(benchmark::State& state) {
  const Keypair keypair = bench_key();
  const Bytes message(200, 0x5a);
  for (auto _ : state) {
    benchmark::DoNotOptimize(keypair.sign(message));
  }
}
BENCHMARK(sign_200_bytes);

void verify_200_bytes(benchmark::State& state) {
  const Keypair keypair = bench_key();
  const Bytes message(200, 0x5a);
  const Signature signature = keypair.sign(message);
  for (auto _ : state) {
    benchmark::DoNotOptimize(verify(keypair.public_key(), message, signature));
  }
}
BENCHMARK(verify_200_bytes);

}  // namespace
}  // namespace lode::chain
