#include "subnet/dendrite.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/rng.h"

namespace lode::subnet {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
constexpr const char* kBob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";

chain::Keypair alice() {
  return *chain::Keypair::from_mini_secret(
      *hex_decode("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"));
}

/// The terminals of the protocol's worked example.
Terminals example() {
  return {kAlice,
          "203.0.113.7",
          "b7d2a5ce-8d6e-11f0-9c1e-0242ac120002",
          1757400000123456789,
          kBob,
          "198.51.100.4",
          8091};
}

/// `text` with every occurrence of `part` replaced by `by`.
std::string replaced(std::string text, std::string_view part, std::string_view by) {
  for (std::size_t at = text.find(part); at != text.npos; at = text.find(part, at + by.size())) {
    text.replace(at, part.size(), by);
  }
  return text;
}

std::string headers_text(const HttpRequest& request) {
  std::string text;
  for (const auto& [name, value] : request.headers) {
    text += name + ": " + value + "\n";
  }
  return text;
}

HttpResponse reply(std::string body, int status = 200) {
  return make_response(status, "application/json", std::move(body));
}

template <class T>
std::string problem(const Result<T>& result) {
  if (result) {
    return "accepted";
  }
  EXPECT_EQ(result.error().code, Errc::peer_failure);
  return result.error().context;
}

TEST(Dendrite, WritesThePullRequestOfTheSdkByteForByte) {
  const HttpRequest request = make_pull_request(alice(), example());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/PullTask");
  const std::string signature = *request.headers.find("bt_header_dendrite_signature");
  EXPECT_EQ(signature.size(), 130U);
  EXPECT_EQ(replaced(headers_text(request), signature, "0x<128 hex>"), R"(name: PullTask
timeout: 12.0
bt_header_axon_ip: 198.51.100.4
bt_header_axon_port: 8091
bt_header_axon_hotkey: 5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty
bt_header_dendrite_ip: 203.0.113.7
bt_header_dendrite_version: 9009000
bt_header_dendrite_nonce: 1757400000123456789
bt_header_dendrite_uuid: b7d2a5ce-8d6e-11f0-9c1e-0242ac120002
bt_header_dendrite_hotkey: 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY
bt_header_dendrite_signature: 0x<128 hex>
header_size: 464
total_size: 3431
computed_body_hash: a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a
Content-Type: application/json
)");
  EXPECT_EQ(
      replaced(request.body, signature, "0x..."),
      R"({"name": "PullTask", "timeout": 12.0, "total_size": 3431, "header_size": 0, )"
      R"("dendrite": {"status_code": null, "status_message": null, "process_time": null, )"
      R"("ip": "203.0.113.7", "port": null, "version": 9009000, "nonce": 1757400000123456789, )"
      R"("uuid": "b7d2a5ce-8d6e-11f0-9c1e-0242ac120002", )"
      R"("hotkey": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "signature": "0x..."}, )"
      R"("axon": {"status_code": null, "status_message": null, "process_time": null, )"
      R"("ip": "198.51.100.4", "port": 8091, "version": null, "nonce": null, "uuid": null, )"
      R"("hotkey": "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty", "signature": null}, )"
      R"("computed_body_hash": "", "task": null, "validation_threshold": 0.6, )"
      R"("throttle_period": 0, "cooldown_until": 0, "cooldown_violations": 0})");
}

TEST(Dendrite, WritesASubmissionForOldAndNewValidators) {
  const Submission submission = {
      {Task::Type::text, "task-7", "a \"red\" apple"}, "AAAA", 1757400100123456789, "c2ln"};
  const HttpRequest request = make_submit_request(alice(), example(), submission);
  EXPECT_EQ(request.target, "/SubmitResults");
  EXPECT_EQ(*request.headers.find("timeout"), "300.0");
  EXPECT_EQ(*request.headers.find("bt_header_input_obj_results"), "IiI=");
  EXPECT_EQ(*request.headers.find("bt_header_input_obj_submit_time"), "MA==");
  EXPECT_EQ(*request.headers.find("bt_header_input_obj_signature"), "IiI=");
  const std::size_t own = request.body.find("\"computed_body_hash\"");
  EXPECT_EQ(request.body.substr(own),
            R"("computed_body_hash": "", "task": {"type": "text", "id": "task-7", )"
            R"("prompt": "a \"red\" apple"}, "task_id": "task-7", "results": "AAAA", )"
            R"("data_format": "ply", "data_ver": 0, "compression": 2, )"
            R"("submit_time": 1757400100123456789, "signature": "c2ln", "feedback": null, )"
            R"("cooldown_until": 0})");
}

