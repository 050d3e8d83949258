// What both sides of the wire write alike: signed texts, synapse headers, identifiers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/http_message.h"
#include "chain/keypair.h"
#include "subnet/schema_internal.h"
#include "subnet/synapse.h"

namespace lode::subnet {

/// The text under a request's signature.
std::string request_text(std::int64_t nonce, std::string_view dendrite_hotkey,
                         std::string_view axon_hotkey, std::string_view uuid,
                         std::string_view body_hash);

/// The text under a result's signature.
std::string result_text(std::int64_t submit_time, std::string_view prompt,
                        std::string_view validator_hotkey, std::string_view miner_hotkey);

/// btwallet's verification: the text as it is, or wrapped in <Bytes> as browser wallets sign it.
bool verify_text(const chain::PublicKey& key, std::string_view text,
                 const chain::Signature& signature);

/// Synapse.to_headers() for a message that conforms to `model`.
HttpHeaders to_headers(const Model& model, const Json& synapse);

/// JSON as Python's json.dumps writes it by default: ", " and ": ", ASCII only.
std::string to_python_json(const Json& value);

std::string_view to_string(Task::Type type);
Json to_json(const Task& task);
/// From a JSON task that conforms to its model.
Task task_from(Json&& task);

/// The text form of a UUID: RFC 4122 version 4, random.
std::string make_uuid4();

}  // namespace lode::subnet
