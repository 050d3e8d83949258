// What all models that guide promise: repeatability, cancelling, budgets, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "guidance/models_internal.h"
#include "guidance/test_support.h"
#include "nn/noise.h"
#include "tests/support/scratch_folder.h"

namespace lode::guidance {
namespace {

using testing::Each;
using testing::HasSubstr;

constexpr std::int64_t kSide = 20;

dream::Subject subject_of_both() {
  dream::Subject subject;
  subject.picture = image::Image(64, 64, 4, 255);
  for (int i = 0; i < 64; ++i) {
    for (int c = 0; c < 4; ++c) {
      *(subject.picture.at(i, (7 * i) % 64) + c) = static_cast<std::uint8_t>(40 * c + i);
    }
  }
  subject.prompt = "a red dragon";
  return subject;
}

/// One of the models behind GuidanceModel, with its noise.
struct Kind {
  std::string name;
  std::size_t views;
  std::function<Result<std::unique_ptr<dream::GuidanceModel>>(const Options&, Draw)> open;
};

template <class ModelOptions>
ModelOptions with(const Options& common) {
  ModelOptions options;
  static_cast<Options&>(options) = common;
  return options;
}

std::vector<Kind> kinds() {
  using Opened = Result<std::unique_ptr<dream::GuidanceModel>>;
  const auto as_model = [](auto opened) -> Opened {
    if (!opened) {
      return opened.error();
    }
    return std::unique_ptr<dream::GuidanceModel>(std::move(*opened));
  };
  return {{"zero123", 1,
           [=](const Options& options, Draw draw) {
             return as_model(open_zero123(golden_folder() / "zero123",
                                          with<Zero123Options>(options), std::move(draw)));
           }},
          {"mvdream", 4,
           [=](const Options& options, Draw draw) {
             return as_model(open_mvdream(golden_folder() / "mvdream",
                                          with<MvdreamOptions>(options), std::move(draw)));
           }},
          {"stable_diffusion", 1, [=](const Options& options, Draw draw) {
             return as_model(open_stable_diffusion(
                 golden_folder() / "sd21", with<StableDiffusionOptions>(options), std::move(draw)));
           }}};
}

Frames frames(std::size_t count, float damage = 0) {
  at::Tensor pictures =
      nn::NoiseSource(4, "frames").uniform({static_cast<std::int64_t>(count), 3, kSide, kSide});
  if (damage != 0) {
    pictures[0][1][3][4] = damage;
  }
  std::vector<render::Orbit> orbits;
  for (std::size_t i = 0; i < count; ++i) {
    orbits.push_back({.azimuth_deg = 20.0F + 90.0F * static_cast<float>(i)});
  }
  return {pictures, orbits};
}

class EachModel : public testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<dream::GuidanceModel> open(const Options& options = on_cpu<Options>(),
                                             Draw draw = draw_noise) const {
    return GetParam().open(options, std::move(draw)).value();
  }
  Answer ask_once(dream::GuidanceModel& model, std::uint64_t seed, int step,
                  double progress = 0.5) const {
    const auto guidance = model.begin(subject_of_both(), seed, {}).value();
    return ask(*guidance, frames(GetParam().views), {step, progress}).value();
  }
};

INSTANTIATE_TEST_SUITE_P(Models, EachModel, testing::ValuesIn(kinds()),
                         [](const auto& info) { return info.param.name; });

TEST_P(EachModel, AnswersTheSameToTheSame) {
  const auto model = open();
  const Answer first = ask_once(*model, 5, 2);
  EXPECT_GT(first.loss, 0);
  EXPECT_EQ(ask_once(*model, 5, 2).gradients, first.gradients);
  EXPECT_EQ(ask_once(*open(), 5, 2).gradients, first.gradients);
  EXPECT_NE(ask_once(*model, 6, 2).gradients, first.gradients) << "seeds draw other noise";
  EXPECT_NE(ask_once(*model, 5, 3).gradients, first.gradients) << "steps draw other noise";
  EXPECT_NE(ask_once(*model, 5, 2, 0.6).gradients, first.gradients) << "time goes on";
}

TEST_P(EachModel, DrawsTimeStepsWhereTheyAreNotAnnealed) {
  Options options = on_cpu<Options>();
  options.anneal = false;
  const auto model = open(options);
  const Answer first = ask_once(*model, 5, 2, 0.2);
  EXPECT_EQ(ask_once(*model, 5, 2, 0.7).gradients, first.gradients) << "progress is not looked at";
  EXPECT_NE(ask_once(*open(), 5, 2, 0.2).gradients, first.gradients);
}

TEST_P(EachModel, GivesNoDerivativeOfAPictureThatIsNotFinite) {
  const auto model = open();
  const auto guidance = model->begin(subject_of_both(), 5, {}).value();
  for (const float damage :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const Answer answer = ask(*guidance, frames(GetParam().views, damage), {1, 0.5}).value();
    EXPECT_EQ(answer.loss, 0);
    EXPECT_THAT(answer.gradients[0], Each(0.0F));
  }
}

TEST_P(EachModel, StopsInTheMiddleAndGoesOn) {
  std::stop_source source;
  bool stops = false;
  int drawn = 0;
  const Draw draw = [&](std::uint64_t seed, std::string_view purpose, const nn::Shape& shape) {
    if (purpose.find(" noise ") != std::string_view::npos) {  // drawn right before the U-Net runs
      ++drawn;
      if (stops) {
        source.request_stop();
      }
    }
    return draw_noise(seed, purpose, shape);
  };
  const auto model = open(on_cpu<Options>(), draw);
  const auto guidance = model->begin(subject_of_both(), 5, {}).value();
  const Frames views = frames(GetParam().views);
  const Answer whole = ask(*guidance, views, {1, 0.5}).value();
  stops = true;
  const auto stopped = ask(*guidance, views, {1, 0.5}, source.get_token());
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Errc::cancelled) << stopped.error().context;
  EXPECT_EQ(drawn, 2);
  EXPECT_EQ(ask(*guidance, views, {1, 0.5})->gradients, whole.gradients);
  const auto begun = model->begin(subject_of_both(), 5, source.get_token());
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Errc::cancelled);
}

