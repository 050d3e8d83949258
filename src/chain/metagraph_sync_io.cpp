#include "chain/metagraph_sync_io.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/encoding.h"
#include "chain/metagraph_delta.h"
#include "chain/metagraph_scale.h"
#include "chain/network.h"
#include "chain/storage_key.h"

// Arguments of awaited calls are variables that are moved: GCC 12 destroys such temporaries twice.
namespace lode::chain {

namespace asio = boost::asio;
using Json = RpcClient::Json;
using MaybeMetagraph = Result<std::optional<Metagraph>>;

namespace {

/// Lines of the log of changes at most: a first reading after a long time away is one line.
constexpr std::size_t kMaxChangesLogged = 20;

/// A node's own words are quoted up to here.
constexpr std::size_t kMaxQuoted = 40;
/// Validators whose weights are compared, each with each; a subnet has 64.
constexpr std::size_t kMaxHinted = 256;

/// Errors that another call may do better with; the others are the connection's.
bool is_about_the_call(const Error& error) {
  return error.code == Errc::unsupported || error.code == Errc::invalid_input ||
         error.code == Errc::peer_failure || error.code == Errc::limit_exceeded;
}

MaybeMetagraph named(MaybeMetagraph result, const char* call) {
  if (!result) {
    return annotate(result.error(), call);
  }
  return result;
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end()) {
    return "?";
  }
  return (found->is_string() ? found->get<std::string>() : found->dump()).substr(0, kMaxQuoted);
}

void log_changes(const std::vector<Change>& changes) {
  for (std::size_t i = 0; i < std::min(changes.size(), kMaxChangesLogged); ++i) {
    spdlog::info("metagraph: {}", changes[i].text);
  }
  if (changes.size() > kMaxChangesLogged) {
    spdlog::info("metagraph: and {} changes more", changes.size() - kMaxChangesLogged);
  }
}

/// The stored values of `state_queryStorageAt`, by key; absent ones are left out.
std::map<std::string, Bytes> changes_by_key(const Json& reply) {
  std::map<std::string, Bytes> values;
  if (!reply.is_array() || reply.empty() || !reply[0].is_object() ||
      !reply[0].contains("changes") || !reply[0]["changes"].is_array()) {
    return values;
  }
  for (const Json& change : reply[0]["changes"]) {
    if (change.is_array() && change.size() == 2 && change[0].is_string() && change[1].is_string()) {
      if (auto bytes = hex_decode(change[1].get_ref<const std::string&>())) {
        values[change[0].get<std::string>()] = *std::move(bytes);
      }
    }
  }
  return values;
}

}  // namespace

MetagraphSync::MetagraphSync(RpcClient& client, MetagraphSyncConfig config,
                             OnMetagraph on_metagraph)
    : client_(client),
      config_(std::move(config)),
      on_metagraph_(std::move(on_metagraph)),
      pause_(client.executor()) {
  client_.watch_heads([this](std::uint64_t number) { status_.head = number; });
}

SyncStatus MetagraphSync::status() const {
  SyncStatus status = status_;
  status.endpoint = client_.endpoint();
  status.is_connected = client_.is_connected();
  if (status.error.empty() && !status.is_connected) {
    status.error = client_.last_trouble();
  }
  return status;
}

void MetagraphSync::read_soon() { pause_.cancel(); }

void MetagraphSync::begin_with(Metagraph metagraph, Time read_at) {
  if (last_) {
    return;
  }
  status_.is_from_earlier_run = true;
  status_.read_at = read_at;
  status_.block = metagraph.block;
  const Neuron* self = metagraph.find(config_.hotkey);
  status_.uid = self == nullptr ? std::optional<int>() : self->uid;
  last_ = std::move(metagraph);
  on_metagraph_(*last_, {});
}

asio::awaitable<void> MetagraphSync::run() {
  bool is_known = last_ && status_.uid;
  for (;;) {
    const bool is_settled = is_known && status_.error.empty();
    pause_.expires_after(is_settled ? config_.period : std::min(config_.retry, config_.period));
    boost::system::error_code woken;
    co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, woken));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return;
    }
    // A full reading is wasted while nothing but our own registration is awaited.
    const bool is_due = !status_.read_at || !status_.error.empty() || woken ||
                        clock_.now() >= *status_.read_at + config_.period;
    if (is_due || is_known || co_await was_registered_meanwhile()) {
      (void)co_await read_once();
    }
    is_known = last_ && status_.uid;
  }
}

