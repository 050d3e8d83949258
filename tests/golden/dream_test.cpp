// What DreamGaussian's own code decides (tools/golden/dream_reference.py), decided here.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "dream/finish.h"
#include "dream/schedule.h"
#include "fit/start.h"
#include "weights/checkpoint.h"
#include "weights/float_convert.h"

namespace lode::dream {
namespace {

const std::filesystem::path kFolder =
    std::filesystem::path(LODE_SOURCE_DIR) / "tests" / "golden" / "dream";

class Golden {
 public:
  explicit Golden(const char* file)
      : checkpoint_(weights::Checkpoint::open(kFolder / file).value()) {}

  std::vector<float> operator[](const std::string& name) const {
    const auto stored = checkpoint_.find(name);
    if (!stored) {
      ADD_FAILURE() << "no tensor " << name;
      return {};
    }
    std::vector<float> values(stored->bytes.size() / sizeof(float));
    weights::to_float(stored->dtype, stored->bytes, values);
    return values;
  }

  std::vector<glm::vec3> vectors(const std::string& name) const {
    const std::vector<float> values = (*this)[name];
    std::vector<glm::vec3> out(values.size() / 3);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = {values[3 * i], values[3 * i + 1], values[3 * i + 2]};
    }
    return out;
  }

  /// A cloud of tensors prefix.positions and so on.
  splat::GaussianCloud cloud(const std::string& prefix) const {
    splat::GaussianCloud cloud;
    cloud.positions = vectors(prefix + ".positions");
    cloud.log_scales = vectors(prefix + ".log_scales");
    cloud.f_dc = vectors(prefix + ".f_dc");
    cloud.opacity_logits = (*this)[prefix + ".opacity_logits"];
    const std::vector<float> q = (*this)[prefix + ".rotations"];
    for (std::size_t i = 0; i + 3 < q.size(); i += 4) {
      cloud.rotations.emplace_back(q[i], q[i + 1], q[i + 2], q[i + 3]);
    }
    return cloud;
  }