TEST_P(EachModel, AnswersTheSameWithinAnyBudget) {
  Options options = on_cpu<Options>();
  const Answer whole = ask_once(*open(options), 5, 2);
  std::uint64_t least = 0;  // the least budget that opens, within 4 KB
  for (std::uint64_t step = 1ULL << 33U; step >= 1ULL << 12U; step /= 2) {
    options.memory_budget_bytes = least + step;
    if (!GetParam().open(options, draw_noise)) {
      least += step;
    }
  }
  for (const std::uint64_t more : {1ULL << 12U, 100'000ULL, 1'000'000ULL, 200'000'000ULL}) {
    options.memory_budget_bytes = least + more;
    EXPECT_EQ(ask_once(*open(options), 5, 2).gradients, whole.gradients) << more;
  }
  options.memory_budget_bytes = least - 1'000'000;
  const auto refused = GetParam().open(options, draw_noise);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::out_of_resource);
  EXPECT_THAT(refused.error().context, HasSubstr("raise the memory budget"));
}

TEST_P(EachModel, CarriesTheSameLossByTheLinearMap) {
  const Answer exact = ask_once(*open(), 5, 2);
  Options options = on_cpu<Options>();
  options.pixel_gradient = PixelGradient::linear;
  const auto model = open(options);
  const Answer linear = ask_once(*model, 5, 2);
  EXPECT_EQ(linear.loss, exact.loss);
  EXPECT_NE(linear.gradients, exact.gradients);
  EXPECT_GT(linear.tensor(kSide).abs().max().item<float>(), 0);
  EXPECT_EQ(ask_once(*model, 5, 2).gradients, linear.gradients);
}

TEST_P(EachModel, ComputesInBfloat16) {
  const Answer exact = ask_once(*open(), 5, 2);
  Options options = on_cpu<Options>();
  options.compute = Compute::bfloat16;
  const Answer rounded = ask_once(*open(options), 5, 2);
  const double error = test::relative_error(rounded.tensor(kSide), exact.tensor(kSide));
  std::printf("%s: bfloat16 is %.1e off\n", GetParam().name.c_str(), error);
  EXPECT_LT(error, 0.5) << "narrow networks, exaggerated by guidance";
}

TEST_P(EachModel, RefusesWhatItCannotDo) {
  const auto refusal = [&](auto change) {
    Options options = on_cpu<Options>();
    change(options);
    return GetParam().open(options, draw_noise).error();
  };
  const Error half = refusal([](Options& o) { o.compute = Compute::float16; });
  EXPECT_EQ(half.code, Errc::unsupported);
  EXPECT_THAT(half.context, HasSubstr("float16"));
  const Error threads = refusal([](Options& o) { o.threads = -1; });
  EXPECT_EQ(threads.code, Errc::invalid_input);
  EXPECT_THAT(threads.context, HasSubstr("threads -1"));
  EXPECT_THAT(refusal([](Options& o) { o.device = "tpu"; }).context, HasSubstr("tpu"));
  dream::Subject nothing;
  const auto begun = open()->begin(nothing, 1, {});
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().code, Errc::invalid_input);
}

