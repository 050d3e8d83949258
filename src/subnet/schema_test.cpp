#include "subnet/schema_internal.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lode::subnet {
namespace {

/// The conforming form of a JSON text, or the error's context.
std::string conformed(const Model& model, std::string_view text) {
  Json value = Json::parse(text);
  const auto result = conform(model, value);
  return result ? value.dump() : result.error().context;
}

TEST(Schema, FillsDefaultsInTheModelsOrder) {
  EXPECT_EQ(conformed(kPullReplyModel, "{}"),
            R"({"task":null,"validation_threshold":0.6,"throttle_period":0,"cooldown_until":0,)"
            R"("cooldown_violations":0})");
  EXPECT_EQ(
      conformed(kGetVersionModel, R"({"version": 45, "timeout": null, "axon": null})"),
      R"({"name":null,"timeout":null,"total_size":0,"header_size":0,"dendrite":{"status_code":null,)"
      R"("status_message":null,"process_time":null,"ip":null,"port":null,"version":null,)"
      R"("nonce":null,"uuid":null,"hotkey":null,"signature":null},"axon":null,)"
      R"("computed_body_hash":"","version":45,"validation_version":""})");
}

TEST(Schema, DropsUnknownKeys) {
  EXPECT_EQ(conformed(kVersionReplyModel, R"({"version": 1, "other": {"a": [1]}})"),
            R"({"version":1,"validation_version":""})");
}

TEST(Schema, ReadsATaskWithoutTypeAsText) {
  EXPECT_NE(conformed(kPullReplyModel, R"({"task": {"id": "a", "prompt": "b", "more": 1}})")
                .find(R"("task":{"type":"text","id":"a","prompt":"b"})"),
            std::string::npos);
}

TEST(Schema, ReadsIntegersAsPydanticDoes) {
  const std::pair<const char*, const char*> cases[] = {
      {"12", "12"},
      {"12.0", "12"},
      {"\"12\"", "12"},
      {"\" +12 \"", "12"},
      {"\"-12.00\"", "-12"},
      {"true", "1"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"1757400000123456789", "1757400000123456789"},
  };
  for (const auto& [text, value] : cases) {
    EXPECT_EQ(conformed(kVersionReplyModel, std::string("{\"version\":") + text + "}"),
              std::string("{\"version\":") + value + ",\"validation_version\":\"\"}")
        << text;
  }
  for (const char* bad :
       {"1.5", "\"1.5\"", "\"\"", "\"x\"", "\"1e3\"", "\"+-1\"", "\".0\"", "\"12.\"", "null", "[]",
        "{}", "9223372036854775808", "1e30", "\"9223372036854775808\"", "-9223372036854777856.0"}) {
    EXPECT_TRUE(conformed(kVersionReplyModel, std::string("{\"version\":") + bad + "}")
                    .starts_with("version: an integer"))
        << bad;
  }
}

TEST(Schema, ReadsTheSdksOwnIntegersAsPythonDoes) {
  const auto port = [](const std::string& text) {
    const std::string all = conformed(kPullTaskModel, R"({"axon":{"port":)" + text + "}}");
    const std::size_t at = all.rfind("\"port\":");
    return at == all.npos ? all : all.substr(at + 7, all.find(',', at) - at - 7);
  };
  EXPECT_EQ(port("12"), "12");
  EXPECT_EQ(port("12.9"), "12");
  EXPECT_EQ(port("-12.9"), "-12");
  EXPECT_EQ(port("\" 12 \""), "12");
  EXPECT_EQ(port("null"), "null");
  for (const char* bad : {"\"12.0\"", "\"x\"", "[]", "1e300"}) {
    EXPECT_EQ(port(bad), "axon.port: an integer of 64 bits was expected") << bad;
  }
}

TEST(Schema, ReadsRealsAsPydanticDoes) {
  const auto threshold = [](const std::string& text) {
    return conformed(kPullReplyModel, "{\"validation_threshold\":" + text + "}");
  };
  for (const char* good : {"0.5", "\"0.5\"", "\" 5e-1 \""}) {
    EXPECT_NE(threshold(good).find("\"validation_threshold\":0.5"), std::string::npos) << good;
  }
  EXPECT_NE(threshold("1").find("\"validation_threshold\":1.0"), std::string::npos);
  for (const char* bad : {"\"nan\"", "\"inf\"", "\"0.5x\"", "null", "[0.5]", "\"1e999\""}) {
    EXPECT_TRUE(threshold(bad).starts_with("validation_threshold: a finite number")) << bad;
  }
}

TEST(Schema, ReadsBooleansAsPydanticDoes) {
  const auto failed = [](const std::string& text) {
    return conformed(kSubmitReplyModel, R"({"feedback":{"validation_failed":)" + text + "}}");
  };
  for (const char* word : {"true", "1", "1.0", "\"True\"", "\"on\"", "\"Y\""}) {
    EXPECT_NE(failed(word).find("\"validation_failed\":true"), std::string::npos) << word;
  }
  for (const char* word : {"false", "0", "\"FALSE\"", "\"no\"", "\"0\""}) {
    EXPECT_NE(failed(word).find("\"validation_failed\":false"), std::string::npos) << word;
  }
  for (const char* word : {"2", "\"maybe\"", "null", "[]"}) {
    EXPECT_EQ(failed(word), "feedback.validation_failed: true or false was expected") << word;
  }
}

TEST(Schema, NamesBrokenFieldsByTheirPath) {
  const std::tuple<const Model*, const char*, const char*> cases[] = {
      {&kPullReplyModel, R"({"task": {"type": "video"}})", "task.type: "},
      {&kPullReplyModel, R"({"task": {"type": null}})", "task.type: "},
      {&kPullReplyModel, R"({"task": {"id": 5}})", "task.id: "},
      {&kPullReplyModel, R"({"task": {"prompt": null}})", "task.prompt: "},
      {&kPullReplyModel, R"({"task": "x"})", "task: "},
      {&kPullReplyModel, R"([])", "an object"},
      {&kSubmitReplyModel, R"({"feedback": {"current_duel_rating": "x"}})",
       "feedback.current_duel_rating: "},
      {&kPullTaskModel, R"({"dendrite": {"hotkey": 5}})", "dendrite.hotkey: "},
      {&kPullTaskModel, R"({"axon": {"port": "many"}})", "axon.port: "},
      {&kSubmitResultsModel, R"({"submit_time": 1, "signature": ""})", "results: missing"},
      {&kSubmitResultsModel, R"({"results": "", "signature": ""})", "submit_time: missing"},
      {&kSubmitResultsModel, R"({"results": "", "submit_time": 1})", "signature: missing"},
      {&kSubmitResultsModel, R"({"results": null, "submit_time": 1, "signature": ""})",
       "results: "},
  };
  for (const auto& [model, text, start] : cases) {
    EXPECT_TRUE(conformed(*model, text).starts_with(start)) << conformed(*model, text);
  }
}

TEST(Schema, ReadsNumbersInHeadersAsPythonDoes) {
  EXPECT_EQ(*parse_python_int(" +42 "), 42);
  EXPECT_EQ(*parse_python_float("12"), 12.0);
  EXPECT_EQ(*parse_python_float("1e3"), 1000.0);
  for (const char* bad : {"", " ", "1.0", "0x10", "1 2", "9223372036854775808"}) {
    EXPECT_FALSE(parse_python_int(bad)) << bad;
  }
  for (const char* bad : {"", "nan", "inf", "-inf", "1,5"}) {
    EXPECT_FALSE(parse_python_float(bad)) << bad;
  }
}

}  // namespace
}  // namespace lode::subnet
