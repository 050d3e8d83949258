#include "subnet/dendrite.h"

#include <array>
#include <cctype>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json.h"
#include "subnet/schema_internal.h"
#include "subnet/wire_internal.h"

namespace lode::subnet {
namespace {

/// What `total_size` reads for a PullTask in the SDK: Python's sizes of the synapse's objects. It
/// grows by the texts that a message carries; no axon checks it.
constexpr std::size_t kPullTotalSize = 3431;

/// 2255-03-14: later times do not fit 64 bits of nanoseconds.
constexpr std::int64_t kMaxUnixSeconds = 9'000'000'000;
constexpr std::int64_t kMaxThrottleSeconds = 365 * 86'400;
constexpr std::size_t kMaxTaskIdSize = 256;
constexpr std::size_t kMaxPeerText = 200;

/// A TerminalInfo of ten keys, null where nothing is set.
Json empty_terminal() {
  Json terminal = Json::object();
  for (const char* key : {"status_code", "status_message", "process_time", "ip", "port", "version",
                          "nonce", "uuid", "hotkey", "signature"}) {
    terminal[key] = nullptr;
  }
  return terminal;
}

Json dendrite_terminal(const chain::Signer& hotkey, const Terminals& terminals) {
  Json terminal = empty_terminal();
  if (!terminals.dendrite_ip.empty()) {
    terminal["ip"] = terminals.dendrite_ip;
  }
  terminal["version"] = kSdkVersion;
  terminal["nonce"] = terminals.nonce;
  terminal["uuid"] = terminals.dendrite_uuid;
  terminal["hotkey"] = terminals.dendrite_hotkey;
  terminal["signature"] = sign_request(hotkey, terminals);
  return terminal;
}

Json axon_terminal(const Terminals& terminals) {
  Json terminal = empty_terminal();
  terminal["ip"] = terminals.axon_ip;
  terminal["port"] = terminals.axon_port;
  terminal["hotkey"] = terminals.axon_hotkey;
  return terminal;
}

/// The fields that every synapse begins with.
Json base_synapse(const Model& model, double timeout_seconds, std::size_t text_bytes,
                  const chain::Signer& hotkey, const Terminals& terminals) {
  return {{"name", model.name},
          {"timeout", timeout_seconds},
          {"total_size", kPullTotalSize + text_bytes},
          {"header_size", 0},
          {"dendrite", dendrite_terminal(hotkey, terminals)},
          {"axon", axon_terminal(terminals)},
          {"computed_body_hash", ""}};
}

HttpRequest make_request(const Model& model, const Json& synapse) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/" + std::string(model.name);
  request.headers = to_headers(model, synapse);
  request.headers.add("Content-Type", "application/json");
  request.body = to_python_json(synapse);
  return request;
}

/// A peer's text made fit for one line of log: no control characters, 200 bytes at most, cut
/// between characters.
std::string cut(std::string text) {
  for (char& c : text) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) {
      c = ' ';
    }
  }
  if (text.size() > kMaxPeerText) {
    std::size_t end = kMaxPeerText;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
      --end;
    }
    text.resize(end);
  }
  return text;
}

Error broken_reply(const Model& model, std::string_view problem) {
  return fail(Errc::peer_failure, std::string(model.name) + " reply: " + cut(std::string(problem)));
}

/// The error for a status other than 200, with the axon's `message` where there is one.
Error refusal(const Model& model, const HttpResponse& response) {
  std::string text = "no message";
  if (const auto body = parse_json(response.body); body && body->is_object()) {
    const auto message = body->find("message");
    if (message != body->end() && message->is_string()) {
      text = message->get<std::string>();
    }
  }
  return broken_reply(model, "HTTP " + std::to_string(response.status) + ": " + text);
}

/// The reply's fields as the model has them.
Result<Json> conforming_reply(const Model& model, const HttpResponse& response) {
  if (response.status != 200) {
    return refusal(model, response);
  }
  auto body = parse_json(response.body);
  if (!body) {
    return broken_reply(model, body.error().context);
  }
  if (const auto conforms = conform(model, *body); !conforms) {
    return broken_reply(model, conforms.error().context);
  }
  return body;
}

Result<std::int64_t> bounded(const Model& model, const Json& object, const char* key,
                             std::int64_t max) {
  const auto value = object.at(key).get<std::int64_t>();
  if (value < 0 || value > max) {
    return broken_reply(
        model, std::string(key) + ": a value from 0 to " + std::to_string(max) + " was expected");
  }
  return value;
}

}  // namespace

std::string make_uuid1(Time now, const chain::Entropy& entropy) {
  // RFC 4122 section 4.1.4: 100 ns ticks since 1582-10-15, 122192928000000000 before 1970.
  const std::uint64_t ticks =
      static_cast<std::uint64_t>(now.time_since_epoch().count() / 100) + 0x01b21dd213814000;
  std::array<std::uint8_t, 8> random;
  entropy(random);
  random[0] = (random[0] & 0x3f) | 0x80;  // RFC 4122's variant
  random[2] |= 0x01;                      // a multicast bit marks a node that is no real address
  char text[37];
  std::snprintf(text, sizeof(text), "%08x-%04x-1%03x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                static_cast<unsigned>(ticks & 0xffffffff),
                static_cast<unsigned>(ticks >> 32 & 0xffff),
                static_cast<unsigned>(ticks >> 48 & 0x0fff), random[0], random[1], random[2],
                random[3], random[4], random[5], random[6], random[7]);
  return text;
}