TEST(MultiViewModels, StopDrawingWhenAsked) {
  Zero123Options zero123 = on_cpu<Zero123Options>();
  MvdreamOptions mvdream = on_cpu<MvdreamOptions>();
  zero123.sampling.steps = 4;
  zero123.sampling.azimuths_deg = {90};
  mvdream.sampling.steps = 4;
  std::vector<std::unique_ptr<MultiViewModel>> models;
  models.push_back(open_zero123(golden_folder() / "zero123", zero123).value());
  models.push_back(open_mvdream(golden_folder() / "mvdream", mvdream).value());
  for (const auto& model : models) {
    const auto whole = model->sample(subject_of_both(), 3, {}, {}).value();
    std::stop_source source;
    int last = 0;
    const auto stopped = model->sample(
        subject_of_both(), 3,
        [&](int step, int) {
          last = step;
          if (step == 2) {
            source.request_stop();
          }
        },
        source.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().code, Errc::cancelled);
    EXPECT_EQ(last, 2);
    const auto again = model->sample(subject_of_both(), 3, {}, {}).value();
    EXPECT_EQ(again[0].picture.pixels, whole[0].picture.pixels);
    EXPECT_NE(model->sample(subject_of_both(), 4, {}, {}).value()[0].picture.pixels,
              whole[0].picture.pixels);
  }
}

TEST(Zero123, LooksAtTheSubjectOverWhite) {
  const auto model = open_zero123(golden_folder() / "zero123", on_cpu<Zero123Options>()).value();
  const auto answer = [&](const dream::Subject& subject) {
    const auto guidance = model->begin(subject, 5, {}).value();
    return ask(*guidance, frames(1), {1, 0.5}).value().gradients;
  };
  dream::Subject subject = subject_of_both();
  for (int i = 0; i < 64; ++i) {
    subject.picture.at(i, 0)[3] = 0;
  }
  dream::Subject hidden = subject;
  for (int i = 0; i < 64; ++i) {
    hidden.picture.at(i, 0)[1] = 17;  // a colour that nobody sees
  }
  EXPECT_EQ(answer(subject), answer(hidden));
  EXPECT_NE(answer(subject), answer(subject_of_both()));
  subject.elevation_deg = -30;
  EXPECT_NE(answer(subject), answer(hidden)) << "views are told from the picture's place";
}

TEST(Zero123, TellsStableByItsName) {
  Zero123Options options = on_cpu<Zero123Options>();
  EXPECT_EQ(open_zero123(golden_folder() / "zero123", options).value()->name(), "zero123-xl");
  const testing_support::ScratchFolder scratch;
  const auto named = scratch.path() / "Stable-Zero123-diffusers" / "main";
  std::filesystem::create_directories(named.parent_path());
  std::filesystem::copy(golden_folder() / "zero123", named,
                        std::filesystem::copy_options::recursive);
  EXPECT_EQ(open_zero123(named, options).value()->name(), "stable-zero123");
  options.variant = Zero123Variant::xl;
  EXPECT_EQ(open_zero123(named, options).value()->name(), "zero123-xl");
}

TEST(StableDiffusion, LooksFromEachSide) {
  const auto model =
      open_stable_diffusion(golden_folder() / "sd21", on_cpu<StableDiffusionOptions>()).value();
  const auto guidance = model->begin(subject_of_both(), 5, {}).value();
  const at::Tensor picture = nn::NoiseSource(4, "frames").uniform({1, 3, kSide, kSide});
  const auto answer = [&](float azimuth, float elevation = -15) {
    const Frames one(picture, {{.azimuth_deg = azimuth, .elevation_deg = elevation}});
    return ask(*guidance, one, {1, 0.5}).value().gradients;
  };
  const auto front = answer(0);
  const auto side = answer(90);
  const auto back = answer(180);
  const auto above = answer(0, -75);
  EXPECT_EQ(answer(-59), front);
  EXPECT_EQ(answer(359), front);
  EXPECT_EQ(answer(-61), side);
  EXPECT_EQ(answer(240.5F), side);
  EXPECT_EQ(answer(-121), back);
  EXPECT_EQ(answer(100, -75), above);
  EXPECT_EQ(answer(0, 75), front) << "below is not overhead";
  EXPECT_NE(front, side);
  EXPECT_NE(side, back);
  EXPECT_NE(back, front);
  EXPECT_NE(above, front);
}

}  // namespace
}  // namespace lode::guidance
