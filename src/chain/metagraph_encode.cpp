#include "chain/metagraph_encode.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "chain/address.h"
#include "chain/runtime_types.h"

namespace lode::chain {
namespace {

using Index = MetagraphIndex;

constexpr std::string_view kSubnetName = "sandbox";

PublicKey key_of(const Neuron& neuron) {
  const auto key = ss58_decode(neuron.hotkey);
  LODE_ASSERT(key.has_value(), "neurons have sound hotkeys");
  return *key;
}

CompactU64 rao(double amount) { return {static_cast<std::uint64_t>(std::llround(amount * 1e9))}; }

CompactU16 share(double value) {
  return {static_cast<std::uint16_t>(std::lround(std::clamp(value, 0.0, 1.0) * 65535))};
}

AxonInfo axon_of(const Neuron& neuron) {
  AxonInfo axon;
  axon.ip = ip_number(neuron.ip);
  axon.port = neuron.port;
  if (axon.ip != 0) {
    axon.block = neuron.registered_at;
    axon.version = 9'009'000;
    axon.ip_type = neuron.ip.find(':') == std::string::npos ? 4 : 6;
    axon.protocol = 4;
  }
  return axon;
}

template <class Make>
auto column(const Metagraph& metagraph, const Make& make) {
  std::vector<decltype(make(metagraph.neurons.front()))> values;
  for (const Neuron& neuron : metagraph.neurons) {
    values.push_back(make(neuron));
  }
  return values;
}

/// One of the fields that a Metagraph has; false for the others.
bool write_known(ByteWriter& out, std::size_t index, const Metagraph& m) {
  const auto write = [&](const auto& make) { scale::encode(out, column(m, make)); };
  switch (index) {
    case Index::kNetuid:
      scale::encode_compact(out, static_cast<std::uint16_t>(m.netuid));
      return true;
    case Index::kBlock:
      scale::encode_compact(out, m.block);
      return true;
    case Index::kHotkeys:
      write(key_of);
      return true;
    case Index::kAxons:
      write(axon_of);
      return true;
    case Index::kValidatorPermit:
      write([](const Neuron& n) { return n.validator_permit; });
      return true;
    case Index::kLastUpdate:
      write([](const Neuron& n) { return CompactU64{n.last_update}; });
      return true;
    case Index::kEmission:
      write([](const Neuron& n) { return rao(n.emission); });
      return true;
    case Index::kIncentives:
      write([](const Neuron& n) { return share(n.incentive); });
      return true;
    case Index::kTrust:
      write([](const Neuron& n) { return share(n.trust); });
      return true;
    case Index::kRegisteredAt:
      write([](const Neuron& n) { return CompactU64{n.registered_at}; });
      return true;
    case Index::kTotalStake:
      write([](const Neuron& n) { return rao(n.stake); });
      return true;
    default:
      return false;
  }
}

void write_text(ByteWriter& out) {
  scale::encode_compact(out, kSubnetName.size());
  for (const char c : kSubnetName) {
    scale::encode_compact(out, static_cast<std::uint8_t>(c));
  }
}

/// A field that a Metagraph does not have, with a value of its form.
void write_filler(ByteWriter& out, MetagraphForm form, const Metagraph& m) {
  const std::size_t n = m.neurons.size();
  switch (form) {
    case MetagraphForm::compact:
      return scale::encode_compact(out, 0);
    case MetagraphForm::flag:
      return scale::encode(out, true);
    case MetagraphForm::fixed_point:
      return scale::encode(out, scale::U128{1} << 32);
    case MetagraphForm::account:
      return scale::encode(out, PublicKey{});
    case MetagraphForm::text:
      return write_text(out);
    case MetagraphForm::identity:
      out.write<std::uint8_t>(1);
      return scale::encode(out, std::array<std::string, 8>{std::string(kSubnetName)});
    case MetagraphForm::accounts:
      return scale::encode(out, column(m, key_of));
    case MetagraphForm::identities:
      return scale::encode(out, std::vector<std::optional<std::array<std::string, 7>>>(n));
    case MetagraphForm::axons:
      return scale::encode(out, column(m, axon_of));
    case MetagraphForm::flags:
      return scale::encode(out, std::vector<bool>(n, true));
    case MetagraphForm::compacts:
      return scale::encode(out, std::vector<CompactU64>(n));
    case MetagraphForm::amounts:
    case MetagraphForm::commitments:
      return scale::encode_compact(out, 0);
  }
}

void write_field(ByteWriter& out, std::size_t index, const Metagraph& m) {
  if (!write_known(out, index, m)) {
    write_filler(out, kMetagraphFields[index].form, m);
  }
}

}  // namespace

Bytes encode_selective_metagraph(const Metagraph& metagraph,
                                 const std::vector<std::uint16_t>& indexes) {
  ByteWriter out;
  out.write<std::uint8_t>(1);
  for (std::size_t i = 0; i < kMetagraphFields.size(); ++i) {
    const bool is_asked = std::find(indexes.begin(), indexes.end(), i) != indexes.end();
    if (i == Index::kNetuid) {
      scale::encode_compact(out, is_asked ? static_cast<std::uint16_t>(metagraph.netuid) : 0U);
      continue;
    }
    out.write<std::uint8_t>(is_asked ? 1 : 0);
    if (is_asked) {
      write_field(out, i, metagraph);
    }
  }
  return out.take();
}

Bytes encode_metagraph(const Metagraph& metagraph) {
  ByteWriter out;
  out.write<std::uint8_t>(1);
  for (std::size_t i = 0; i < kWholeMetagraphFields; ++i) {
    write_field(out, i, metagraph);
  }
  return out.take();
}

Bytes encode_neurons_lite(const Metagraph& metagraph) {
  return scale::encode(column(metagraph, [&](const Neuron& neuron) {
    NeuronInfoLite lite;
    lite.hotkey = lite.coldkey = key_of(neuron);
    lite.uid.value = static_cast<std::uint16_t>(neuron.uid);
    lite.netuid.value = static_cast<std::uint16_t>(metagraph.netuid);
    lite.active = true;
    lite.axon_info = axon_of(neuron);
    lite.stake = {{lite.coldkey, rao(neuron.stake / 2)}};  // own alpha: not the stake that counts
    lite.emission = rao(neuron.emission);
    lite.incentive = share(neuron.incentive);
    lite.trust = share(neuron.trust);
    lite.last_update.value = neuron.last_update;
    lite.validator_permit = neuron.validator_permit;
    return lite;
  }));
}

Bytes encode_subnet_state(const Metagraph& m) {
  const std::size_t n = m.neurons.size();
  SubnetState state;
  state.netuid.value = static_cast<std::uint16_t>(m.netuid);
  state.hotkeys = state.coldkeys = column(m, key_of);
  state.active.assign(n, true);
  state.validator_permit = column(m, [](const Neuron& x) { return x.validator_permit; });
  state.last_update = column(m, [](const Neuron& x) { return CompactU64{x.last_update}; });
  state.emission = column(m, [](const Neuron& x) { return rao(x.emission); });
  state.incentives = column(m, [](const Neuron& x) { return share(x.incentive); });
  state.dividends.resize(n);
  state.consensus.resize(n);
  state.trust = column(m, [](const Neuron& x) { return share(x.trust); });
  state.block_at_registration =
      column(m, [](const Neuron& x) { return CompactU64{x.registered_at}; });
  state.alpha_stake.resize(n);
  state.tao_stake.resize(n);
  state.total_stake = column(m, [](const Neuron& x) { return rao(x.stake); });
  ByteWriter out;
  scale::encode(out, std::optional<SubnetState>(std::move(state)));
  scale::encode_compact(out, 0);  // emission history
  return out.take();
}

}  // namespace lode::chain