TEST(Dendrite, WritesAVersionRequestWithoutInputObjects) {
  const HttpRequest request = make_version_request(alice(), example());
  EXPECT_EQ(request.target, "/GetVersion");
  EXPECT_EQ(headers_text(request).find("input_obj"), std::string::npos);
  EXPECT_TRUE(request.body.ends_with(R"("version": 0, "validation_version": ""})"));
}

TEST(Dendrite, LeavesOutAnUnknownOwnAddress) {
  Terminals terminals = example();
  terminals.dendrite_ip.clear();
  const HttpRequest request = make_pull_request(alice(), terminals);
  EXPECT_EQ(request.headers.find("bt_header_dendrite_ip"), nullptr);
  EXPECT_TRUE(Json::parse(request.body)["dendrite"]["ip"].is_null());
}

TEST(Dendrite, SignsTheRequestTextOfTheExample) {
  const std::string signature = sign_request(alice(), example());
  ASSERT_TRUE(signature.starts_with("0x"));
  const Bytes bytes = *hex_decode(signature);
  chain::Signature fixed;
  ASSERT_EQ(bytes.size(), fixed.size());
  std::copy(bytes.begin(), bytes.end(), fixed.begin());
  EXPECT_TRUE(chain::verify(
      alice().public_key(),
      as_bytes("1757400000123456789.5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY."
               "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty.b7d2a5ce-8d6e-11f0-9c1e-"
               "0242ac120002.a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"),
      fixed));
}

TEST(Dendrite, Uuid1CarriesTheTimeAndDiffersByEntropy) {
  const auto fixed = [](std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<std::uint8_t>(0x10 + i);
    }
  };
  // Made with Python's uuid module: .time is 139766928001234567.
  const Time time{std::chrono::nanoseconds(1757400000123456789)};
  EXPECT_EQ(make_uuid1(time, fixed), "cedc7687-8d47-11f0-9011-131314151617");
  EXPECT_NE(make_uuid1(time), make_uuid1(time));
}

TEST(Dendrite, ReadsAPullReplyWithATask) {
  const auto pull = parse_pull_reply(
      reply(R"({"name": "PullTask", "task": {"type": "image", "id": "t", "prompt": "aGk="},)"
            R"("validation_threshold": 0.7, "throttle_period": 30, "cooldown_until": 0,)"
            R"("cooldown_violations": 2, "axon": {"status_code": 200}, "new_key": []})"));
  ASSERT_TRUE(pull) << pull.error().message();
  ASSERT_TRUE(pull->task);
  EXPECT_EQ(pull->task->type, Task::Type::image);
  EXPECT_EQ(pull->task->id, "t");
  EXPECT_EQ(pull->task->prompt, "aGk=");
  EXPECT_EQ(pull->validation_threshold, 0.7);
  EXPECT_EQ(pull->throttle_period, 30);
  EXPECT_EQ(pull->cooldown_violations, 2);
}

TEST(Dendrite, ReadsAPullReplyWithoutATask) {
  const auto pull = parse_pull_reply(reply(R"({"task": null, "cooldown_until": 1757400900})"));
  ASSERT_TRUE(pull);
  EXPECT_FALSE(pull->task);
  EXPECT_EQ(pull->cooldown_until, 1757400900);
  EXPECT_FALSE(parse_pull_reply(reply("{}"))->task);
}

TEST(Dendrite, ReadsATaskOfAnOldValidatorAsText) {
  const auto pull = parse_pull_reply(reply(R"({"task": {"id": "t", "prompt": "a cup"}})"));
  ASSERT_TRUE(pull);
  EXPECT_EQ(pull->task->type, Task::Type::text);
}

TEST(Dendrite, RefusesBrokenPullRepliesByField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"task": {"prompt": "a"}})", "task.id"},
      {R"({"task": {"id": ""}})", "task.id"},
      {R"({"task": {"type": "video", "id": "t"}})", "task.type"},
      {R"({"validation_threshold": null})", "validation_threshold"},
      {R"({"throttle_period": 1.5})", "throttle_period"},
      {R"({"throttle_period": -1})", "throttle_period"},
      {R"({"throttle_period": 99999999})", "throttle_period"},
      {R"({"cooldown_until": 9223372036})", "cooldown_until"},
      {R"({"cooldown_until": -1})", "cooldown_until"},
      {R"({"cooldown_violations": -1})", "cooldown_violations"},
      {"[]", "an object"},
      {"", "not JSON"},
      {"<html>", "not JSON"},
  };
  for (const auto& [body, expected] : cases) {
    const std::string context = problem(parse_pull_reply(reply(body)));
    EXPECT_TRUE(context.starts_with("PullTask reply: ")) << context;
    EXPECT_NE(context.find(expected), std::string::npos) << body << ": " << context;
  }
  const std::string long_id = R"({"task": {"id": ")" + std::string(257, 'i') + "\"}}";
  EXPECT_NE(problem(parse_pull_reply(reply(long_id))).find("task.id"), std::string::npos);
  const std::string deep = "{\"x\": " + std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_NE(problem(parse_pull_reply(reply(deep))).find("nested"), std::string::npos);
}

