// The miner's side of the wire: signed requests out, replies in. No sockets.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "chain/keypair.h"
#include "subnet/synapse.h"

namespace lode::subnet {

/// Client timeouts of the base miner; they also widen the axon's nonce window.
inline constexpr double kPullTimeoutSeconds = 12.0;
inline constexpr double kSubmitTimeoutSeconds = 300.0;

/// The declaration that every result signature covers.
extern const std::string_view kLicenseDeclaration;

/// A version-1 UUID for Terminals: the time, and random bits where the SDK has a clock sequence and
/// the host's address. A fresh one per request keeps requests independent of each other's nonces.
std::string make_uuid1(Time now, const chain::Entropy& entropy = chain::system_entropy);

/// Signature over "<nonce>.<dendrite hotkey>.<axon hotkey>.<uuid>.<body hash>", 0x + hex.
std::string sign_request(const chain::Signer& hotkey, const Terminals& terminals);

/// Signature over declaration + submit_time + prompt + validator hotkey + miner hotkey, base64.
std::string sign_result(const chain::Signer& hotkey, std::int64_t submit_time,
                        std::string_view prompt, std::string_view validator_hotkey);

/// Complete signed POST requests, headers in the SDK's order, body as its model_dump writes it.
/// `target` is the path alone; Host and Content-Length are the HTTP client's to add.
HttpRequest make_pull_request(const chain::Signer& hotkey, const Terminals& terminals);
HttpRequest make_submit_request(const chain::Signer& hotkey, const Terminals& terminals,
                                const Submission& submission);
HttpRequest make_version_request(const chain::Signer& hotkey, const Terminals& terminals);

/// Replies. A status other than 200 is Errc::peer_failure with the status and the peer's message,
/// cut to 200 characters; a body that is no JSON object, or a field of a wrong type or range, is
/// Errc::peer_failure naming the field. Times and counts are not negative, times end before the
/// year 2255 (so that they fit Time), reals are finite, a task has an id of 1 to 256 characters.
/// Unknown keys are ignored; absent ones have the subnet's defaults; a task without type is a text
/// task. The caller has bounded the body.
Result<PullReply> parse_pull_reply(const HttpResponse& response);
Result<SubmitReply> parse_submit_reply(const HttpResponse& response);
Result<VersionReply> parse_version_reply(const HttpResponse& response);

}  // namespace lode::subnet
