#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/json.h"
#include "subnet/axon.h"
#include "subnet/schema_internal.h"
#include "subnet/wire_internal.h"

namespace lode::subnet {
namespace {

/// The request's synapse, for a handler to set its fields in.
Json echoed_synapse(const RequestBody& request, Duration process_time) {
  auto synapse = parse_json(request.json);
  LODE_ASSERT(synapse && synapse->is_object(), "accept_body() made the JSON of a request body");
  Json& axon = (*synapse)["axon"];
  axon["status_code"] = 200;
  axon["status_message"] = "Success";
  axon["process_time"] = to_seconds(process_time);
  return *std::move(synapse);
}

HttpResponse make_success(const Model& model, const Json& synapse) {
  HttpResponse response;
  response.headers = to_headers(model, synapse);
  response.headers.add("content-type", "application/json");
  response.body = synapse.dump();
  return response;
}

}  // namespace

HttpResponse make_pull_response(const RequestBody& request, const PullReply& reply,
                                Duration process_time) {
  Json synapse = echoed_synapse(request, process_time);
  synapse["task"] = reply.task ? to_json(*reply.task) : Json();
  synapse["validation_threshold"] = reply.validation_threshold;
  synapse["throttle_period"] = reply.throttle_period;
  synapse["cooldown_until"] = reply.cooldown_until;
  synapse["cooldown_violations"] = reply.cooldown_violations;
  return make_success(kPullTaskModel, synapse);
}

HttpResponse make_submit_response(const RequestBody& request, const SubmitReply& reply,
                                  Duration process_time) {
  Json synapse = echoed_synapse(request, process_time);
  synapse["feedback"] = nullptr;
  if (reply.feedback) {
    const Feedback& feedback = *reply.feedback;
    synapse["feedback"] = {
        {"validation_failed", feedback.validation_failed},
        {"task_fidelity_score", feedback.task_fidelity_score},
        {"average_fidelity_score", feedback.average_fidelity_score},
        {"generations_within_the_window", feedback.generations_within_the_window},
        {"current_duel_rating", feedback.current_duel_rating},
        {"current_miner_reward", feedback.current_miner_reward}};
  }
  synapse["cooldown_until"] = reply.cooldown_until;
  return make_success(kSubmitResultsModel, synapse);
}

HttpResponse make_version_response(const RequestBody& request, const VersionReply& reply,
                                   Duration process_time) {
  Json synapse = echoed_synapse(request, process_time);
  synapse["version"] = reply.version;
  synapse["validation_version"] = reply.validation_version;
  return make_success(kGetVersionModel, synapse);
}

}  // namespace lode::subnet