 private:
  weights::Checkpoint checkpoint_;
};

/// Rows by the gaussian they come from (f_dc's red), those of one by their place: the two programs
/// append the parts of splits in different orders.
std::vector<std::size_t> order_of(const splat::GaussianCloud& cloud) {
  std::vector<std::size_t> order(cloud.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto key = [&](std::size_t i) {
    return std::tuple(cloud.f_dc[i].x, cloud.positions[i].x, i);
  };
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  return order;
}

/// Rows of two clouds, each in its own order, agree to `tolerance` of a value or of 1.
void expect_rows(const splat::GaussianCloud& mine, const std::vector<std::size_t>& my_order,
                 const splat::GaussianCloud& theirs, const std::vector<std::size_t>& their_order,
                 float tolerance) {
  ASSERT_EQ(mine.size(), theirs.size());
  const auto near = [tolerance](float a, float b) {
    return std::abs(a - b) <= tolerance * std::max(1.0F, std::abs(b));
  };
  for (std::size_t row = 0; row < mine.size(); ++row) {
    const std::size_t i = my_order[row], j = their_order[row];
    for (int k = 0; k < 3; ++k) {
      ASSERT_TRUE(near(mine.positions[i][k], theirs.positions[j][k])) << row;
      ASSERT_TRUE(near(mine.log_scales[i][k], theirs.log_scales[j][k])) << row;
      ASSERT_TRUE(near(mine.f_dc[i][k], theirs.f_dc[j][k])) << row;
    }
    for (int k = 0; k < 4; ++k) {
      ASSERT_TRUE(near(mine.rotations[i][k], theirs.rotations[j][k])) << row;
    }
    ASSERT_TRUE(near(mine.opacity_logits[i], theirs.opacity_logits[j])) << row;
  }
}

constexpr float kRounding = 2e-6F;

/// The reference's random cloud after its Adam step, and what goes with it.
struct Stepped {
  splat::GaussianCloud cloud;
  fit::Adam adam;
  fit::Densifier densifier;

  explicit Stepped(const Golden& golden)
      : cloud(golden.cloud("start")), adam(cloud.size(), 0), densifier(cloud.size()) {
    fit::LearningRates rates = learning_rates(*find_preset("image"), 1);
    rates.f_dc = 0;  // the indices stay
    ThreadPool pool(1);
    adam.step(cloud, golden.cloud("gradient"), rates, pool);
    const std::vector<float> centres = golden["view.centres"], radii = golden["view.radii"];
    const std::vector<float> sizes = golden["view.sizes"];
    const std::size_t count = cloud.size();
    for (std::size_t view = 0; view < sizes.size(); ++view) {
      std::vector<glm::vec2> of_view(count);
      for (std::size_t i = 0; i < count; ++i) {
        of_view[i] = {centres[(view * count + i) * 2], centres[(view * count + i) * 2 + 1]};
      }
      densifier.accumulate(of_view, std::span(radii).subspan(view * count, count),
                           glm::vec2(sizes[view] / 2));
    }
  }
};

TEST(DreamGolden, ClonesSplitsAndDropsTheSameGaussians) {
  const Golden golden("density.safetensors");
  Stepped mine(golden);
  Rng rng(7);
  const fit::DensifyReport report =
      mine.densifier.densify(mine.cloud, mine.adam, densify_options(*find_preset("image")), rng);
  EXPECT_GT(report.cloned, 20U);
  EXPECT_GT(report.split, 30U);
  EXPECT_GT(report.dropped, 30U);

  const splat::GaussianCloud theirs = golden.cloud("densified");
  const auto my_order = order_of(mine.cloud), their_order = order_of(theirs);
  expect_rows(mine.cloud, my_order, theirs, their_order, kRounding);
  expect_rows(mine.adam.first_moment(), my_order, golden.cloud("densified.first"), their_order,
              kRounding);
}

TEST(DreamGolden, ResetsOpacitiesAndTheirMoments) {
  const Golden golden("density.safetensors");
  Stepped mine(golden);
  Rng rng(7);
  mine.densifier.densify(mine.cloud, mine.adam, densify_options(*find_preset("image")), rng);
  fit::reset_opacity(mine.cloud, mine.adam);
  const splat::GaussianCloud theirs = golden.cloud("reset");
  const auto my_order = order_of(mine.cloud), their_order = order_of(theirs);
  // Theirs goes through sigmoid and its inverse.
  expect_rows(mine.cloud, my_order, theirs, their_order, 2e-5F);
  expect_rows(mine.adam.first_moment(), my_order, golden.cloud("reset.first"), their_order,
              kRounding);
}

TEST(DreamGolden, TheFinalPruneDropsTheSameGaussians) {
  const Golden golden("density.safetensors");
  const splat::GaussianCloud before = golden.cloud("before_prune");
  const splat::GaussianCloud theirs = golden.cloud("pruned");
  ThreadPool pool(1);
  const auto mine = finish(before, {.least_group = 0, .least = 0}, pool);
  ASSERT_TRUE(mine) << mine.error().message();
  ASSERT_LT(theirs.size(), before.size());
  EXPECT_EQ(mine->positions, theirs.positions);
  EXPECT_EQ(mine->opacity_logits, theirs.opacity_logits);
}

TEST(DreamGolden, StartsAsWideAsTheReference) {
  const Golden golden("start.safetensors");
  const std::vector<float> theirs = golden["log_scales"];
  const std::vector<float> mine = fit::neighbour_log_scales(golden.vectors("points"));
  ASSERT_EQ(mine.size(), theirs.size());
  for (std::size_t i = 0; i < mine.size(); ++i) {
    ASSERT_NEAR(mine[i], theirs[i], 1e-4F) << i;
  }
}

TEST(DreamGolden, StartsWithTheReferencesDistributions) {
  const Golden golden("start.safetensors");
  const splat::GaussianCloud blob = start_blob(5000, 0, Rng(1));
  std::vector<float> radius, height, log_scale, f_dc;
  for (std::size_t i = 0; i < blob.size(); ++i) {
    radius.push_back(glm::length(blob.positions[i]));
    height.push_back(blob.positions[i].y);
    log_scale.push_back(blob.log_scales[i].x);
    f_dc.insert(f_dc.end(), {blob.f_dc[i].x, blob.f_dc[i].y, blob.f_dc[i].z});
  }
  const auto expect_quantiles = [&](std::vector<float> values, const char* name, float tolerance) {
    std::sort(values.begin(), values.end());
    const std::vector<float> theirs = golden[std::string("quantiles.") + name];
    ASSERT_EQ(theirs.size(), 11U);
    for (std::size_t q = 1; q < 10; ++q) {  // the extremes of a sample vary
      EXPECT_NEAR(values[q * (values.size() - 1) / 10], theirs[q], tolerance) << name << q;
    }
  };
  expect_quantiles(radius, "radius", 0.01F);
  expect_quantiles(height, "height", 0.02F);
  expect_quantiles(log_scale, "log_scale", 0.03F);
  expect_quantiles(f_dc, "f_dc", 0.0001F);
  expect_quantiles(blob.opacity_logits, "opacity_logit", 1e-5F);
}

TEST(DreamGolden, RatesSizesAndRangesAreTheReferences) {
  std::ifstream file(kFolder / "schedule.txt");
  std::string line, kind;
  int rates = 0, sizes = 0, ranges = 0;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    words >> kind;
    Preset preset;
    if (kind == "rate") {
      double step = 0, rate = 0;
      words >> preset.position_lr_init >> preset.position_lr_final >>
          preset.position_lr_max_steps >> step >> rate;
      EXPECT_NEAR(learning_rates(preset, step).position, rate, 1e-6 * rate) << line;
      ++rates;
    } else if (kind == "size") {
      double step = 0, steps = 0;
      int pixels = 0;
      words >> step >> steps >> pixels;
      EXPECT_EQ(view_size(step / steps), pixels) << line;
      ++sizes;
    } else if (kind == "range") {
      int elevation = 0, low = 0, high = 0;
      words >> preset.min_ver >> preset.max_ver >> elevation >> low >> high;
      const ElevationRange range = elevation_range(preset, static_cast<float>(elevation));
      EXPECT_EQ(range.min, low) << line;
      EXPECT_EQ(range.max, high) << line;
      ++ranges;
    }
    EXPECT_TRUE(words) << line;
  }
  EXPECT_EQ(rates, 33);
  EXPECT_GT(sizes, 30);
  EXPECT_EQ(ranges, 40);
}

}  // namespace
}  // namespace lode::dream