asio::awaitable<Result<void>> MetagraphSync::read_once() {
  const Time began = clock_.now();
  const std::uint64_t bytes_before = client_.received_bytes();
  auto reading = co_await fetch();
  if (!reading) {
    ++status_.failures;
    status_.error = reading.error().message();
    const std::string age =
        status_.read_at ? fmt::format("going on with the one of block {}, {:.0f} s old",
                                      status_.block, to_seconds(clock_.now() - *status_.read_at))
                        : std::string("there is none yet");
    spdlog::warn("metagraph not read: {}; {}", status_.error, age);
    co_return reading.error();
  }
  status_.took = clock_.now() - began;
  status_.bytes = client_.received_bytes() - bytes_before;
  auto hints = co_await fetch_hints(reading->metagraph);
  take(*std::move(reading), std::move(hints));
  co_return Result<void>();
}

void MetagraphSync::take(Reading reading, std::vector<WeightHint> hints) {
  ++status_.readings;
  status_.error.clear();
  status_.read_at = clock_.now();
  status_.block = reading.metagraph.block;
  status_.head = std::max(status_.head, status_.block);
  status_.call = std::move(reading.call);
  const Neuron* self = reading.metagraph.find(config_.hotkey);
  const bool was_registered = status_.uid.has_value();
  const bool is_first = !last_ || std::exchange(status_.is_from_earlier_run, false);
  status_.uid = self == nullptr ? std::optional<int>() : self->uid;
  status_.advice = self != nullptr
                       ? std::string()
                       : registration_advice(config_.hotkey, config_.netuid, config_.network);
  if (is_first) {
    spdlog::info("metagraph of netuid {}: {} neurons at block {} by {} in {:.0f} ms, {} bytes",
                 config_.netuid, reading.metagraph.neurons.size(), status_.block, status_.call,
                 to_seconds(status_.took) * 1e3, status_.bytes);
  }
  if (last_) {
    log_changes(changes_between(*last_, reading.metagraph, config_.min_stake));
  }
  if (self != nullptr && !was_registered) {
    spdlog::info("our hotkey has uid {}", self->uid);
  } else if (self == nullptr && (is_first || was_registered)) {
    spdlog::error("{}; looking again every {:g} s", status_.advice, to_seconds(config_.retry));
  }
  last_ = std::move(reading.metagraph);
  on_metagraph_(*last_, hints);
}

/// The recommended call, then the older ones while it is the call that fails and not the node.
asio::awaitable<Result<MetagraphSync::Reading>> MetagraphSync::fetch() {
  std::string failures;
  for (const char* call : {kSelectiveMetagraphCall, kMetagraphCall, kNeuronsLiteCall}) {
    MaybeMetagraph result = fail(Errc::internal, "not asked");
    if (call == kSelectiveMetagraphCall) {
      result = co_await fetch_selective();
    } else if (call == kMetagraphCall) {
      result = co_await fetch_whole();
    } else {
      result = co_await fetch_lite();
    }
    if (result && *result) {
      Reading reading{**std::move(result), call};
      co_return reading;
    }
    if (result) {
      co_return fail(Errc::not_found, client_.endpoint() + ": netuid " +
                                          std::to_string(config_.netuid) +
                                          " does not exist on this chain");
    }
    if (!is_about_the_call(result.error())) {
      co_return result.error();
    }
    failures += "; " + result.error().context;
  }
  co_await learn_runtime();
  co_return fail(Errc::unsupported,
                 client_.endpoint() + " (" +
                     (status_.runtime.empty() ? "runtime not known" : status_.runtime) +
                     "): no metagraph call is understood" + failures);
}

asio::awaitable<MaybeMetagraph> MetagraphSync::fetch_selective() {
  const auto netuid = static_cast<std::uint16_t>(config_.netuid);
  std::string call = kSelectiveMetagraphCall;
  Bytes arguments = selective_metagraph_arguments(netuid);
  std::string best;
  const auto bytes =
      co_await client_.call_runtime(std::move(call), std::move(arguments), std::move(best));
  if (!bytes) {
    co_return bytes.error();
  }
  co_return named(decode_selective_metagraph(*bytes, netuid), kSelectiveMetagraphCall);
}

asio::awaitable<MaybeMetagraph> MetagraphSync::fetch_whole() {
  const auto netuid = static_cast<std::uint16_t>(config_.netuid);
  std::string call = kMetagraphCall;
  Bytes arguments = netuid_argument(netuid);
  std::string best;
  const auto bytes =
      co_await client_.call_runtime(std::move(call), std::move(arguments), std::move(best));
  if (!bytes) {
    co_return bytes.error();
  }
  co_return named(decode_metagraph(*bytes, netuid), kMetagraphCall);
}

