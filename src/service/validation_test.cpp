#include "service/validation.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "image/codec.h"
#include "pipeline/backend.h"
#include "pipeline/prepare.h"
#include "render/render.h"
#include "splat/ply.h"
#include "splat/spz.h"

namespace lode::service {
namespace {

using Json = nlohmann::json;

/// Says what it is told to and remembers what it was asked.
class FakeJudge final : public pipeline::Critic {
 public:
  pipeline::Judgement answer;
  std::string prompt;
  std::optional<double> floor;
  int pictures = 0;
  std::size_t gaussians = 0;

  std::string_view name() const override { return "fake"; }
  Result<pipeline::Judgement> judge_text(const splat::Scene& scene, std::string_view text,
                                         const pipeline::JudgeOptions& options) override {
    floor = options.floor;
    prompt = text;
    gaussians = scene.size();
    return answer;
  }
  Result<pipeline::Judgement> judge_image(const splat::Scene& scene, const image::Image&,
                                          const pipeline::JudgeOptions& options) override {
    floor = options.floor;
    ++pictures;
    gaussians = scene.size();
    return answer;
  }
};

const splat::GaussianCloud& mug() {
  static const splat::GaussianCloud kCloud = [] {
    const auto backend = *pipeline::make_backend("sketch");
    return backend->generate(pipeline::request_from_prompt("a red mug", 3), {})->cloud;
  }();
  return kCloud;
}

const std::string& mug_spz() {
  static const std::string kSpz = base64_encode(pipeline::prepare(mug(), 3)->spz);
  return kSpz;
}

class ValidationTest : public testing::Test {
 protected:
  ValidationTest() { judge_.answer = {0.7, 0.65, 0.9, 0.8, 0.75, {"quality"}, {0.1}, "fine"}; }

  HttpResponse post(const Json& body, PromptKind kind = PromptKind::text) {
    return validate({"POST", "/", {}, body.dump()}, kind, judge_, {});
  }
  Json ask(const Json& body, PromptKind kind = PromptKind::text) {
    const HttpResponse response = post(body, kind);
    EXPECT_EQ(response.status, 200) << response.body;
    return Json::parse(response.body);
  }
  static Json request() {
    return {{"prompt", "a red mug"}, {"data", mug_spz()}, {"compression", 2}};
  }
  static HttpResponse duel(const Json& body) {
    return render_duel_view({"POST", "/render_duel_view/", {}, body.dump()}, {});
  }
  static image::Image picture_of(const Json& base64) {
    return *image::decode(*base64_decode(base64.get<std::string>()));
  }