std::string sign_request(const chain::Signer& hotkey, const Terminals& terminals) {
  const std::string text =
      request_text(terminals.nonce, terminals.dendrite_hotkey, terminals.axon_hotkey,
                   terminals.dendrite_uuid, kEmptyBodyHash);
  return "0x" + hex_encode(hotkey.sign_message(as_bytes(text)));
}

std::string sign_result(const chain::Signer& hotkey, std::int64_t submit_time,
                        std::string_view prompt, std::string_view validator_hotkey) {
  const std::string text = result_text(submit_time, prompt, validator_hotkey, hotkey.ss58());
  return base64_encode(hotkey.sign_message(as_bytes(text)));
}

HttpRequest make_pull_request(const chain::Signer& hotkey, const Terminals& terminals) {
  const Model& model = kPullTaskModel;
  Json synapse = base_synapse(model, kPullTimeoutSeconds, 0, hotkey, terminals);
  const PullReply defaults;
  synapse["task"] = nullptr;
  synapse["validation_threshold"] = defaults.validation_threshold;
  synapse["throttle_period"] = defaults.throttle_period;
  synapse["cooldown_until"] = defaults.cooldown_until;
  synapse["cooldown_violations"] = defaults.cooldown_violations;
  return make_request(model, synapse);
}

HttpRequest make_submit_request(const chain::Signer& hotkey, const Terminals& terminals,
                                const Submission& submission) {
  const Model& model = kSubmitResultsModel;
  const std::size_t text_bytes =
      submission.task.prompt.size() + submission.results.size() + submission.signature.size();
  Json synapse = base_synapse(model, kSubmitTimeoutSeconds, text_bytes, hotkey, terminals);
  synapse["task"] = to_json(submission.task);
  synapse["task_id"] = submission.task.id;
  synapse["results"] = submission.results;
  synapse["data_format"] = "ply";
  synapse["data_ver"] = 0;
  synapse["compression"] = 2;
  synapse["submit_time"] = submission.submit_time;
  synapse["signature"] = submission.signature;
  synapse["feedback"] = nullptr;
  synapse["cooldown_until"] = 0;
  return make_request(model, synapse);
}

HttpRequest make_version_request(const chain::Signer& hotkey, const Terminals& terminals) {
  const Model& model = kGetVersionModel;
  Json synapse = base_synapse(model, kPullTimeoutSeconds, 0, hotkey, terminals);
  synapse["version"] = 0;
  synapse["validation_version"] = "";
  return make_request(model, synapse);
}

Result<PullReply> parse_pull_reply(const HttpResponse& response) {
  const Model& model = kPullReplyModel;
  LODE_TRY(Json body, conforming_reply(model, response));
  PullReply reply;
  reply.validation_threshold = body.at("validation_threshold").get<double>();
  LODE_TRY(reply.throttle_period, bounded(model, body, "throttle_period", kMaxThrottleSeconds));
  LODE_TRY(reply.cooldown_until, bounded(model, body, "cooldown_until", kMaxUnixSeconds));
  LODE_TRY(reply.cooldown_violations,
           bounded(model, body, "cooldown_violations", std::numeric_limits<std::int64_t>::max()));
  if (Json& task = body.at("task"); !task.is_null()) {
    reply.task = task_from(std::move(task));
    if (reply.task->id.empty() || reply.task->id.size() > kMaxTaskIdSize) {
      return broken_reply(model, "task.id: 1 to 256 characters were expected");
    }
  }
  return reply;
}

Result<SubmitReply> parse_submit_reply(const HttpResponse& response) {
  const Model& model = kSubmitReplyModel;
  LODE_TRY(const Json body, conforming_reply(model, response));
  SubmitReply reply;
  LODE_TRY(reply.cooldown_until, bounded(model, body, "cooldown_until", kMaxUnixSeconds));
  if (const Json& feedback = body.at("feedback"); !feedback.is_null()) {
    reply.feedback = Feedback{
        feedback.at("validation_failed").get<bool>(),
        feedback.at("task_fidelity_score").get<double>(),
        feedback.at("average_fidelity_score").get<double>(),
        feedback.at("generations_within_the_window").get<std::int64_t>(),
        feedback.at("current_duel_rating").get<double>(),
        feedback.at("current_miner_reward").get<double>(),
    };
  }
  return reply;
}

Result<VersionReply> parse_version_reply(const HttpResponse& response) {
  LODE_TRY(const Json body, conforming_reply(kVersionReplyModel, response));
  return VersionReply{body.at("version").get<std::int64_t>(),
                      body.at("validation_version").get<std::string>()};
}

}  // namespace lode::subnet
