#include "chain/metagraph_scale.h"

#include <algorithm>

#include "chain/address.h"
#include "chain/runtime_types.h"

namespace lode::chain {
namespace {

using Index = MetagraphIndex;
using scale::Compact, scale::Decoder, scale::Path, scale::U128;

constexpr std::uint16_t kWanted[] = {
    Index::kNetuid,          Index::kBlock,        Index::kHotkeys,   Index::kAxons,
    Index::kValidatorPermit, Index::kLastUpdate,   Index::kEmission,  Index::kIncentives,
    Index::kTrust,           Index::kRegisteredAt, Index::kTotalStake};
constexpr std::uint16_t kLastWanted = Index::kTotalStake;

/// Rao in one TAO or alpha.
constexpr double kRao = 1e9;
constexpr double kU16One = 65535;

bool is_wanted(std::size_t index) {
  return std::find(std::begin(kWanted), std::end(kWanted), index) != std::end(kWanted);
}

/// The lists of a metagraph, one item a uid.
struct Columns {
  U128 netuid = 0;
  U128 block = 0;
  std::vector<PublicKey> hotkeys;
  std::vector<AxonInfo> axons;
  std::vector<bool> validator_permit;
  std::vector<CompactU64> last_update, emission, incentives, trust, registered_at, total_stake;
};

/// Reads a list's items without keeping them: as values they can take 200 times their bytes.
template <class T>
void skip_list(Decoder& in, const Path& path) {
  const std::size_t count = in.count(scale::min_bytes<T>(), path);
  for (std::size_t i = 0; i < count && !in.has_failed(); ++i) {
    scale::decode<T>(in, Path(path, i));
  }
}

/// Reads a field that is of no interest.
void skip(Decoder& in, MetagraphForm form, const Path& path) {
  using Octets = std::vector<std::uint8_t>;
  using Text = std::vector<Compact<std::uint8_t>>;
  switch (form) {
    case MetagraphForm::compact:
      in.compact(~U128{0}, path);
      break;
    case MetagraphForm::flag:
      scale::decode<bool>(in, path);
      break;
    case MetagraphForm::fixed_point:
      scale::decode<U128>(in, path);
      break;
    case MetagraphForm::account:
      scale::decode<PublicKey>(in, path);
      break;
    case MetagraphForm::text:
      scale::decode<Text>(in, path);
      break;
    case MetagraphForm::identity:
      scale::decode<std::optional<std::array<Octets, 8>>>(in, path);
      break;
    case MetagraphForm::accounts:
      scale::decode<std::vector<PublicKey>>(in, path);
      break;
    case MetagraphForm::identities:
      skip_list<std::optional<std::array<Octets, 7>>>(in, path);
      break;
    case MetagraphForm::axons:
      scale::decode<std::vector<AxonInfo>>(in, path);
      break;
    case MetagraphForm::flags:
      scale::decode<std::vector<bool>>(in, path);
      break;
    case MetagraphForm::compacts:
      scale::decode<std::vector<CompactU64>>(in, path);
      break;
    case MetagraphForm::amounts:
      scale::decode<std::vector<std::tuple<PublicKey, CompactU64>>>(in, path);
      break;
    case MetagraphForm::commitments:
      scale::decode<std::vector<std::tuple<PublicKey, Text>>>(in, path);
      break;
  }
}

std::vector<CompactU64>* list_of(Columns& columns, std::size_t index) {
  switch (index) {
    case Index::kLastUpdate:
      return &columns.last_update;
    case Index::kEmission:
      return &columns.emission;
    case Index::kIncentives:
      return &columns.incentives;
    case Index::kTrust:
      return &columns.trust;
    case Index::kRegisteredAt:
      return &columns.registered_at;
    case Index::kTotalStake:
      return &columns.total_stake;
    default:
      return nullptr;
  }
}

void read_field(Decoder& in, std::size_t index, const Path& path, Columns& columns) {
  if (auto* list = list_of(columns, index)) {
    *list = scale::decode<std::vector<CompactU64>>(in, path);
  } else if (index == Index::kNetuid) {
    columns.netuid = in.compact(0xffff, path);
  } else if (index == Index::kBlock) {
    columns.block = in.compact(~std::uint64_t{0}, path);
  } else if (index == Index::kHotkeys) {
    columns.hotkeys = scale::decode<std::vector<PublicKey>>(in, path);
  } else if (index == Index::kAxons) {
    columns.axons = scale::decode<std::vector<AxonInfo>>(in, path);
  } else if (index == Index::kValidatorPermit) {
    columns.validator_permit = scale::decode<std::vector<bool>>(in, path);
  } else {
    skip(in, kMetagraphFields[index].form, path);
  }
}

Result<void> check_length(std::string_view name, std::size_t length, const Columns& columns,
                          bool may_be_empty) {
  if (length == columns.hotkeys.size() || (may_be_empty && length == 0)) {
    return {};
  }
  return fail(Errc::invalid_input, "metagraph." + std::string(name) + ": " +
                                       std::to_string(length) + " entries for " +
                                       std::to_string(columns.hotkeys.size()) + " hotkeys");
}

Result<void> check(const Columns& columns, std::uint16_t netuid) {
  if (columns.netuid != netuid) {
    return fail(Errc::invalid_input,
                "metagraph.netuid: " + std::to_string(static_cast<int>(columns.netuid)) +
                    " was answered, " + std::to_string(netuid) + " was asked for");
  }
  if (columns.hotkeys.size() > kMaxNeurons) {
    return fail(Errc::limit_exceeded,
                "metagraph.hotkeys: " + std::to_string(columns.hotkeys.size()) +
                    " entries, at most " + std::to_string(kMaxNeurons) + " are read");
  }
  LODE_CHECK(check_length("axons", columns.axons.size(), columns, false));
  LODE_CHECK(check_length("validator_permit", columns.validator_permit.size(), columns, false));
  LODE_CHECK(check_length("total_stake", columns.total_stake.size(), columns, false));
  LODE_CHECK(check_length("last_update", columns.last_update.size(), columns, true));
  LODE_CHECK(check_length("emission", columns.emission.size(), columns, true));
  LODE_CHECK(check_length("incentives", columns.incentives.size(), columns, true));
  LODE_CHECK(check_length("trust", columns.trust.size(), columns, true));
  return check_length("block_at_registration", columns.registered_at.size(), columns, true);
}

std::uint64_t at(const std::vector<CompactU64>& list, std::size_t uid) {
  return uid < list.size() ? list[uid].value : 0;
}

Result<Metagraph> assemble(const Columns& columns, std::uint16_t netuid) {
  LODE_CHECK(check(columns, netuid));
  Metagraph metagraph;
  metagraph.netuid = netuid;
  metagraph.block = static_cast<std::uint64_t>(columns.block);
  metagraph.neurons.resize(columns.hotkeys.size());
  for (std::size_t uid = 0; uid < metagraph.neurons.size(); ++uid) {
    Neuron& neuron = metagraph.neurons[uid];
    neuron.uid = static_cast<int>(uid);
    neuron.hotkey = ss58_encode(columns.hotkeys[uid]);
    neuron.ip = ip_text(columns.axons[uid].ip);
    neuron.port = columns.axons[uid].port;
    neuron.stake = static_cast<double>(at(columns.total_stake, uid)) / kRao;
    neuron.validator_permit = columns.validator_permit[uid];
    neuron.incentive = static_cast<double>(at(columns.incentives, uid)) / kU16One;
    neuron.trust = static_cast<double>(at(columns.trust, uid)) / kU16One;
    neuron.emission = static_cast<double>(at(columns.emission, uid)) / kRao;
    neuron.last_update = at(columns.last_update, uid);
    neuron.registered_at = at(columns.registered_at, uid);
  }
  return metagraph;
}

/// Whether an Option holds a value; a failure is in `in`.
bool read_option_tag(Decoder& in, const Path& path) {
  const ByteView tag = in.take(1, path);
  if (!tag.empty() && tag[0] > 1) {
    in.fail(path, "0 or 1 was expected for an option");
  }
  return !in.has_failed() && tag[0] == 1;
}

Result<std::optional<Metagraph>> decode_fields(ByteView bytes, std::uint16_t netuid,
                                               bool is_selective) {
  Decoder in(bytes);
  const Path root("metagraph");
  Columns columns;
  const bool exists = read_option_tag(in, root);
  for (std::size_t i = 0; exists && i <= kLastWanted && !in.has_failed(); ++i) {
    const Path path(root, kMetagraphFields[i].name);
    if (is_selective && i != Index::kNetuid && !read_option_tag(in, path)) {
      if (is_wanted(i)) {
        in.fail(path, "not answered, though it was asked for");
      }
      continue;
    }
    read_field(in, i, path, columns);
  }
  if (in.has_failed()) {
    return in.error();
  }
  if (!exists) {
    return std::optional<Metagraph>();
  }
  LODE_TRY(Metagraph metagraph, assemble(columns, netuid));
  return std::optional<Metagraph>(std::move(metagraph));
}

}  // namespace

Bytes selective_metagraph_arguments(std::uint16_t netuid) {
  return scale::encode(
      std::tuple(netuid, std::vector<std::uint16_t>(std::begin(kWanted), std::end(kWanted))));
}

Bytes netuid_argument(std::uint16_t netuid) { return scale::encode(netuid); }

Result<std::optional<Metagraph>> decode_selective_metagraph(ByteView bytes, std::uint16_t netuid) {
  return decode_fields(bytes, netuid, true);
}

Result<std::optional<Metagraph>> decode_metagraph(ByteView bytes, std::uint16_t netuid) {
  return decode_fields(bytes, netuid, false);
}

Result<std::optional<Metagraph>> decode_neurons_lite(ByteView neurons, ByteView state,
                                                     std::uint16_t netuid, std::uint64_t block) {
  LODE_TRY(const auto subnet, scale::decode_all<std::optional<SubnetState>>(
                                  state, "subnet_state", scale::Trailing::ignore));
  if (!subnet) {
    return std::optional<Metagraph>();
  }
  LODE_TRY(const auto list, scale::decode_all<std::vector<NeuronInfoLite>>(neurons, "neurons"));
  Columns columns;
  columns.netuid = subnet->netuid.value;
  columns.block = block;
  columns.hotkeys = subnet->hotkeys;
  columns.validator_permit = subnet->validator_permit;
  columns.last_update = subnet->last_update;
  columns.emission = subnet->emission;
  for (const CompactU16 incentive : subnet->incentives) {
    columns.incentives.push_back({incentive.value});
  }
  for (const CompactU16 trust : subnet->trust) {
    columns.trust.push_back({trust.value});
  }
  columns.registered_at = subnet->block_at_registration;
  columns.total_stake = subnet->total_stake;
  columns.axons.resize(columns.hotkeys.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::size_t uid = list[i].uid.value;
    if (uid >= columns.hotkeys.size() || columns.hotkeys[uid] != list[i].hotkey) {
      return fail(Errc::invalid_input, "neurons[" + std::to_string(i) + "].hotkey: uid " +
                                           std::to_string(uid) +
                                           " is another's in the subnet's state");
    }
    columns.axons[uid] = list[i].axon_info;
  }
  LODE_TRY(Metagraph metagraph, assemble(columns, netuid));
  return std::optional<Metagraph>(std::move(metagraph));
}

}  // namespace lode::chain
