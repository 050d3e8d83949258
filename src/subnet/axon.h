// The validator's side of the wire: what bittensor's axon checks, in its order. No sockets.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "subnet/synapse.h"

namespace lode::subnet {

/// The request headers an axon acts on.
struct RequestHead {
  std::string synapse;  ///< from the path: "PullTask", ...
  std::optional<double> timeout;
  std::optional<std::int64_t> version;
  std::optional<std::int64_t> nonce;
  std::string uuid, hotkey, signature, computed_body_hash;
};

/// What a handler reads from a request's body, which is not signed.
struct RequestBody {
  std::string dendrite_hotkey;  ///< identifies the miner inside the handler
  std::string axon_hotkey;      ///< goes into the result signature's text
  Submission submission;        ///< SubmitResults only; `task.id` is the effective task_id
  std::string json;             ///< the body as received, echoed back by the reply
};

/// bittensor 9.9's request pipeline for one axon: path, header parse, blacklist, verification
/// (nonce window of 4 s + timeout on first use of hotkey:uuid, then strictly rising nonces;
/// signature), in that order, before the body is looked at.
class Axon {
 public:
  /// Returns a reason to answer 403, or nothing. Called with the parsed head.
  using Blacklist = std::function<std::optional<std::string>(const RequestHead&)>;

  Axon(std::string hotkey_ss58, Blacklist blacklist);

  /// Judges path and headers at time `now`: the head, or the finished error response (404, 405,
  /// 403, 401, 500) to send.
  std::variant<RequestHead, HttpResponse> accept_head(const HttpRequest& request, Time now);

  /// Parses the body by the synapse's schema: 422 for what is no JSON, 500 for what breaks the
  /// schema.
  std::variant<RequestBody, HttpResponse> accept_body(const RequestHead& head,
                                                      const HttpRequest& request) const;

  const std::string& hotkey() const { return hotkey_; }

 private:
  std::string hotkey_;
  Blacklist blacklist_;
  std::map<std::string, std::int64_t> last_nonce_;  ///< by "hotkey:uuid"; bounded
};

/// 200 replies: the request's synapse with the handler's fields set, axon.status_code 200.
HttpResponse make_pull_response(const RequestBody& request, const PullReply& reply);
HttpResponse make_submit_response(const RequestBody& request, const SubmitReply& reply);
HttpResponse make_version_response(const RequestBody& request, const VersionReply& reply);

/// Whether the result signature in a submission is right. Errc::invalid_input when it is not even
/// base64 of 64 bytes (the axon answers 500 to that), otherwise true or false.
Result<bool> verify_result_signature(const Submission& submission, std::string_view task_prompt,
                                     std::string_view axon_hotkey,
                                     std::string_view dendrite_hotkey);

}  // namespace lode::subnet
