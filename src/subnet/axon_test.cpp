#include "subnet/axon.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/rng.h"
#include "subnet/dendrite.h"

namespace lode::subnet {
namespace {

using Json = nlohmann::ordered_json;
using std::chrono::seconds;

constexpr const char* kAlice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
constexpr const char* kBob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty";
constexpr std::int64_t kNonce = 1757400000123456789;
const Time kNow{std::chrono::nanoseconds(kNonce)};

chain::Keypair alice() {
  return *chain::Keypair::from_mini_secret(
      *hex_decode("e5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a"));
}

Terminals terminals(std::int64_t nonce = kNonce, std::string uuid = "uuid-1") {
  return {kAlice, "203.0.113.7", std::move(uuid), nonce, kBob, "198.51.100.4", 8091};
}

HttpRequest pull_request(std::int64_t nonce = kNonce, std::string uuid = "uuid-1") {
  return make_pull_request(alice(), terminals(nonce, std::move(uuid)));
}

Submission submission() {
  const std::int64_t time = kNonce + 5;
  return {{Task::Type::text, "task-7", "a cup"},
          "AAAA",
          time,
          sign_result(alice(), time, "a cup", kBob)};
}

HttpRequest submit_request() { return make_submit_request(alice(), terminals(), submission()); }

/// Bob's axon, which blacklists nobody.
Axon open_axon() {
  return Axon(kBob, [](const RequestHead&) { return std::nullopt; });
}

Axon closed_axon() {
  return Axon(kBob, [](const RequestHead& head) -> std::optional<std::string> {
    return "Unrecognized hotkey " + head.hotkey;
  });
}

/// The request with one header set to another value, or removed when there is none.
HttpRequest with_header(const HttpRequest& request, std::string_view name,
                        std::optional<std::string> value) {
  HttpRequest changed = request;
  changed.headers = {};
  for (const auto& [key, old] : request.headers) {
    if (key != name) {
      changed.headers.add(key, old);
    }
  }
  if (value) {
    changed.headers.add(std::string(name), *value);
  }
  return changed;
}

/// The request with another body.
HttpRequest with_body(HttpRequest request, std::string body) {
  request.body = std::move(body);
  return request;
}

/// Runs head and body: the status of the answer, 200 when both are accepted.
struct Outcome {
  int status = 200;
  std::string message;
};

Outcome outcome_of(const HttpResponse& response) {
  const Json body = Json::parse(response.body);
  return {response.status, body.value("message", "")};
}

Outcome serve(Axon& axon, const HttpRequest& request, Time now = kNow) {
  const auto head = axon.accept_head(request, now);
  if (const auto* response = std::get_if<HttpResponse>(&head)) {
    return outcome_of(*response);
  }
  const auto body = axon.accept_body(std::get<RequestHead>(head), request);
  if (const auto* response = std::get_if<HttpResponse>(&body)) {
    return outcome_of(*response);
  }
  return {};
}

RequestBody accepted_body(Axon& axon, const HttpRequest& request) {
  const auto head = axon.accept_head(request, kNow);
  return std::get<RequestBody>(axon.accept_body(std::get<RequestHead>(head), request));
}

TEST(Axon, ReadsTheHeadOfTheDendritesRequest) {
  Axon axon = open_axon();
  const auto head = axon.accept_head(pull_request(), kNow);
  ASSERT_TRUE(std::holds_alternative<RequestHead>(head));
  const RequestHead& parsed = std::get<RequestHead>(head);
  EXPECT_EQ(parsed.synapse, "PullTask");
  EXPECT_EQ(parsed.timeout, 12.0);
  EXPECT_EQ(parsed.version, 9009000);
  EXPECT_EQ(parsed.nonce, kNonce);
  EXPECT_EQ(parsed.uuid, "uuid-1");
  EXPECT_EQ(parsed.hotkey, kAlice);
  EXPECT_EQ(parsed.computed_body_hash, kEmptyBodyHash);
}

TEST(Axon, CarriesAPullToTheHandlerAndItsReplyBack) {
  Axon axon = open_axon();
  const RequestBody body = accepted_body(axon, pull_request());
  EXPECT_EQ(body.dendrite_hotkey, kAlice);
  EXPECT_EQ(body.axon_hotkey, kBob);

  PullReply sent;
  sent.task = Task{Task::Type::image, "id-1", "aGVsbG8="};
  sent.validation_threshold = 0.7;
  sent.throttle_period = 30;
  sent.cooldown_until = 1757400300;
  sent.cooldown_violations = 3;
  const auto received = parse_pull_reply(make_pull_response(body, sent));
  ASSERT_TRUE(received) << received.error().message();
  ASSERT_TRUE(received->task);
  EXPECT_EQ(received->task->type, Task::Type::image);
  EXPECT_EQ(received->task->id, "id-1");
  EXPECT_EQ(received->task->prompt, "aGVsbG8=");
  EXPECT_EQ(received->validation_threshold, 0.7);
  EXPECT_EQ(received->throttle_period, 30);
  EXPECT_EQ(received->cooldown_until, 1757400300);
  EXPECT_EQ(received->cooldown_violations, 3);

  EXPECT_FALSE(parse_pull_reply(make_pull_response(body, {}))->task);
}

TEST(Axon, CarriesASubmissionToTheHandlerAndItsReplyBack) {
  Axon axon = open_axon();
  const RequestBody body = accepted_body(axon, submit_request());
  EXPECT_EQ(body.submission.task.id, "task-7");
  EXPECT_EQ(body.submission.task.prompt, "a cup");
  EXPECT_EQ(body.submission.results, "AAAA");
  EXPECT_EQ(body.submission.submit_time, submission().submit_time);
  EXPECT_TRUE(
      *verify_result_signature(body.submission, "a cup", body.axon_hotkey, body.dendrite_hotkey));

  SubmitReply sent;
  sent.feedback = Feedback{true, 0.8, 0.9, 7, 1500.5, 10503.5};
  sent.cooldown_until = 1757400600;
  const HttpResponse response = make_submit_response(body, sent);
  const auto received = parse_submit_reply(response);
  ASSERT_TRUE(received) << received.error().message();
  ASSERT_TRUE(received->feedback);
  EXPECT_TRUE(received->feedback->validation_failed);
  EXPECT_EQ(received->feedback->task_fidelity_score, 0.8);
  EXPECT_EQ(received->feedback->average_fidelity_score, 0.9);
  EXPECT_EQ(received->feedback->generations_within_the_window, 7);
  EXPECT_EQ(received->feedback->current_duel_rating, 1500.5);
  EXPECT_EQ(received->feedback->current_miner_reward, 10503.5);
  EXPECT_EQ(received->cooldown_until, 1757400600);
  const Json echoed = Json::parse(response.body);
  EXPECT_EQ(echoed["results"], "");
  EXPECT_EQ(echoed["signature"], "");
  EXPECT_FALSE(parse_submit_reply(make_submit_response(body, {}))->feedback);
}

TEST(Axon, CarriesAVersionQuestionAndItsReply) {
  Axon axon = open_axon();
  const RequestBody body = accepted_body(axon, make_version_request(alice(), terminals()));
  const auto received = parse_version_reply(make_version_response(body, {45, "\"2.4.0\""}));
  ASSERT_TRUE(received);
  EXPECT_EQ(received->version, 45);
  EXPECT_EQ(received->validation_version, "\"2.4.0\"");
}

TEST(Axon, RepliesWithTheWholeSynapseAndItsHeaders) {
  Axon axon = open_axon();
  const RequestBody body = accepted_body(axon, pull_request());
  const HttpResponse response = make_pull_response(body, {}, std::chrono::milliseconds(250));
  const Json echoed = Json::parse(response.body);
  std::vector<std::string> keys;
  for (const auto& item : echoed.items()) {
    keys.push_back(item.key());
  }
  EXPECT_EQ(keys,
            (std::vector<std::string>{"name", "timeout", "total_size", "header_size", "dendrite",
                                      "axon", "computed_body_hash", "task", "validation_threshold",
                                      "throttle_period", "cooldown_until", "cooldown_violations"}));
  EXPECT_EQ(echoed["axon"]["status_code"], 200);
  EXPECT_EQ(echoed["axon"]["status_message"], "Success");
  EXPECT_EQ(echoed["axon"]["process_time"], 0.25);
  EXPECT_EQ(echoed["axon"]["hotkey"], kBob);
  EXPECT_EQ(echoed["dendrite"]["nonce"], kNonce);
  EXPECT_EQ(*response.headers.find("bt_header_axon_status_code"), "200");
  EXPECT_EQ(*response.headers.find("bt_header_dendrite_uuid"), "uuid-1");
  EXPECT_EQ(*response.headers.find("content-type"), "application/json");
}

TEST(Axon, AcceptsTheSmallestValidRequests) {
  Axon axon = open_axon();
  EXPECT_EQ(serve(axon, with_body(pull_request(), R"({"dendrite":{"hotkey":"me"}})")).status, 200);
  const HttpRequest small =
      with_body(submit_request(),
                R"({"dendrite":{"hotkey":"me"},"axon":{"hotkey":"v"},"task_id":"t","results":"",)"
                R"("submit_time":1757400000123456789,"signature":"s"})");
  Axon second = open_axon();
  const RequestBody body = accepted_body(second, small);
  EXPECT_EQ(Json::parse(body.json)["name"], "SubmitResults");
  EXPECT_EQ(body.submission.task.id, "t");
  EXPECT_EQ(body.submission.submit_time, kNonce);
  EXPECT_EQ(make_submit_response(body, {}).status, 200);
}

TEST(Axon, TakesTheTaskIdFromTheEchoedTaskOnlyWhenThereIsNoOther) {
  const auto effective_id = [](const char* ids) {
    Axon axon = open_axon();
    return accepted_body(
               axon, with_body(submit_request(), std::string(R"({"results":"","submit_time":1,)") +
                                                     R"("signature":"",)" + ids + "}"))
        .submission.task.id;
  };
  EXPECT_EQ(effective_id(R"("task":{"id":"a"},"task_id":"b")"), "b");
  EXPECT_EQ(effective_id(R"("task":{"id":"a"},"task_id":"")"), "a");
  EXPECT_EQ(effective_id(R"("task":{"id":"a"})"), "a");
  EXPECT_EQ(effective_id(R"("task":null)"), "");
}

TEST(Axon, Answers404ToOtherPaths) {
  for (const char* target : {"/", "/pulltask", "/PullTask/x", "/Synapse", "/PullTasks?x=1"}) {
    Axon axon = open_axon();
    HttpRequest request = pull_request();
    request.target = target;
    EXPECT_EQ(serve(axon, request).status, 404) << target;
  }
  Axon axon = open_axon();
  HttpRequest request = pull_request();
  request.target = "/Nothing";
  EXPECT_EQ(serve(axon, request).message,
            "Synapse name 'Nothing' not found. Available synapses ['PullTask', 'SubmitResults', "
            "'GetVersion']");
  request.target = "/\xff";
  EXPECT_EQ(serve(axon, request).status, 404);
  request.target = "/PullTask?any=query";
  EXPECT_EQ(serve(axon, request).status, 200);
}

TEST(Axon, Answers405ToOtherMethods) {
  for (const char* method : {"PUT", "DELETE", "PATCH", "post"}) {
    Axon axon = open_axon();
    HttpRequest request = pull_request();
    request.method = method;
    EXPECT_EQ(serve(axon, request).status, 405) << method;
  }
  Axon axon = open_axon();
  HttpRequest request = pull_request();
  request.method = "GET";
  EXPECT_EQ(serve(axon, request).status, 200);
}

TEST(Axon, Answers500ToHeadersThatDoNotParse) {
  const std::pair<const char*, std::optional<std::string>> cases[] = {
      {"timeout", "soon"},
      {"timeout", "nan"},
      {"bt_header_dendrite_version", "9.9.0"},
      {"bt_header_dendrite_nonce", "now"},
      {"bt_header_dendrite_nonce", ""},
      {"bt_header_dendrite_port", "x"},
      {"bt_header_axon_port", "1.5"},
      {"header_size", "large"},
      {"total_size", "0x10"},
      {"bt_header_axon_process_time", "quick"},
      {"bt_header_input_obj_results", std::nullopt},
      {"bt_header_input_obj_submit_time", std::nullopt},
      {"bt_header_input_obj_signature", std::nullopt},
      {"bt_header_input_obj_results", "not base64"},
      {"bt_header_input_obj_results", "e30="},      // {}
      {"bt_header_input_obj_submit_time", "IiI="},  // ""
      {"bt_header_input_obj_signature", "e"},
  };
  for (const auto& [name, value] : cases) {
    Axon axon = open_axon();
    const Outcome outcome = serve(axon, with_header(submit_request(), name, value));
    EXPECT_EQ(outcome.status, 500) << name << ": " << value.value_or("(none)");
    EXPECT_TRUE(outcome.message.starts_with("Internal Server Error #")) << outcome.message;
    EXPECT_EQ(outcome.message.size(), std::string_view("Internal Server Error #").size() + 36);
  }
}

TEST(Axon, NeedsNoHeaderThatTheSdkCanDoWithout) {
  for (const char* name :
       {"name", "bt_header_axon_ip", "bt_header_axon_port", "bt_header_axon_hotkey",
        "bt_header_dendrite_ip", "header_size", "total_size", "Content-Type"}) {
    Axon axon = open_axon();
    EXPECT_EQ(serve(axon, with_header(submit_request(), name, std::nullopt)).status, 200) << name;
  }
}

TEST(Axon, Answers403WithTheBlacklistsReason) {
  Axon axon = closed_axon();
  const Outcome outcome = serve(axon, pull_request());
  EXPECT_EQ(outcome.status, 403);
  EXPECT_EQ(outcome.message,
            std::string("Forbidden. Key is blacklisted: Unrecognized hotkey ") + kAlice + ".");
}

TEST(Axon, Answers401ToWhatDoesNotVerify) {
  const std::string other_signature = *make_pull_request(alice(), terminals(kNonce + 1))
                                           .headers.find("bt_header_dendrite_signature");
  const struct {
    const char* header;
    std::optional<std::string> value;
    const char* message;
  } cases[] = {
      {"bt_header_dendrite_hotkey", std::nullopt, "ss58 address"},
      {"bt_header_dendrite_hotkey", "5abc", "ss58 address"},
      {"bt_header_dendrite_hotkey", kBob, "Signature mismatch with "},
      {"bt_header_dendrite_nonce", std::nullopt, "Missing Nonce"},
      {"bt_header_dendrite_nonce", std::to_string(kNonce + 1), "Signature mismatch with "},
      {"bt_header_dendrite_uuid", "uuid-2", "Signature mismatch with "},
      {"bt_header_dendrite_uuid", std::nullopt, "Signature mismatch with "},
      {"computed_body_hash", std::nullopt, "Signature mismatch with "},
      {"bt_header_dendrite_signature", other_signature, "Signature mismatch with "},
      {"bt_header_dendrite_signature", "0x1234", "Signature: 64 bytes"},
      {"bt_header_dendrite_signature", "signed", "Signature: 64 bytes"},
  };
  for (const auto& [header, value, message] : cases) {
    Axon axon = open_axon();
    const Outcome outcome = serve(axon, with_header(pull_request(), header, value));
    EXPECT_EQ(outcome.status, 401) << header;
    EXPECT_TRUE(outcome.message.starts_with(std::string("Not Verified with error: ") + message))
        << outcome.message;
  }
}

TEST(Axon, VerifiesAgainstItsOwnHotkey) {
  Axon carol("5DfhGyQdFobKM8NsWvEeAKk5EQQgYe9AydgJ7rMB6E1EqRzV",
             [](const RequestHead&) { return std::nullopt; });
  EXPECT_EQ(serve(carol, pull_request()).status, 401);
}

TEST(Axon, LetsUnsignedRequestsPassAsTheSdkDoes) {
  Axon axon = open_axon();
  EXPECT_EQ(
      serve(axon, with_header(pull_request(), "bt_header_dendrite_signature", std::nullopt)).status,
      200);
}

TEST(Axon, AcceptsSignaturesOverWrappedText) {
  const HttpRequest request = pull_request();
  const std::string text = "<Bytes>" + std::to_string(kNonce) + "." + kAlice + "." + kBob +
                           ".uuid-1." + std::string(kEmptyBodyHash) + "</Bytes>";
  Axon axon = open_axon();
  EXPECT_EQ(serve(axon, with_header(request, "bt_header_dendrite_signature",
                                    "0x" + hex_encode(alice().sign(as_bytes(text)))))
                .status,
            200);
}

TEST(Axon, BoundsTheAgeOfAFirstNonceByFourSecondsAndTheTimeout) {
  const auto status_at_age = [](const HttpRequest& request, Duration age) {
    Axon axon = open_axon();
    return serve(axon, request, kNow + age).status;
  };
  EXPECT_EQ(status_at_age(pull_request(), seconds(16) - std::chrono::microseconds(1)), 200);
  EXPECT_EQ(status_at_age(pull_request(), seconds(16)), 401);
  EXPECT_EQ(status_at_age(submit_request(), seconds(304) - std::chrono::microseconds(1)), 200);
  EXPECT_EQ(status_at_age(submit_request(), seconds(304)), 401);
  // No timeout header counts as 0 s; a nonce of the future is never too old.
  const HttpRequest bare = with_header(pull_request(), "timeout", std::nullopt);
  EXPECT_EQ(status_at_age(bare, seconds(3)), 200);
  EXPECT_EQ(status_at_age(bare, seconds(4)), 401);
  EXPECT_EQ(status_at_age(pull_request(), -seconds(86'400)), 200);

  Axon axon = open_axon();
  EXPECT_EQ(serve(axon, pull_request(), kNow + seconds(20)).message,
            "Not Verified with error: Nonce is too old: acceptable delta is 16.00 seconds but "
            "request was 20.00 seconds old");
}

TEST(Axon, SparesVersionsBeforeTheWindowRule) {
  for (const std::optional<std::string>& version :
       {std::optional<std::string>("7001999"), std::optional<std::string>()}) {
    Axon axon = open_axon();
    const HttpRequest request = with_header(pull_request(), "bt_header_dendrite_version", version);
    EXPECT_EQ(serve(axon, request, kNow + seconds(1000)).status, 200);
    EXPECT_EQ(serve(axon, request, kNow + seconds(1000)).status, 401);  // replayed
  }
  Axon axon = open_axon();
  EXPECT_EQ(serve(axon, with_header(pull_request(), "bt_header_dendrite_version", "7002000"),
                  kNow + seconds(1000))
                .status,
            401);
}

TEST(Axon, DemandsRisingNoncesOfEachEndpoint) {
  Axon axon = open_axon();
  EXPECT_EQ(serve(axon, pull_request(kNonce)).status, 200);
  const Outcome replay = serve(axon, pull_request(kNonce));
  EXPECT_EQ(replay.status, 401);
  EXPECT_EQ(replay.message,
            "Not Verified with error: Nonce is too old, a newer one was last processed");
  EXPECT_EQ(serve(axon, pull_request(kNonce - 1)).status, 401);
  EXPECT_EQ(serve(axon, pull_request(kNonce + 1)).status, 200);
  // A known endpoint is not judged by the window any more, and another one not by this nonce.
  EXPECT_EQ(serve(axon, pull_request(kNonce + 2), kNow + seconds(1000)).status, 200);
  EXPECT_EQ(serve(axon, pull_request(kNonce, "uuid-2")).status, 200);
}

TEST(Axon, DoesNotRememberANonceThatFailedToVerify) {
  Axon axon = open_axon();
  const HttpRequest later = pull_request(kNonce + 100);
  EXPECT_EQ(serve(axon, with_header(later, "bt_header_dendrite_signature", "0x12")).status, 401);
  EXPECT_EQ(serve(axon, pull_request(kNonce)).status, 200);
}

TEST(Axon, ForgetsTheOldestEndpointsAboveTheLimit) {
  // Unsigned requests, since only their number matters here.
  const HttpRequest unsigned_request =
      with_header(pull_request(), "bt_header_dendrite_signature", std::nullopt);
  const auto request_of = [&](std::size_t i) {
    return with_header(
        with_header(unsigned_request, "bt_header_dendrite_uuid", "uuid-" + std::to_string(i)),
        "bt_header_dendrite_nonce", std::to_string(kNonce + static_cast<std::int64_t>(i)));
  };
  Axon axon = open_axon();
  for (std::size_t i = 0; i <= Axon::kMaxEndpoints; ++i) {
    ASSERT_TRUE(std::holds_alternative<RequestHead>(axon.accept_head(request_of(i), kNow)));
  }
  // The newest is still known and refused as a replay; the oldest passes by its window again.
  EXPECT_EQ(serve(axon, request_of(Axon::kMaxEndpoints)).status, 401);
  EXPECT_EQ(serve(axon, request_of(0)).status, 200);
  EXPECT_EQ(serve(axon, request_of(1), kNow + seconds(60)).status, 401);
}

TEST(Axon, Answers422ToABodyThatIsNoJson) {
  const std::string whole = pull_request().body;
  for (const std::string& body : {std::string("{"), std::string("PullTask"), whole + "}",
                                  whole.substr(0, whole.size() / 2)}) {
    Axon axon = open_axon();
    EXPECT_EQ(serve(axon, with_body(pull_request(), body)).status, 422) << body;
  }
}

TEST(Axon, Answers500ToABodyThatBreaksTheSchema) {
  for (const char* body :
       {"", "[]", "5", "null", R"({"results":"","submit_time":1})",
        R"({"results":null,"submit_time":1,"signature":""})",
        R"({"results":"","submit_time":1.5,"signature":""})",
        R"({"results":"","submit_time":1,"signature":"","task":{"type":"video"}})",
        R"({"results":"","submit_time":1,"signature":"","dendrite":"x"})",
        R"({"results":"","submit_time":1,"signature":"","dendrite":{"hotkey":7}})"}) {
    Axon axon = open_axon();
    const Outcome outcome = serve(axon, with_body(submit_request(), body));
    EXPECT_EQ(outcome.status, 500) << body;
    EXPECT_TRUE(outcome.message.starts_with("Internal Server Error #"));
  }
}

TEST(Axon, Answers500ToAForeignContentType) {
  Axon axon = open_axon();
  EXPECT_EQ(serve(axon, with_header(pull_request(), "Content-Type", "text/plain")).status, 500);
  EXPECT_EQ(serve(axon, with_header(pull_request(kNonce + 1), "Content-Type",
                                    "application/json; charset=utf-8"))
                .status,
            200);
}

TEST(Axon, Answers500ToAWrongBodyHashEvenWhenItIsSigned) {
  const std::string hash(64, '0');
  const std::string text = std::to_string(kNonce) + "." + kAlice + "." + kBob + ".uuid-1." + hash;
  const HttpRequest request =
      with_header(with_header(pull_request(), "computed_body_hash", hash),
                  "bt_header_dendrite_signature", "0x" + hex_encode(alice().sign(as_bytes(text))));
  Axon axon = open_axon();
  EXPECT_EQ(serve(axon, request).status, 500);
}

TEST(Axon, ChecksInTheOrderOfTheSdk) {
  // Each request breaks a rule and all later ones; the first rule decides.
  HttpRequest request = with_body(submit_request(), "no json");
  EXPECT_EQ(
      [&] {
        Axon axon = open_axon();
        return serve(axon, request).status;
      }(),
      422);
  request.method = "PUT";
  EXPECT_EQ(
      [&] {
        Axon axon = open_axon();
        return serve(axon, request).status;
      }(),
      405);
  request = with_header(request, "bt_header_dendrite_signature", "0x12");
  EXPECT_EQ(
      [&] {
        Axon axon = open_axon();
        return serve(axon, request).status;
      }(),
      401);
  EXPECT_EQ(
      [&] {
        Axon axon = closed_axon();
        return serve(axon, request).status;
      }(),
      403);
  request = with_header(request, "bt_header_input_obj_results", std::nullopt);
  EXPECT_EQ(
      [&] {
        Axon axon = closed_axon();
        return serve(axon, request).status;
      }(),
      500);
  request.target = "/Elsewhere";
  EXPECT_EQ(
      [&] {
        Axon axon = closed_axon();
        return serve(axon, request).status;
      }(),
      404);
}

TEST(Axon, SurvivesFlippedBytesInTheBody) {
  Rng rng(11);
  const HttpRequest request = submit_request();
  for (std::size_t at = 0; at < request.body.size(); ++at) {
    HttpRequest broken = request;
    broken.body[at] = static_cast<char>(rng.next());
    Axon axon = open_axon();
    const int status = serve(axon, broken).status;
    EXPECT_TRUE(status == 200 || status == 422 || status == 500) << at << ": " << status;
  }
}

TEST(ResultSignature, CoversTimePromptAndBothHotkeys) {
  const Submission good = submission();
  EXPECT_TRUE(*verify_result_signature(good, "a cup", kBob, kAlice));
  EXPECT_FALSE(*verify_result_signature(good, "a cap", kBob, kAlice));
  EXPECT_FALSE(*verify_result_signature(good, "a cup", kAlice, kAlice));
  EXPECT_FALSE(*verify_result_signature(good, "a cup", kBob, kBob));
  Submission later = good;
  later.submit_time += 1;
  EXPECT_FALSE(*verify_result_signature(later, "a cup", kBob, kAlice));
}

TEST(ResultSignature, MalformedOnesAreErrors) {
  const std::string whole = submission().signature;
  for (const std::string& text :
       {std::string(), std::string("%%%"), whole.substr(4), whole + "AAAA", " " + whole}) {
    Submission broken = submission();
    broken.signature = text;
    const auto verdict = verify_result_signature(broken, "a cup", kBob, kAlice);
    ASSERT_FALSE(verdict) << text;
    EXPECT_EQ(verdict.error().code, Errc::invalid_input);
  }
  EXPECT_FALSE(verify_result_signature(submission(), "a cup", kBob, "nobody"));
}

}  // namespace
}  // namespace lode::subnet