  FakeJudge judge_;
};

TEST_F(ValidationTest, AnswersTheEnginesFields) {
  const Json answer = ask(request());
  EXPECT_EQ(answer["score"], 0.7);
  EXPECT_EQ(answer["iqa"], 0.65);
  EXPECT_EQ(answer["alignment_score"], 0.9);
  EXPECT_EQ(answer["ssim"], 0.8);
  EXPECT_EQ(answer["lpips"], 0.75);
  EXPECT_TRUE(answer["preview"].is_null());
  EXPECT_TRUE(answer["grid_preview"].is_null());
  EXPECT_EQ(judge_.prompt, "a red mug");
}

TEST_F(ValidationTest, TakesPlyByDefaultAndPicturesAsPrompts) {
  const Bytes ply = splat::encode_ply(mug(), {.normals = true});
  EXPECT_EQ(ask({{"prompt", "x"}, {"data", base64_encode(ply)}})["score"], 0.7);
  EXPECT_EQ(judge_.gaussians, mug().size());
  Json body = request();
  body["prompt_image"] = base64_encode(*image::encode_png(image::Image(8, 8, 3, 9)));
  EXPECT_EQ(ask(body, PromptKind::picture)["score"], 0.7);
  EXPECT_EQ(judge_.pictures, 1);
}

TEST_F(ValidationTest, DrawsPreviewsOnlyAboveTheirThreshold) {
  Json body = request();
  body["generate_single_preview"] = true;
  body["generate_grid_preview"] = true;
  body["preview_score_threshold"] = 0.7;
  EXPECT_TRUE(ask(body)["preview"].is_null()) << "0.7 is not above 0.7";
  body["preview_score_threshold"] = 0.69;
  const Json answer = ask(body);
  const image::Image single = picture_of(answer["preview"]);
  const image::Image grid = picture_of(answer["grid_preview"]);
  EXPECT_EQ(single.width, 518);
  EXPECT_EQ(single.height, 518);
  EXPECT_EQ(grid.width, 1041);
  EXPECT_EQ(grid.height, 1041);
  for (int x = 0; x < 518; ++x) {
    ASSERT_EQ(*single.at(x, 259), *grid.at(x, 259)) << "the grid begins with the single view";
  }
  EXPECT_EQ(*grid.at(520, 100), 0) << "the gap is black";
}

TEST_F(ValidationTest, TakesTheAliasOfTheSinglePreview) {
  Json body = request();
  body["generate_preview"] = true;
  const Json answer = ask(body);
  EXPECT_TRUE(answer["preview"].is_string());
  EXPECT_TRUE(answer["grid_preview"].is_null());
}

TEST_F(ValidationTest, ScoresNothingForWhatCannotBeRead) {
  const auto reason = [&](const char* field, const Json& value, PromptKind kind) {
    Json body = request();
    body[field] = value;
    const Json answer = ask(body, kind);
    EXPECT_EQ(answer["score"], 0) << field;
    return answer["reason"].get<std::string>();
  };
  EXPECT_NE(reason("data", "AAAA", PromptKind::text), "");
  EXPECT_NE(reason("data", "no base64!", PromptKind::text), "");
  EXPECT_NE(reason("compression", 1, PromptKind::text), "");
  EXPECT_NE(reason("compression", 0, PromptKind::text), "");
  EXPECT_EQ(reason("prompt", nullptr, PromptKind::text), "prompt: missing");
  EXPECT_EQ(reason("prompt", "x", PromptKind::picture), "prompt_image: missing");
  EXPECT_NE(reason("prompt_image", "AAAA", PromptKind::picture), "");
  const splat::GaussianCloud empty;
  EXPECT_NE(reason("data", base64_encode(splat::encode_ply(empty, {})), PromptKind::text), "");
}

TEST_F(ValidationTest, TellsTheJudgeTheFloorAndTheClientThatItStopped) {
  EXPECT_EQ(ask(request())["discarded"], false);
  EXPECT_FALSE(judge_.floor);
  Json body = request();
  body["score_floor"] = nullptr;
  ask(body);
  EXPECT_FALSE(judge_.floor);
  body["score_floor"] = 0.83;
  body["generate_single_preview"] = true;
  judge_.answer.is_discarded = true;
  const Json answer = ask(body);
  EXPECT_EQ(judge_.floor, 0.83);
  EXPECT_EQ(answer["discarded"], true);
  EXPECT_TRUE(answer["preview"].is_null()) << "nobody wants to see what is thrown away";
  body["prompt_image"] = base64_encode(*image::encode_png(image::Image(8, 8, 3)));
  ask(body, PromptKind::picture);
  EXPECT_EQ(judge_.pictures, 1);
  EXPECT_EQ(judge_.floor, 0.83);
}

TEST_F(ValidationTest, RefusesFieldsOfAWrongTypeNamingThem) {
  const auto refusal = [&](const char* field, const Json& value) {
    Json body = request();
    body[field] = value;
    const HttpResponse response = post(body);
    EXPECT_EQ(response.status, 422) << field;
    return response.body;
  };
  for (const char* field : {"data", "prompt", "prompt_image", "compression", "generate_preview",
                            "generate_single_preview", "generate_grid_preview",
                            "preview_score_threshold", "score_floor"}) {
    EXPECT_NE(refusal(field, Json::array()).find(field), std::string::npos);
  }
  EXPECT_NE(refusal("data", nullptr).find("data"), std::string::npos);
}

TEST_F(ValidationTest, CountsAPromptsCharactersNotItsBytes) {
  Json body = request();
  std::string prompt;
  for (int i = 0; i < 1024; ++i) {
    prompt += "\xC3\xA9";
  }
  body["prompt"] = prompt;
  EXPECT_EQ(post(body).status, 200);
  body["prompt"] = prompt + "x";
  EXPECT_EQ(post(body).status, 422);
}

TEST_F(ValidationTest, DuelViewIsThePictureOfFourViews) {
  const HttpResponse response = duel(request());
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(*response.headers.find("content-type"), "image/png");
  const auto picture = image::decode(as_bytes(response.body));
  ASSERT_TRUE(picture);
  const auto spz = *base64_decode(mug_spz());
  splat::Scene scene = splat::activate(*splat::decode_spz(spz));
  splat::frame(scene);
  EXPECT_EQ(image::compare(*picture, render::duel_grid(scene))->max_abs, 0);
}

TEST_F(ValidationTest, DuelViewFailsAsTheValidatorsDoes) {
  Json body = request();
  body["compression"] = 1;
  EXPECT_EQ(duel(body).status, 400);
  body["compression"] = 2;
  body["data"] = "AAAA";
  EXPECT_EQ(duel(body).status, 500);
  body.erase("data");
  EXPECT_EQ(duel(body).status, 422);
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(render_duel_view({"POST", "/", {}, request().dump()}, source.get_token()).status, 503);
}

}  // namespace
}  // namespace lode::service
