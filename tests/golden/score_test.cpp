// SSIM, outlier filter and formula against what the validators' engine computes with its libraries.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/codec.h"
#include "score/breakdown.h"
#include "score/formula.h"
#include "score/outliers.h"
#include "score/ssim.h"
#include "weights/safetensors.h"

namespace lode::score {
namespace {

using Json = nlohmann::json;

const std::string kFolder = LODE_SOURCE_DIR "/tests/golden/score/";

/// `null` is NaN.
double number(const Json& json) { return json.is_null() ? std::nan("") : json.get<double>(); }

void expect_same(double ours, double theirs, const std::string& what) {
  if (std::isnan(theirs)) {
    EXPECT_TRUE(std::isnan(ours)) << what;
  } else {
    EXPECT_NEAR(ours, theirs, 1e-6 * std::max(1.0, std::abs(theirs))) << what;
  }
}

std::vector<double> sorted(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values;
}

Json read_json(const char* name) {
  return Json::parse(as_text(*read_file(kFolder + name, std::size_t{1} << 20)));
}

class SsimFile {
 public:
  SsimFile() : bytes_(*read_file(kFolder + "ssim.safetensors", std::size_t{1} << 20)) {
    header_ = *weights::parse_header(bytes_, bytes_.size());
  }
  const weights::TensorEntry& entry(const std::string& name) const {
    return *std::find_if(header_.tensors.begin(), header_.tensors.end(),
                         [&](const auto& tensor) { return tensor.name == name; });
  }
  Planes picture(const std::string& name) const {
    const weights::TensorEntry& found = entry(name);
    image::Image picture(static_cast<int>(found.shape[1]), static_cast<int>(found.shape[0]), 3);
    std::memcpy(picture.pixels.data(), data(found), picture.pixels.size());
    return to_planes(picture);
  }
  double float64(const std::string& name) const {
    double value = 0;
    std::memcpy(&value, data(entry(name)), sizeof value);
    return value;
  }
  double float32(const std::string& name) const {
    float value = 0;
    std::memcpy(&value, data(entry(name)), sizeof value);
    return value;
  }

 private:
  const std::uint8_t* data(const weights::TensorEntry& found) const {
    return bytes_.data() + header_.data_offset + found.begin;
  }
  Bytes bytes_;
  weights::SafetensorsHeader header_;
};

TEST(ScoreGolden, SsimIsTorchmetrics) {
  const SsimFile file;
  for (const std::string name :
       {"noise", "inverse", "smallest", "same", "white", "black_white", "greys", "near"}) {
    const double ours = *ssim(file.picture(name + ".first"), file.picture(name + ".second"));
    // Plain greys are the worst: windows of float32 leave a variance of 1e-7 beside c2 = 9e-4.
    EXPECT_NEAR(ours, file.float64(name + ".ssim64"), 2e-4) << name;
    EXPECT_NEAR(ours, file.float32(name + ".ssim"), 2e-3) << name;
  }
}

TEST(ScoreGolden, SsimOfWholeViewsIsThatOfDoubles) {
  const SsimFile file;
  const std::vector<image::Image> views{*image::read_image(kFolder + "view_a.png"),
                                        *image::read_image(kFolder + "view_b.png")};
  const std::vector<double> ours = *neighbour_ssim(views);
  EXPECT_NEAR(ours[0], file.float64("views.ssim64"), 2e-5);
  EXPECT_EQ(ours[0], ours[1]);
}

TEST(ScoreGolden, TheFilterIsPytods) {
  const Json cases = read_json("formula.json")["filter"];
  ASSERT_GE(cases.size(), 20U);
  for (const Json& one : cases) {
    const auto name = one["name"].get<std::string>();
    const auto values = one["values"].get<std::vector<double>>();
    const std::vector<double> kept = without_outliers(values);
    EXPECT_EQ(sorted(kept), one["kept"].get<std::vector<double>>()) << name;
    expect_same(geometric_mean(kept), number(one["geomean"]), name);
    expect_same(text_alignment(values) * kFullTextCosine, number(one["clipped_geomean"]), name);
  }
}

TEST(ScoreGolden, TheFormulaIsTheEngines) {
  const Json cases = read_json("formula.json")["final"];
  ASSERT_GE(cases.size(), 10U);
  for (const Json& one : cases) {
    const Components parts{number(one["iqa"]), number(one["alignment"]), number(one["ssim"]),
                           number(one["lpips"])};
    const double theirs = number(one["score"]);
    EXPECT_NEAR(*final_score(parts).value, std::isnan(theirs) ? 0 : theirs, 2e-6) << one.dump();
  }
}

TEST(ScoreGolden, TheWholeArithmeticIsTheEngines) {
  const Json engine = read_json("engine.json");
  const Json& views = engine["views"];
  const auto values = [](const Json& json) { return json.get<std::vector<double>>(); };
  Components parts;
  parts.quality = mean_quality(values(views["iqa_views"]));
  parts.ssim = pairwise_ssim(values(views["ssim_pairs"]["values"]));
  parts.lpips = pairwise_lpips(values(views["lpips_pairs"]["values"]));
  EXPECT_NEAR(*parts.quality, views["iqa"].get<double>(), 1e-6);
  EXPECT_NEAR(*parts.ssim, views["ssim"].get<double>(), 1e-6);
  EXPECT_NEAR(*parts.lpips, views["lpips"].get<double>(), 1e-6);
  for (const char* kind : {"text", "image"}) {
    for (const Json& one : engine[kind]) {
      const auto cosines = values(one["cosines"]["values"]);
      const bool is_text = std::string_view(kind) == "text";
      parts.alignment = is_text ? text_alignment(cosines) : image_alignment(cosines);
      expect_same(*parts.alignment, number(one["alignment"]), one.dump());
      const double theirs = number(one["score"]);
      EXPECT_NEAR(*final_score(parts).value, std::isnan(theirs) ? 0 : theirs, 2e-6) << one.dump();
    }
  }
}

// The views themselves, through our own SSIM: the golden's pairs are of float32.
TEST(ScoreGolden, NeighboursOfTheEnginesViews) {
  const image::Image strip = *image::read_image(kFolder + "views.png");
  const int side = strip.width;
  std::vector<image::Image> views;
  for (int i = 0; i < strip.height / side; ++i) {
    image::Image view(side, side, 3);
    std::copy_n(strip.at(0, i * side), view.pixels.size(), view.pixels.begin());
    views.push_back(std::move(view));
  }
  const auto theirs =
      read_json("engine.json")["views"]["ssim_pairs"]["values"].get<std::vector<double>>();
  const std::vector<double> ours = *neighbour_ssim(views);
  ASSERT_EQ(ours.size(), theirs.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    EXPECT_NEAR(ours[i], theirs[i], 2e-3) << i;
  }
}

}  // namespace
}  // namespace lode::score
