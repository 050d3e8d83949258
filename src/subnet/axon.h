// The validator's side of the wire: what bittensor's axon checks, in its order. No sockets.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>

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
  std::string dendrite_hotkey;  ///< identifies the miner inside the handler; empty if not there
  std::string axon_hotkey;      ///< goes into the result signature's text; empty if not there
  Submission submission;        ///< SubmitResults only; `task.id` is the effective task_id
  std::string json;             ///< the body with defaults filled in, echoed back by the reply
};

/// bittensor 9.9's request pipeline for one axon: path, header parse, blacklist, verification
/// (nonce window of 4 s + timeout on first use of hotkey:uuid, then strictly rising nonces;
/// signature), method, in that order, before the body is looked at. The routes are the three
/// messages; the SDK's own "Synapse" ping is not stood in for. Not thread-safe.
class Axon {
 public:
  /// Most hotkey:uuid pairs whose last nonce is remembered. Above it the half with the lowest
  /// nonces is forgotten, and the window of first use guards those again, as after a restart of
  /// the SDK's axon (which itself remembers all and grows without end).
  static constexpr std::size_t kMaxEndpoints = 16'384;

  /// Returns a reason to answer 403, or nothing. Called with the parsed head.
  using Blacklist = std::function<std::optional<std::string>(const RequestHead&)>;

  Axon(std::string hotkey_ss58, Blacklist blacklist);

  /// Judges path and headers at time `now`: the head, or the finished error response to send. In
  /// order: 404 for another path, 500 for headers that do not parse, 403 for the blacklist, 401 for
  /// the verification, 405 for a method other than GET and POST.
  std::variant<RequestHead, HttpResponse> accept_head(const HttpRequest& request, Time now);

  /// Parses the body by the synapse's schema: 422 for what is no JSON, 500 for what breaks the
  /// schema, another content type than JSON, or a wrong computed_body_hash.
  std::variant<RequestBody, HttpResponse> accept_body(const RequestHead& head,
                                                      const HttpRequest& request) const;

  const std::string& hotkey() const { return hotkey_; }

 private:
  /// default_verify(): why to answer 401, or nothing.
  std::optional<std::string> find_verification_fault(const RequestHead& head, Time now);
  void remember_nonce(std::string endpoint, std::int64_t nonce);

  std::string hotkey_;
  Blacklist blacklist_;
  std::map<std::string, std::int64_t> last_nonce_;  ///< by "hotkey:uuid"; kMaxEndpoints at most
};

/// 200 replies: the request's synapse with the handler's fields set, axon.status_code 200 and what
/// the handler took as axon.process_time. A submission's results and signature are emptied.
HttpResponse make_pull_response(const RequestBody& request, const PullReply& reply,
                                Duration process_time = {});
HttpResponse make_submit_response(const RequestBody& request, const SubmitReply& reply,
                                  Duration process_time = {});
HttpResponse make_version_response(const RequestBody& request, const VersionReply& reply,
                                   Duration process_time = {});

/// The axon's answer when a handler fails: status 500 with a random reference number.
HttpResponse make_internal_error();

/// Whether the result signature in a submission is right. Errc::invalid_input when it is not even
/// base64 of 64 bytes or `dendrite_hotkey` is no address (the axon answers 500 to both), otherwise
/// true or false.
Result<bool> verify_result_signature(const Submission& submission, std::string_view task_prompt,
                                     std::string_view axon_hotkey,
                                     std::string_view dendrite_hotkey);

}  // namespace lode::subnet
