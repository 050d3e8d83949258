#include "chain/metagraph.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "chain/metagraph_json_internal.h"
#include "chain/ss58.h"

namespace lode::chain {
namespace {

using Json = nlohmann::ordered_json;

/// uid, netuid and port are 16-bit on the chain.
constexpr std::uint64_t kMaxU16 = std::numeric_limits<std::uint16_t>::max();

Error expected(std::string_view field, std::string_view what) {
  return fail(Errc::invalid_input, std::string(field) + ": " + std::string(what) + " was expected");
}

/// The value under `key`, or null when absent: no field may be null, so both read the same.
const Json& member(const Json& object, const char* key) {
  static const Json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

Result<std::uint16_t> read_u16(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kMaxU16) {
    return expected(key, "a whole number from 0 to 65535");
  }
  return value.get<std::uint16_t>();
}

/// A number of at least 0 under `key`; 0 when absent.
Result<double> read_optional(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) {
    return 0.0;
  }
  if (!value.is_number() || value.get<double>() < 0) {
    return expected(key, "a number of at least 0");
  }
  return value.get<double>();
}

Result<std::uint64_t> read_optional_block(const Json& object, const char* key) {
  const Json& value = member(object, key);
  if (value.is_null()) {
    return std::uint64_t{0};
  }
  if (!value.is_number_unsigned()) {
    return expected(key, "a whole number of at least 0");
  }
  return value.get<std::uint64_t>();
}

bool is_ip_text(const std::string& text) {
  in6_addr address;
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

Result<Neuron> read_neuron(const Json& object) {
  Neuron neuron;
  LODE_TRY(neuron.uid, read_u16(object, "uid"));
  LODE_TRY(neuron.port, read_u16(object, "port"));
  const Json& hotkey = member(object, "hotkey");
  if (!hotkey.is_string()) {
    return expected("hotkey", "an ss58 address");
  }
  neuron.hotkey = hotkey.get<std::string>();
  if (const auto key = ss58_decode(neuron.hotkey); !key) {
    return annotate(key.error(), "hotkey");
  }
  const Json& ip = member(object, "ip");
  if (!ip.is_string() || !is_ip_text(ip.get_ref<const std::string&>())) {
    return expected("ip", "an IPv4 or IPv6 address");
  }
  neuron.ip = ip.get<std::string>();
  const Json& stake = member(object, "stake");
  if (!stake.is_number() || stake.get<double>() < 0) {
    return expected("stake", "a number of at least 0");
  }
  neuron.stake = stake.get<double>();
  const Json& permit = member(object, "validator_permit");
  if (!permit.is_boolean()) {
    return expected("validator_permit", "true or false");
  }
  neuron.validator_permit = permit.get<bool>();
  LODE_TRY(neuron.incentive, read_optional(object, "incentive"));
  LODE_TRY(neuron.trust, read_optional(object, "trust"));
  LODE_TRY(neuron.emission, read_optional(object, "emission"));
  LODE_TRY(neuron.last_update, read_optional_block(object, "last_update"));
  LODE_TRY(neuron.registered_at, read_optional_block(object, "registered_at"));
  return neuron;
}

}  // namespace

const Neuron* Metagraph::find(std::string_view hotkey) const {
  const auto found = std::find_if(neurons.begin(), neurons.end(),
                                  [&](const Neuron& neuron) { return neuron.hotkey == hotkey; });
  return found == neurons.end() ? nullptr : &*found;
}

Result<Metagraph> read_metagraph_file(const std::filesystem::path& path) {
  LODE_TRY(const Bytes bytes, read_file(path, kMaxMetagraphFileBytes));
  Result<Metagraph> metagraph = parse_metagraph(as_text(bytes));
  if (!metagraph) {
    return annotate(metagraph.error(), path.string());
  }
  return metagraph;
}

Result<Metagraph> parse_metagraph(std::string_view text) {
  LODE_TRY(const Json root, parse_json(text));
  if (!root.is_object()) {
    return fail(Errc::invalid_input, "a JSON object was expected");
  }
  Metagraph metagraph;
  LODE_TRY(metagraph.netuid, read_u16(root, "netuid"));
  LODE_TRY(metagraph.block, read_optional_block(root, "block"));
  const Json& neurons = member(root, "neurons");
  if (!neurons.is_array()) {
    return expected("neurons", "an array");
  }
  if (neurons.size() > kMaxNeurons) {
    return fail(Errc::limit_exceeded, "neurons: " + std::to_string(neurons.size()) +
                                          " entries, at most " + std::to_string(kMaxNeurons) +
                                          " are read");
  }
  std::set<int> uids;
  std::set<std::string_view> hotkeys;
  metagraph.neurons.reserve(neurons.size());  // so that the views in `hotkeys` stay valid
  for (std::size_t i = 0; i < neurons.size(); ++i) {
    const std::string where = "neurons[" + std::to_string(i) + "]";
    if (!neurons[i].is_object()) {
      return expected(where, "an object");
    }
    Result<Neuron> neuron = read_neuron(neurons[i]);
    if (!neuron) {
      return fail(neuron.error().code, where + "." + neuron.error().context);
    }
    metagraph.neurons.push_back(*std::move(neuron));
    if (!uids.insert(metagraph.neurons.back().uid).second) {
      return fail(Errc::invalid_input, where + ".uid: an earlier neuron has it too");
    }
    if (!hotkeys.insert(metagraph.neurons.back().hotkey).second) {
      return fail(Errc::invalid_input, where + ".hotkey: an earlier neuron has it too");
    }
  }
  std::sort(metagraph.neurons.begin(), metagraph.neurons.end(),
            [](const Neuron& a, const Neuron& b) { return a.uid < b.uid; });
  return metagraph;
}

Json metagraph_json(const Metagraph& metagraph) {
  Json neurons = Json::array();
  for (const Neuron& neuron : metagraph.neurons) {
    neurons.push_back({{"uid", neuron.uid},
                       {"hotkey", neuron.hotkey},
                       {"ip", neuron.ip},
                       {"port", neuron.port},
                       {"stake", neuron.stake},
                       {"validator_permit", neuron.validator_permit},
                       {"incentive", neuron.incentive},
                       {"trust", neuron.trust},
                       {"emission", neuron.emission},
                       {"last_update", neuron.last_update},
                       {"registered_at", neuron.registered_at}});
  }
  return {
      {"netuid", metagraph.netuid}, {"block", metagraph.block}, {"neurons", std::move(neurons)}};
}

Result<void> write_metagraph_file(const std::filesystem::path& path, const Metagraph& metagraph) {
  return write_file(path, as_bytes(metagraph_json(metagraph).dump(2) + "\n"));
}

}  // namespace lode::chain
