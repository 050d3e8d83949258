#include "service/generation_service.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "image/codec.h"
#include "pipeline/prepare.h"
#include "splat/ply.h"

namespace lode::service {
namespace {

using Json = nlohmann::json;

class GenerationServiceTest : public testing::Test {
 protected:
  HttpResponse generate(const FormFields& fields) {
    return service_.run_job({"POST",
                             "/generate/",
                             {{"content-type", "application/x-www-form-urlencoded"}},
                             form_encode(fields),
                             "",
                             0},
                            {});
  }
  HttpResponse validate(const Json& body, const char* path = "/validate_txt_to_3d_ply/") {
    return service_.run_job({"POST", path, {{"content-type", "application/json"}}, body.dump()},
                            {});
  }
  std::string mug_spz() {
    const auto response = generate({{"prompt", "a red mug"}, {"seed", "3"}});
    const auto cloud = splat::decode_ply(as_bytes(response.body));
    return base64_encode(pipeline::prepare(*cloud, 3)->spz);
  }

  GenerationService service_{*pipeline::make_backend("sketch")};
};

TEST_F(GenerationServiceTest, AnswersAPromptWithAPlyAndItsStageTimes) {
  const auto response = generate({{"prompt", "a red mug"}});
  ASSERT_EQ(response.status, 200) << response.body;
  EXPECT_EQ(*response.headers.find("content-type"), "application/octet-stream");
  const auto cloud = splat::decode_ply(as_bytes(response.body));
  ASSERT_TRUE(cloud);
  EXPECT_GE(cloud->size(), 7000U);
  EXPECT_TRUE(Json::parse(*response.headers.find("x-lode-stages")).contains("build"));
}

TEST_F(GenerationServiceTest, GivesTheSameBytesForTheSameSeed) {
  const FormFields fields{{"prompt", "a chair"}, {"seed", "11"}};
  EXPECT_EQ(generate(fields).body, generate(fields).body);
}

TEST_F(GenerationServiceTest, ScoresTheRightObjectAboveTheThresholdAndAWrongOneBelow) {
  const std::string spz = mug_spz();
  const auto right =
      Json::parse(validate({{"prompt", "a red mug"}, {"data", spz}, {"compression", 2}}).body);
  const auto wrong =
      Json::parse(validate({{"prompt", "a green tree"}, {"data", spz}, {"compression", 2}}).body);
  const auto unknown = Json::parse(
      validate({{"prompt", "a brass astrolabe"}, {"data", spz}, {"compression", 2}}).body);
  EXPECT_GE(right["score"].get<double>(), 0.6) << right.dump();
  EXPECT_LT(wrong["score"].get<double>(), 0.6) << wrong.dump();
  EXPECT_LT(unknown["score"].get<double>(), 0.6) << unknown.dump();
}

TEST_F(GenerationServiceTest, ScoresABrokenSplatZeroAndSaysWhy) {
  const auto response = validate({{"prompt", "a red mug"}, {"data", "AAAA"}, {"compression", 2}});
  EXPECT_EQ(response.status, 200);
  const auto verdict = Json::parse(response.body);
  EXPECT_EQ(verdict["score"].get<double>(), 0);
  EXPECT_FALSE(verdict["reason"].get<std::string>().empty());
}

TEST_F(GenerationServiceTest, DrawsADuelView) {
  const Json body{{"data", mug_spz()}, {"compression", 2}};
  const auto response = validate(body, "/render_duel_view/");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(*response.headers.find("content-type"), "image/png");
}

TEST_F(GenerationServiceTest, RefusesBadRequestsNamingTheField) {
  EXPECT_EQ(generate({{"text", "a mug"}}).status, 422);
  EXPECT_EQ(generate({{"prompt", "a mug"}, {"seed", "x"}}).status, 422);
  EXPECT_EQ(generate({{"prompt", std::string(1 << 20, 'a')}}).status, 413);
  EXPECT_EQ(service_.run_job({"GET", "/generate/"}, {}).status, 405);
  EXPECT_EQ(service_.run_job({"POST", "/validate_txt_to_3d_ply/", {}, "no json"}, {}).status, 422);
  EXPECT_EQ(validate({{"prompt", "a mug"}}).status, 422);
  EXPECT_EQ(validate({{"prompt", std::string(1025, 'a')}, {"data", "AAAA"}}).status, 422);
}

TEST_F(GenerationServiceTest, AnswersUnavailableToEveryJobThatIsNoLongerWanted) {
  std::stop_source source;
  source.request_stop();
  const std::string spz = mug_spz();
  const std::string picture = base64_encode(*image::encode_png(image::Image(64, 64, 3, 200)));
  const auto status = [&](const char* path, const std::string& body, const char* type) {
    return service_.run_job({"POST", path, {{"content-type", type}}, body}, source.get_token())
        .status;
  };
  constexpr const char* kForm = "application/x-www-form-urlencoded";
  constexpr const char* kJson = "application/json";
  EXPECT_EQ(status("/generate/", form_encode({{"prompt", "a mug"}}), kForm), 503);
  EXPECT_EQ(status("/generate/", form_encode({{"prompt", picture}}), kForm), 503)
      << "not 422, for a picture without a subject";
  const Json text{{"prompt", "a red mug"}, {"data", spz}, {"compression", 2}};
  EXPECT_EQ(status("/validate_txt_to_3d_ply/", text.dump(), kJson), 503);
  const Json image{{"prompt_image", picture}, {"data", spz}, {"compression", 2}};
  EXPECT_EQ(status("/validate_img_to_3d_ply/", image.dump(), kJson), 503);
}

TEST_F(GenerationServiceTest, AnswersHealthAndVersionAtOnce) {
  EXPECT_EQ(GenerationService::route_kind({"GET", "/health"}), RouteKind::quick);
  EXPECT_EQ(GenerationService::route_kind({"POST", "/generate/"}), RouteKind::job);
  EXPECT_EQ(GenerationService::route_kind({"GET", "/etc/passwd"}), RouteKind::unknown);
  const auto health = Json::parse(service_.answer_quick({"GET", "/health"}, 2, 1).body);
  EXPECT_EQ(health["backend"], "sketch");
  EXPECT_EQ(health["queued"], 2);
  EXPECT_EQ(health["judge"], "likeness");
  EXPECT_EQ(GenerationService::route_kind({"POST", "/render_duel_view/"}), RouteKind::job);
  EXPECT_EQ(service_.answer_quick({"GET", "/version/"}, 0, 0).body, "\"2.4.0\"");
}

}  // namespace
}  // namespace lode::service
