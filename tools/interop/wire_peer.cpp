// Lode's two sides of the wire behind a pipe, for check_wire.py: one JSON object a line in, one
// out. The dendrite is //Alice, the axon //Bob, and the axon's handlers give fixed replies.
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "subnet/axon.h"
#include "subnet/dendrite.h"

namespace {

using namespace lode;
using namespace lode::subnet;
using Json = nlohmann::ordered_json;

constexpr const char* kAliceSeed =
    "e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
constexpr const char* kBob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

Json to_json(const HttpHeaders& headers) {
  Json pairs = Json::array();
  for (const auto& [name, value] : headers) {
    pairs.push_back(Json::array({name, value}));
  }
  return pairs;
}

Json to_json(const Task& task) {
  return {{"type", task.type == Task::Type::image ? "image" : "text"},
          {"id", task.id},
          {"prompt", task.prompt}};
}

Task task_from(const Json& task) {
  return {task.at("type") == "image" ? Task::Type::image : Task::Type::text, task.at("id"),
          task.at("prompt")};
}

/// A request of the dendrite: {"message", and for SubmitResults "task" and "results"}.
Json write_request(const chain::Keypair& alice, const Json& order, Time now) {
  const std::int64_t nanoseconds = now.time_since_epoch().count();
  const Terminals terminals = {alice.ss58(), "203.0.113.7", make_uuid1(now), nanoseconds, kBob,
                               "127.0.0.1",  8091};
  HttpRequest request;
  if (order.at("message") == "PullTask") {
    request = make_pull_request(alice, terminals);
  } else if (order.at("message") == "GetVersion") {
    request = make_version_request(alice, terminals);
  } else {
    const Task task = task_from(order.at("task"));
    request = make_submit_request(alice, terminals,
                                  {task, order.at("results"), nanoseconds,
                                   sign_result(alice, nanoseconds, task.prompt, kBob)});
  }
  return {{"method", request.method},
          {"target", request.target},
          {"headers", to_json(request.headers)},
          {"body", request.body}};
}

/// What the dendrite reads from a reply: {"message", "status", "body"}.
Json read_reply(const Json& order) {
  const HttpResponse response =
      make_response(order.at("status"), "application/json", order.at("body"));
  if (order.at("message") == "PullTask") {
    const auto reply = parse_pull_reply(response);
    if (!reply) {
      return {{"error", reply.error().context}};
    }
    return {{"task", reply->task ? to_json(*reply->task) : Json()},
            {"validation_threshold", reply->validation_threshold},
            {"throttle_period", reply->throttle_period},
            {"cooldown_until", reply->cooldown_until},
            {"cooldown_violations", reply->cooldown_violations}};
  }
  if (order.at("message") == "GetVersion") {
    const auto reply = parse_version_reply(response);
    return reply ? Json{{"version", reply->version},
                        {"validation_version", reply->validation_version}}
                 : Json{{"error", reply.error().context}};
  }
  const auto reply = parse_submit_reply(response);
  if (!reply || !reply->feedback) {
    return {{"error", reply ? "no feedback" : reply.error().context}};
  }
  return {{"task_fidelity_score", reply->feedback->task_fidelity_score},
          {"cooldown_until", reply->cooldown_until}};
}

/// The handlers: an image task to everyone, and a score of 0.75 for a good result signature over
/// the prompt "a cup".
HttpResponse handle(const RequestHead& head, const RequestBody& body) {
  if (head.synapse == "PullTask") {
    PullReply reply;
    reply.task = Task{Task::Type::image, "id-9", "aGk="};
    reply.throttle_period = 30;
    reply.cooldown_until = 7;
    return make_pull_response(body, reply);
  }
  if (head.synapse == "GetVersion") {
    return make_version_response(body, {45, "\"2.4.0\""});
  }
  const auto is_signed =
      verify_result_signature(body.submission, "a cup", body.axon_hotkey, body.dendrite_hotkey);
  SubmitReply reply;
  reply.feedback = Feedback{false, is_signed && *is_signed ? 0.75 : 0.0, 0.9, 3, 1500, 4500};
  reply.cooldown_until = 99;
  return make_submit_response(body, reply);
}

HttpResponse serve(Axon& axon, const HttpRequest& request, Time now) {
  auto head = axon.accept_head(request, now);
  if (auto* refusal = std::get_if<HttpResponse>(&head)) {
    return std::move(*refusal);
  }
  auto body = axon.accept_body(std::get<RequestHead>(head), request);
  if (auto* refusal = std::get_if<HttpResponse>(&body)) {
    return std::move(*refusal);
  }
  return handle(std::get<RequestHead>(head), std::get<RequestBody>(body));
}

/// The axon's answer to {"method", "target", "headers", "body"}.
Json serve(Axon& axon, const Json& order, Time now) {
  HttpRequest request;
  request.method = order.at("method");
  request.target = order.at("target");
  request.body = order.at("body");
  for (const Json& header : order.at("headers")) {
    request.headers.add(header.at(0), header.at(1));
  }
  const HttpResponse response = serve(axon, request, now);
  return {
      {"status", response.status}, {"headers", to_json(response.headers)}, {"body", response.body}};
}

}  // namespace

int main() {
  const chain::Keypair alice = *chain::Keypair::from_mini_secret(*hex_decode(kAliceSeed));
  Axon axon(kBob, [](const RequestHead&) { return std::nullopt; });
  const SystemClock clock;
  std::string line;
  while (std::getline(std::cin, line)) {
    const Json order = Json::parse(line);
    Json answer;
    if (order.at("do") == "write_request") {
      answer = write_request(alice, order, clock.now());
    } else if (order.at("do") == "read_reply") {
      answer = read_reply(order);
    } else {
      answer = serve(axon, order, clock.now());
    }
    std::cout << answer.dump() << std::endl;
  }
  return 0;
}
