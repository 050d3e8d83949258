#include "chain/storage_key.h"

#include <sodium.h>
#include <xxhash.h>

#include "scale/scale.h"

namespace lode::chain {
namespace {

using WireWeights = std::vector<std::tuple<std::uint16_t, std::uint16_t>>;

ByteWriter entry(std::string_view name) {
  ByteWriter key;
  key.write_bytes(twox128("SubtensorModule"));
  key.write_bytes(twox128(name));
  return key;
}

}  // namespace

Bytes twox128(std::string_view text) {
  ByteWriter hash;
  hash.write(std::uint64_t{XXH64(text.data(), text.size(), 0)});
  hash.write(std::uint64_t{XXH64(text.data(), text.size(), 1)});
  return hash.take();
}

Bytes uid_key(std::uint16_t netuid, const PublicKey& hotkey) {
  std::array<std::uint8_t, 16> digest{};  // Blake2_128Concat
  crypto_generichash(digest.data(), digest.size(), hotkey.data(), hotkey.size(), nullptr, 0);
  ByteWriter key = entry("Uids");
  key.write(netuid);
  key.write_bytes(digest);
  key.write_bytes(hotkey);
  return key.take();
}

Bytes weights_key(std::uint16_t netuid, std::uint16_t uid) {
  ByteWriter key = entry("Weights");
  key.write(netuid);  // both hashers are the identity
  key.write(uid);
  return key.take();
}

Result<std::uint16_t> decode_uid(ByteView bytes) {
  return scale::decode_all<std::uint16_t>(bytes, "uid");
}

Result<Weights> decode_weights(ByteView bytes) {
  LODE_TRY(const auto wire, scale::decode_all<WireWeights>(bytes, "weights"));
  Weights weights;
  weights.reserve(wire.size());
  for (const auto& [uid, weight] : wire) {
    weights.emplace_back(uid, weight);
  }
  return weights;
}

Bytes encode_weights(const Weights& weights) {
  return scale::encode(WireWeights(weights.begin(), weights.end()));
}

}  // namespace lode::chain
