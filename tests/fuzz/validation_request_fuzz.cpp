// Any bytes as the body of the validation routes: answered with JSON, whatever they are.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/assert.h"
#include "service/validation.h"

namespace {

using namespace lode;

/// Likes everything, and looks at it.
class Pleased final : public pipeline::Critic {
 public:
  std::string_view name() const override { return "pleased"; }
  Result<pipeline::Judgement> judge_text(const splat::Scene& scene, std::string_view,
                                         const pipeline::JudgeOptions& options) override {
    return judged(scene, options);
  }
  Result<pipeline::Judgement> judge_image(const splat::Scene& scene, const image::Image& prompt,
                                          const pipeline::JudgeOptions& options) override {
    LODE_ASSERT(!prompt.pixels.empty(), "pictures have pixels");
    return judged(scene, options);
  }

 private:
  static pipeline::Judgement judged(const splat::Scene& scene,
                                    const pipeline::JudgeOptions& options) {
    LODE_ASSERT(scene.size() >= 7000, "the data checks were passed");
    pipeline::Judgement judgement;
    judgement.score = 0.55;  // under the usual threshold of previews, which cost most of the time
    judgement.is_discarded = options.floor.value_or(0) > judgement.score;
    return judgement;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Pleased critic;
  const HttpRequest request{
      "POST", "/", {}, std::string(reinterpret_cast<const char*>(data), size)};
  for (const auto kind : {service::PromptKind::text, service::PromptKind::picture}) {
    const HttpResponse response = service::validate(request, kind, critic, {});
    LODE_ASSERT(response.status == 200 || response.status == 413 || response.status == 422,
                "a bad body is the client's fault");
    const auto body = nlohmann::json::parse(response.body, nullptr, false);
    LODE_ASSERT(body.is_object() && body.contains(response.status == 200 ? "score" : "detail"),
                "answers say what they are");
  }
  return 0;
}