TEST(Dendrite, RefusesEveryTruncationOfAReply) {
  const std::string body =
      R"({"task": {"type": "text", "id": "t", "prompt": "a"}, "cooldown_until": 5})";
  for (std::size_t length = 0; length < body.size(); ++length) {
    EXPECT_FALSE(parse_pull_reply(reply(body.substr(0, length)))) << length;
  }
}

TEST(Dendrite, ReadsTheFeedbackOfASubmission) {
  const auto submit = parse_submit_reply(
      reply(R"({"feedback": {"validation_failed": false, "task_fidelity_score": 0.81,)"
            R"("average_fidelity_score": 0.9, "generations_within_the_window": 12,)"
            R"("current_duel_rating": 1503.5, "current_miner_reward": 18042},)"
            R"("cooldown_until": 1757400300, "results": "", "signature": ""})"));
  ASSERT_TRUE(submit) << submit.error().message();
  ASSERT_TRUE(submit->feedback);
  EXPECT_FALSE(submit->feedback->validation_failed);
  EXPECT_EQ(submit->feedback->task_fidelity_score, 0.81);
  EXPECT_EQ(submit->feedback->average_fidelity_score, 0.9);
  EXPECT_EQ(submit->feedback->generations_within_the_window, 12);
  EXPECT_EQ(submit->feedback->current_duel_rating, 1503.5);
  EXPECT_EQ(submit->feedback->current_miner_reward, 18042);
  EXPECT_EQ(submit->cooldown_until, 1757400300);
  EXPECT_FALSE(parse_submit_reply(reply(R"({"feedback": null})"))->feedback);
  EXPECT_NE(problem(parse_submit_reply(reply(R"({"feedback": {"task_fidelity_score": []}})")))
                .find("feedback.task_fidelity_score"),
            std::string::npos);
}

TEST(Dendrite, ReadsAVersionReply) {
  const auto version =
      parse_version_reply(reply(R"({"version": 45, "validation_version": "\"2.4.0\""})"));
  ASSERT_TRUE(version);
  EXPECT_EQ(version->version, 45);
  EXPECT_EQ(version->validation_version, "\"2.4.0\"");
  EXPECT_NE(problem(parse_version_reply(reply(R"({"version": null})"))).find("version"),
            std::string::npos);
}

TEST(Dendrite, ReportsStatusAndMessageOfARefusal) {
  EXPECT_EQ(problem(parse_pull_reply(reply(R"({"message": "Not Verified"})", 401))),
            "PullTask reply: HTTP 401: Not Verified");
  EXPECT_EQ(problem(parse_submit_reply(reply("<html>502</html>", 502))),
            "SubmitResults reply: HTTP 502: no message");
  EXPECT_EQ(problem(parse_version_reply(reply(R"({"message": 5})", 500))),
            "GetVersion reply: HTTP 500: no message");
}

TEST(Dendrite, CutsAPeersMessageToOneShortLine) {
  const Json body = {{"message", "line\r\nbreak " + std::string(99, 'x') + std::string(400, 'y')}};
  const std::string context = problem(parse_pull_reply(reply(body.dump(), 500)));
  EXPECT_LE(context.size(), std::string_view("PullTask reply: ").size() + 200);
  EXPECT_EQ(context.find('\n'), std::string::npos);
  EXPECT_NE(context.find("line  break"), std::string::npos);
  // A character of two bytes is never cut in half.
  for (const std::size_t shift : {0, 1}) {
    std::string text(shift, 'a');
    for (int i = 0; i < 200; ++i) {
      text += "é";
    }
    const std::string cut_text =
        problem(parse_pull_reply(reply(Json({{"message", text}}).dump(), 500)));
    EXPECT_NO_THROW(static_cast<void>(Json(cut_text).dump()));
  }
}

}  // namespace
}  // namespace lode::subnet
