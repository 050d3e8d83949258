// What the subtensor runtime's calls answer, field by field (opentensor/subtensor v3.2.9-326).
#pragma once

#include <cstdint>
#include <tuple>
#include <vector>

#include "chain/ss58.h"
#include "scale/scale.h"

namespace lode::chain {

using CompactU16 = scale::Compact<std::uint16_t>;
using CompactU64 = scale::Compact<std::uint64_t>;

/// 34 bytes, all zero for a neuron that never served.
struct AxonInfo {
  std::uint64_t block = 0;
  std::uint32_t version = 0;
  scale::U128 ip = 0;
  std::uint16_t port = 0;
  std::uint8_t ip_type = 0;
  std::uint8_t protocol = 0;
  std::uint8_t placeholder1 = 0;
  std::uint8_t placeholder2 = 0;
  static constexpr auto scale_fields() {
    return std::tuple{scale::field("block", &AxonInfo::block),
                      scale::field("version", &AxonInfo::version),
                      scale::field("ip", &AxonInfo::ip),
                      scale::field("port", &AxonInfo::port),
                      scale::field("ip_type", &AxonInfo::ip_type),
                      scale::field("protocol", &AxonInfo::protocol),
                      scale::field("placeholder1", &AxonInfo::placeholder1),
                      scale::field("placeholder2", &AxonInfo::placeholder2)};
  }
};

/// 31 bytes.
struct PrometheusInfo {
  std::uint64_t block = 0;
  std::uint32_t version = 0;
  scale::U128 ip = 0;
  std::uint16_t port = 0;
  std::uint8_t ip_type = 0;
  static constexpr auto scale_fields() {
    return std::tuple{scale::field("block", &PrometheusInfo::block),
                      scale::field("version", &PrometheusInfo::version),
                      scale::field("ip", &PrometheusInfo::ip),
                      scale::field("port", &PrometheusInfo::port),
                      scale::field("ip_type", &PrometheusInfo::ip_type)};
  }
};

/// An item of NeuronInfoRuntimeApi_get_neurons_lite.
struct NeuronInfoLite {
  PublicKey hotkey{};
  PublicKey coldkey{};
  CompactU16 uid;
  CompactU16 netuid;
  bool active = false;
  AxonInfo axon_info;
  PrometheusInfo prometheus_info;
  std::vector<std::tuple<PublicKey, CompactU64>> stake;  ///< its own alpha, not what counts
  CompactU16 rank;
  CompactU64 emission;
  CompactU16 incentive;
  CompactU16 consensus;
  CompactU16 trust;
  CompactU16 validator_trust;
  CompactU16 dividends;
  CompactU64 last_update;
  bool validator_permit = false;
  CompactU16 pruning_score;
  static constexpr auto scale_fields() {
    using N = NeuronInfoLite;
    return std::tuple{scale::field("hotkey", &N::hotkey),
                      scale::field("coldkey", &N::coldkey),
                      scale::field("uid", &N::uid),
                      scale::field("netuid", &N::netuid),
                      scale::field("active", &N::active),
                      scale::field("axon_info", &N::axon_info),
                      scale::field("prometheus_info", &N::prometheus_info),
                      scale::field("stake", &N::stake),
                      scale::field("rank", &N::rank),
                      scale::field("emission", &N::emission),
                      scale::field("incentive", &N::incentive),
                      scale::field("consensus", &N::consensus),
                      scale::field("trust", &N::trust),
                      scale::field("validator_trust", &N::validator_trust),
                      scale::field("dividends", &N::dividends),
                      scale::field("last_update", &N::last_update),
                      scale::field("validator_permit", &N::validator_permit),
                      scale::field("pruning_score", &N::pruning_score)};
  }
};

/// SubnetInfoRuntimeApi_get_subnet_state, without the emission history at its end.
struct SubnetState {
  CompactU16 netuid;
  std::vector<PublicKey> hotkeys, coldkeys;
  std::vector<bool> active, validator_permit;
  std::vector<CompactU16> pruning_score;
  std::vector<CompactU64> last_update, emission;
  std::vector<CompactU16> dividends, incentives, consensus, trust, rank;
  std::vector<CompactU64> block_at_registration, alpha_stake, tao_stake, total_stake;  ///< rao
  static constexpr auto scale_fields() {
    using S = SubnetState;
    return std::tuple{scale::field("netuid", &S::netuid),
                      scale::field("hotkeys", &S::hotkeys),
                      scale::field("coldkeys", &S::coldkeys),
                      scale::field("active", &S::active),
                      scale::field("validator_permit", &S::validator_permit),
                      scale::field("pruning_score", &S::pruning_score),
                      scale::field("last_update", &S::last_update),
                      scale::field("emission", &S::emission),
                      scale::field("dividends", &S::dividends),
                      scale::field("incentives", &S::incentives),
                      scale::field("consensus", &S::consensus),
                      scale::field("trust", &S::trust),
                      scale::field("rank", &S::rank),
                      scale::field("block_at_registration", &S::block_at_registration),
                      scale::field("alpha_stake", &S::alpha_stake),
                      scale::field("tao_stake", &S::tao_stake),
                      scale::field("total_stake", &S::total_stake)};
  }
};

/// What a field of SubnetInfoRuntimeApi_get_metagraph holds.
enum class MetagraphForm : std::uint8_t {
  compact,      ///< of 16 to 128 bits, which look alike
  flag,         ///< bool
  fixed_point,  ///< I96F32, 16 bytes
  account,
  text,      ///< Vec<Compact<u8>>
  identity,  ///< Option of SubnetIdentityV3: 8 Vec<u8>
  accounts,
  identities,  ///< Vec<Option<ChainIdentityV2>>: 7 Vec<u8>
  axons,
  flags,
  compacts,
  amounts,     ///< Vec<(AccountId, Compact<u64>)>
  commitments  ///< Vec<(AccountId, Vec<Compact<u8>>)>
};

/// Indexes of the fields that we read, as `get_selective_metagraph` numbers them.
struct MetagraphIndex {
  static constexpr std::uint16_t kNetuid = 0, kBlock = 7, kHotkeys = 52, kAxons = 55,
                                 kValidatorPermit = 57, kLastUpdate = 59, kEmission = 60,
                                 kIncentives = 62, kTrust = 64, kRegisteredAt = 66,
                                 kTotalStake = 69;
};

struct MetagraphField {
  std::string_view name;
  MetagraphForm form;
};

/// Every field in order. The selective form has all of them, each but the first as an Option; the
/// whole form ends before kWholeMetagraphFields.
inline constexpr auto kMetagraphFields = [] {
  using enum MetagraphForm;
  return std::to_array<MetagraphField>({
      {"netuid", compact},
      {"name", text},
      {"symbol", text},
      {"identity", identity},
      {"network_registered_at", compact},
      {"owner_hotkey", account},
      {"owner_coldkey", account},
      {"block", compact},
      {"tempo", compact},
      {"last_step", compact},
      {"blocks_since_last_step", compact},
      {"subnet_emission", compact},
      {"alpha_in", compact},
      {"alpha_out", compact},
      {"tao_in", compact},
      {"alpha_out_emission", compact},
      {"alpha_in_emission", compact},
      {"tao_in_emission", compact},
      {"pending_alpha_emission", compact},
      {"pending_root_emission", compact},
      {"subnet_volume", compact},
      {"moving_price", fixed_point},
      {"rho", compact},
      {"kappa", compact},
      {"min_allowed_weights", compact},
      {"max_weights_limit", compact},
      {"weights_version", compact},
      {"weights_rate_limit", compact},
      {"activity_cutoff", compact},
      {"max_validators", compact},
      {"num_uids", compact},
      {"max_uids", compact},
      {"burn", compact},
      {"difficulty", compact},
      {"registration_allowed", flag},
      {"pow_registration_allowed", flag},
      {"immunity_period", compact},
      {"min_difficulty", compact},
      {"max_difficulty", compact},
      {"min_burn", compact},
      {"max_burn", compact},
      {"adjustment_alpha", compact},
      {"adjustment_interval", compact},
      {"target_regs_per_interval", compact},
      {"max_regs_per_block", compact},
      {"serving_rate_limit", compact},
      {"commit_reveal_weights_enabled", flag},
      {"commit_reveal_period", compact},
      {"liquid_alpha_enabled", flag},
      {"alpha_high", compact},
      {"alpha_low", compact},
      {"bonds_moving_avg", compact},
      {"hotkeys", accounts},
      {"coldkeys", accounts},
      {"identities", identities},
      {"axons", axons},
      {"active", flags},
      {"validator_permit", flags},
      {"pruning_score", compacts},
      {"last_update", compacts},
      {"emission", compacts},
      {"dividends", compacts},
      {"incentives", compacts},
      {"consensus", compacts},
      {"trust", compacts},
      {"rank", compacts},
      {"block_at_registration", compacts},
      {"alpha_stake", compacts},
      {"tao_stake", compacts},
      {"total_stake", compacts},
      {"tao_dividends_per_hotkey", amounts},
      {"alpha_dividends_per_hotkey", amounts},
      {"validators", compacts},
      {"commitments", commitments},
  });
}();
inline constexpr std::size_t kWholeMetagraphFields = 72;

}  // namespace lode::chain