/// Two calls at one block, so that they speak of the same neurons.
asio::awaitable<MaybeMetagraph> MetagraphSync::fetch_lite() {
  const auto netuid = static_cast<std::uint16_t>(config_.netuid);
  std::string head_method = "chain_getHeader", hash_method = "chain_getBlockHash";
  Json no_params = Json::array();
  const auto header = co_await client_.call(std::move(head_method), std::move(no_params));
  if (!header) {
    co_return header.error();
  }
  const auto number = header->is_object() && header->contains("number")
                          ? parse_hex_number(header->at("number"))
                          : fail(Errc::invalid_input, "no number");
  if (!number) {
    co_return annotate(number.error(), "chain_getHeader");
  }
  Json of_number = Json::array({*number});
  const auto hash = co_await client_.call(std::move(hash_method), std::move(of_number));
  if (!hash || !hash->is_string()) {
    co_return hash ? fail(Errc::invalid_input, "chain_getBlockHash: a hash was expected")
                   : hash.error();
  }
  std::string at = hash->get<std::string>(), at_too = at;
  std::string state_call = kSubnetStateCall, neurons_call = kNeuronsLiteCall;
  Bytes arguments = netuid_argument(netuid), arguments_too = arguments;
  const auto state =
      co_await client_.call_runtime(std::move(state_call), std::move(arguments), std::move(at));
  if (!state) {
    co_return state.error();
  }
  const auto neurons = co_await client_.call_runtime(std::move(neurons_call),
                                                     std::move(arguments_too), std::move(at_too));
  if (!neurons) {
    co_return neurons.error();
  }
  co_return named(decode_neurons_lite(*neurons, *state, netuid, *number), kNeuronsLiteCall);
}

asio::awaitable<void> MetagraphSync::learn_runtime() {
  if (runtime_of_ == client_.endpoint() && !status_.runtime.empty()) {
    co_return;
  }
  std::string method = "state_getRuntimeVersion";
  Json no_params = Json::array();
  const auto version = co_await client_.call(std::move(method), std::move(no_params));
  status_.runtime = version && version->is_object() ? "runtime " + text_of(*version, "specName") +
                                                          " " + text_of(*version, "specVersion")
                                                    : "";
  runtime_of_ = client_.endpoint();
}

/// Hints are extra: without an answer there are none.
asio::awaitable<std::vector<WeightHint>> MetagraphSync::fetch_hints(const Metagraph& metagraph) {
  co_await learn_runtime();
  std::vector<ValidatorWeights> validators;
  std::vector<std::string> keys;
  for (const Neuron& neuron : metagraph.neurons) {
    if (neuron.validator_permit && neuron.stake >= config_.min_stake &&
        validators.size() < kMaxHinted) {
      validators.push_back({neuron.uid, neuron.last_update, {}});
      keys.push_back("0x" + hex_encode(weights_key(static_cast<std::uint16_t>(config_.netuid),
                                                   static_cast<std::uint16_t>(neuron.uid))));
    }
  }
  std::string method = "state_queryStorageAt";
  Json params = Json::array({Json(keys)});
  const auto reply = co_await client_.call(std::move(method), std::move(params));
  if (!reply) {
    spdlog::debug("no weights: {}", reply.error().message());
    co_return std::vector<WeightHint>();
  }
  const auto values = changes_by_key(*reply);
  for (std::size_t i = 0; i < validators.size(); ++i) {
    if (const auto value = values.find(keys[i]); value != values.end()) {
      auto weights = decode_weights(value->second);
      if (weights && weights->size() <= kMaxNeurons) {
        validators[i].weights = *std::move(weights);
      }
    }
  }
  co_return weight_hints(validators);
}

/// Two numbers instead of a whole metagraph.
asio::awaitable<bool> MetagraphSync::was_registered_meanwhile() {
  const auto key = ss58_decode(config_.hotkey);
  if (!key) {
    co_return false;
  }
  std::string method = "state_getStorage";
  Json params =
      Json::array({"0x" + hex_encode(uid_key(static_cast<std::uint16_t>(config_.netuid), *key))});
  const auto reply = co_await client_.call(std::move(method), std::move(params));
  co_return reply && reply->is_string();
}

}  // namespace lode::chain
