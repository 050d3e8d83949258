// The torch bridge, and through it the renderer's derivatives, against autograd of a renderer that
// is written in nothing but libtorch's operators.
#include "render/torch_bridge.h"

#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <cmath>
#include <functional>

#include "base/rng.h"
#include "base/thread_pool.h"
#include "render/render.h"

namespace lode::render {
namespace {

using at::Tensor;

constexpr int kWidth = 24, kHeight = 20;

// --- a renderer in torch operators, in double, dense over [pixels, gaussians] --------------------

constexpr double kMinAlphaExact = 1.0 / 255, kMaxAlphaExact = 0.999, kMinTransmittanceExact = 1e-4;

/// Pixels nearer than this to a threshold, relative to it, have no loss: rounding decides there on
/// which side the renderer falls. In single precision exp(-sigma) is wrong by some 1e-5 at most,
/// and by less where sigma is almost 0.
constexpr double kBand = 1e-4, kCapBand = 1e-5;

struct NaiveFrame {
  Tensor rgb, alpha, depth;  // [P, 3], [P], [P]
  Tensor margin;  // [P], least distance of the pixel to any of the three thresholds, in bands
  // Of the whole scene: the least gap of depth between neighbours of the order, and the least
  // distance of an unclamped colour to 0.
  double depth_gap = 0, colour_margin = 0;
  // How often the rules at the thresholds acted: alphas above the cap, pixels that were finished.
  int capped = 0, finished = 0;
};

Tensor rotation_matrices(const Tensor& quats) {  // [N, 4] -> [N, 3, 3]
  const Tensor unit = quats / (quats * quats).sum(1, true).sqrt();
  const auto q = unit.unbind(1);
  const Tensor &w = q[0], &x = q[1], &y = q[2], &z = q[3];
  const auto row = [](const Tensor& a, const Tensor& b, const Tensor& c) {
    return torch::stack({a, b, c}, 1);
  };
  return torch::stack({row(1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
                       row(2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
                       row(2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y))},
                      1);
}

Tensor sh_basis(const Tensor& directions, std::int64_t count) {  // [N, 3] -> [N, count]
  const auto d = directions.unbind(1);
  const Tensor &x = d[0], &y = d[1], &z = d[2];
  const Tensor xx = x * x, yy = y * y, zz = z * z;
  std::vector<Tensor> basis = {-0.48860251190292 * y, 0.48860251190292 * z, -0.48860251190292 * x};
  if (count > 3) {
    const double c = 1.0925484305920792;
    basis.insert(basis.end(), {c * x * y, -c * y * z, 0.31539156525252005 * (2 * zz - xx - yy),
                               -c * x * z, 0.5462742152960396 * (xx - yy)});
  }
  if (count > 8) {
    basis.insert(basis.end(),
                 {-0.5900435899266435 * y * (3 * xx - yy), 2.890611442640554 * x * y * z,
                  -0.4570457994644657 * y * (4 * zz - xx - yy),
                  0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy),
                  -0.4570457994644657 * x * (4 * zz - xx - yy), 1.445305721320277 * z * (xx - yy),
                  -0.5900435899266435 * x * (xx - 3 * yy)});
  }
  return torch::stack(basis, 1);
}

struct NaiveCamera {
  Tensor rotation, translation;  // [3, 3], [3]
  double fx, fy, cx, cy;

  explicit NaiveCamera(const Camera& camera)
      : rotation(torch::empty({3, 3}, torch::kDouble)),
        translation(torch::empty({3}, torch::kDouble)),
        fx(camera.fx),
        fy(camera.fy),
        cx(camera.cx),
        cy(camera.cy) {
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column) {
        rotation[row][column] = double{camera.rotation[column][row]};
      }
      translation[row] = double{camera.translation[row]};
    }
  }
};

/// Gaussians on the image plane, [N] each unless said otherwise.
struct NaiveSplats {
  Tensor drawn;                      // bool
  Tensor z, x, y, a, b, c, opacity;  // depth, centre, conic
  Tensor colour;                     // [N, 3]
  double colour_margin = INFINITY;
};

Tensor naive_colours(const GaussianTensors& g, const NaiveCamera& camera, double& margin) {
  Tensor colour = 0.5 + 0.28209479177387814 * g.f_dc;
  if (!g.sh_rest.defined()) {
    return colour;
  }
  const Tensor eye = -camera.rotation.t().mv(camera.translation);
  const Tensor offset = g.means - eye;
  const Tensor direction = offset / (offset * offset).sum(1, true).sqrt();
  const std::int64_t count = g.sh_rest.size(1);
  if (count > 0) {
    colour = colour + (sh_basis(direction, count).unsqueeze(2) * g.sh_rest).sum(1);
  }
  margin = colour.abs().min().item<double>();
  return torch::where(colour > 0, colour, torch::zeros_like(colour));
}

NaiveSplats naive_project(const GaussianTensors& g, const Camera& from) {
  const NaiveCamera camera(from);
  NaiveSplats out;
  const Tensor p = g.means.matmul(camera.rotation.t()) + camera.translation;
  const auto xyz = p.unbind(1);
  const Tensor in_range = (xyz[2] >= from.near_plane) & (xyz[2] <= from.far_plane);
  const Tensor x = xyz[0], y = xyz[1];
  const Tensor z = torch::where(in_range, xyz[2], torch::ones_like(xyz[2]));

  const Tensor axes = rotation_matrices(g.quats) * torch::exp(g.log_scales).unsqueeze(1);
  const Tensor covariance = axes.matmul(axes.transpose(1, 2));
  const Tensor seen = camera.rotation.matmul(covariance).matmul(camera.rotation.t());
  const double slack_x = 0.3 * (0.5 * kWidth / camera.fx),
               slack_y = 0.3 * (0.5 * kHeight / camera.fy);
  const Tensor tx = z * torch::clamp(x / z, -(camera.cx / camera.fx + slack_x),
                                     (kWidth - camera.cx) / camera.fx + slack_x);
  const Tensor ty = z * torch::clamp(y / z, -(camera.cy / camera.fy + slack_y),
                                     (kHeight - camera.cy) / camera.fy + slack_y);
  const Tensor zero = torch::zeros_like(z);
  const Tensor jacobian =
      torch::stack({torch::stack({camera.fx / z, zero, -camera.fx * tx / (z * z)}, 1),
                    torch::stack({zero, camera.fy / z, -camera.fy * ty / (z * z)}, 1)},
                   1);
  const Tensor blurred =
      jacobian.matmul(seen).matmul(jacobian.transpose(1, 2)) + 0.3 * torch::eye(2, torch::kDouble);
  const Tensor xx = blurred.select(1, 0).select(1, 0), xy = blurred.select(1, 0).select(1, 1),
               yy = blurred.select(1, 1).select(1, 1);
  const Tensor determinant = xx * yy - xy * xy;

  out.opacity = torch::sigmoid(g.opacity_logits);
  out.drawn = in_range & (out.opacity >= kMinAlphaExact) & (determinant > 0);
  out.z = z;
  out.x = camera.fx * x / z + camera.cx;
  out.y = camera.fy * y / z + camera.cy;
  out.a = yy / determinant;
  out.b = -xy / determinant;
  out.c = xx / determinant;
  out.colour = naive_colours(g, camera, out.colour_margin);
  return out;
}

/// The gaussians that are drawn, front to back.
Tensor depth_order(const NaiveSplats& splats, double& gap) {
  const Tensor indices = torch::nonzero(splats.drawn).squeeze(1);
  const Tensor depths = splats.z.detach().index_select(0, indices);
  const Tensor order = torch::argsort(depths, /*stable=*/true, 0, false);
  const Tensor sorted = depths.index_select(0, order);
  gap = sorted.numel() > 1 ? torch::diff(sorted).min().item<double>() : INFINITY;
  return indices.index_select(0, order);
}

NaiveFrame naive_render(const GaussianTensors& g, const Camera& camera, const Tensor& background) {
  NaiveFrame out;
  const NaiveSplats s = naive_project(g, camera);
  const Tensor order = depth_order(s, out.depth_gap);
  out.colour_margin = s.colour_margin;
  const auto pick = [&order](const Tensor& t) { return t.index_select(0, order); };
  const Tensor at = torch::arange(kWidth * kHeight, torch::kDouble).unsqueeze(1);  // [P, 1]
  const Tensor dx = pick(s.x) - (at.remainder(kWidth) + 0.5);
  const Tensor dy = pick(s.y) - ((at / kWidth).floor() + 0.5);
  const Tensor sigma =
      0.5 * (pick(s.a) * dx * dx + pick(s.c) * dy * dy) + pick(s.b) * dx * dy;  // [P, N]
  const Tensor raw = pick(s.opacity) * torch::exp(-sigma);
  // A constant above the cap, so without derivative there.
  const Tensor capped =
      torch::where(raw > kMaxAlphaExact, torch::full_like(raw, kMaxAlphaExact), raw);
  const Tensor alpha = torch::where(raw >= kMinAlphaExact, capped, torch::zeros_like(raw));
  // The product never rises, so that "stop at the first" is the same as "where it is above".
  const Tensor next = torch::cumprod(1 - alpha, 1);
  const Tensor live = next > kMinTransmittanceExact;
  const Tensor passing = torch::where(live, 1 - alpha, torch::ones_like(alpha));
  const Tensor after = torch::cumprod(passing, 1);
  const Tensor before =
      torch::cat({torch::ones_like(after.slice(1, 0, 1)), after.slice(1, 0, -1)}, 1);
  const Tensor weight = torch::where(live, alpha, torch::zeros_like(alpha)) * before;
  const Tensor remaining = after.select(1, -1);
  out.rgb = weight.matmul(pick(s.colour)) + remaining.unsqueeze(1) * background;
  out.alpha = 1 - remaining;
  const Tensor covered = out.alpha > 0;
  out.depth = torch::where(covered, weight.mv(pick(s.z)), torch::zeros_like(out.alpha)) /
              torch::where(covered, out.alpha, torch::ones_like(out.alpha));

  out.capped = (raw > kMaxAlphaExact).sum().item<int>();
  out.finished = live.logical_not().any(1).sum().item<int>();

  // What comes after the end of a pixel's light has no say.
  const Tensor matters =
      torch::cat({torch::ones_like(live.slice(1, 0, 1)), live.slice(1, 0, -1)}, 1);
  const auto distance = [&matters](const Tensor& value, double threshold, double band) {
    const Tensor bands = (value.detach() / threshold - 1).abs() / band;
    return torch::where(matters, bands, torch::full_like(bands, INFINITY));
  };
  out.margin = std::get<0>(torch::minimum(torch::minimum(distance(raw, kMinAlphaExact, kBand),
                                                         distance(raw, kMaxAlphaExact, kCapBand)),
                                          distance(next, kMinTransmittanceExact, kBand))
                               .min(1));
  return out;
}

// --- scenes
// ---------------------------------------------------------------------------------------

Camera test_camera() {
  Camera camera = orbit_camera({33, -20, 2.5F, 49.1F, 24});
  camera.width = kWidth;
  camera.height = kHeight;
  camera.cx = 11.6F;
  camera.cy = 10.3F;
  return camera;
}

Tensor uniform(Rng& rng, const std::vector<std::int64_t>& shape, double low, double high) {
  Tensor tensor = torch::empty(shape, torch::kFloat);
  float* out = tensor.data_ptr<float>();
  for (std::int64_t i = 0; i < tensor.numel(); ++i) {
    out[i] = static_cast<float>(rng.uniform(low, high));
  }
  return tensor;
}

GaussianTensors random_gaussians(Rng& rng, std::int64_t count, int sh_degree) {
  GaussianTensors g;
  g.means = uniform(rng, {count, 3}, -0.7, 0.7);
  g.quats = uniform(rng, {count, 4}, -2, 2);
  g.log_scales = uniform(rng, {count, 3}, -4, -1);
  g.opacity_logits = uniform(rng, {count}, -3, 4);
  g.f_dc = uniform(rng, {count, 3}, -1.8, 1.8);
  if (sh_degree >= 0) {
    g.sh_rest = uniform(rng, {count, splat::sh_rest_count(sh_degree), 3}, -0.5, 0.5);
  }
  return g;
}

void put(Tensor& tensor, int row, const std::vector<float>& values) {
  tensor[row] = torch::tensor(values).reshape(tensor[row].sizes());
}

/// Random gaussians of which the first are odd.
GaussianTensors degenerate_gaussians(Rng& rng) {
  GaussianTensors g = random_gaussians(rng, 40, -1);
  g.opacity_logits[0] = -30;                 // invisible
  put(g.log_scales, 1, {1.5F, 1.5F, 1.5F});  // larger than the view
  g.opacity_logits[1] = -2;
  put(g.means, 2, {4, 3, 6});             // behind the camera
  put(g.log_scales, 3, {-1, -9, -9});     // a needle
  put(g.log_scales, 4, {-12, -12, -12});  // a point: the blur alone
  g.opacity_logits[5] = 12;               // above the cap in the middle
  put(g.log_scales, 5, {1, 1, 1});
  put(g.means, 6, {-2.5F, 0.2F, 1.2F});  // outside the image, its tangent clamped
  put(g.log_scales, 6, {0, 0, 0});
  put(g.quats, 7, {1e-3F, 2e-3F, -5e-4F, 1e-3F});  // short quaternions
  put(g.quats, 8, {300, -100, 50, 20});            // and long ones
  return g;
}

/// The parameters by name, those that exist.
std::vector<std::pair<const char*, Tensor GaussianTensors::*>> groups_of(const GaussianTensors& g) {
  std::vector<std::pair<const char*, Tensor GaussianTensors::*>> groups = {
      {"means", &GaussianTensors::means},
      {"quats", &GaussianTensors::quats},
      {"log_scales", &GaussianTensors::log_scales},
      {"opacity_logits", &GaussianTensors::opacity_logits},
      {"f_dc", &GaussianTensors::f_dc}};
  if (g.sh_rest.defined() && g.sh_rest.numel() > 0) {
    groups.emplace_back("sh_rest", &GaussianTensors::sh_rest);
  }
  return groups;
}

/// Copies in the given type, of which autograd differentiates.
GaussianTensors leaves(const GaussianTensors& g, at::ScalarType type) {
  GaussianTensors copy;
  for (const auto& [name, member] : groups_of(g)) {
    copy.*member = (g.*member).to(type).clone().requires_grad_();
  }
  if (g.sh_rest.defined() && !copy.sh_rest.defined()) {
    copy.sh_rest = g.sh_rest.to(type);
  }
  return copy;
}

// --- the comparison
// -------------------------------------------------------------------------------

/// A loss of a frame whose tensors are [P, 3], [P], [P].
using Loss = std::function<Tensor(const Tensor& rgb, const Tensor& alpha, const Tensor& depth)>;

/// Linear in colour and coverage, with a random coefficient for every number.
Loss colour_loss(Rng& rng, const Tensor& mask) {
  const Tensor by_rgb = uniform(rng, {kWidth * kHeight, 3}, -1, 1) * mask.unsqueeze(1);
  const Tensor by_alpha = uniform(rng, {kWidth * kHeight}, -1, 1) * mask;
  return [=](const Tensor& rgb, const Tensor& alpha, const Tensor&) {
    return (rgb * by_rgb.to(rgb)).sum() + (alpha * by_alpha.to(alpha)).sum();
  };
}

/// Linear in all of the frame.
Loss linear_loss(Rng& rng, const Tensor& mask) {
  const Loss without_depth = colour_loss(rng, mask);
  const Tensor by_depth = uniform(rng, {kWidth * kHeight}, -1, 1) * mask;
  return [=](const Tensor& rgb, const Tensor& alpha, const Tensor& depth) {
    return without_depth(rgb, alpha, depth) + (depth * by_depth.to(depth)).sum();
  };
}

/// Mean squared distance to a random picture, and to a plane.
Loss square_loss(Rng& rng, const Tensor& mask) {
  const Tensor target = uniform(rng, {kWidth * kHeight, 3}, 0, 1);
  return [=](const Tensor& rgb, const Tensor& alpha, const Tensor& depth) {
    const Tensor m = mask.to(rgb);
    return ((rgb - target.to(rgb)).square() * m.unsqueeze(1)).mean() +
           ((alpha - 0.5).square() * m).mean() + 0.1 * ((depth - 2).square() * m).mean();
  };
}

/// A loss and how near its derivatives have to be. Those of depth are the coarser: a faint pixel's
/// alpha is 1 - transmittance in single precision, and depth is divided by it.
struct Case {
  const char* name;
  Loss (*make)(Rng&, const Tensor&);
  double norm_bound, element_bound;
};
constexpr Case kCases[] = {{"colour", colour_loss, 3e-5, 3e-4},
                           {"linear", linear_loss, 1e-4, 1e-3},
                           {"square", square_loss, 1e-4, 1e-3}};

/// No more pixels than one in a hundred may be without loss.
constexpr int kMaxMasked = kWidth * kHeight / 100;

struct Errors {
  double value = 0;        // largest absolute error of rgb and alpha, and of depth / 2.5
  double norm = 0;         // largest of the groups' |ours - theirs| / |theirs|
  double elementwise = 0;  // largest of |ours - theirs| / (|theirs| + 0.02 max |theirs|)
  int masked = 0;
  int capped = 0, finished = 0;
};

void compare_gradients(const GaussianTensors& ours, const GaussianTensors& theirs,
                       const Case& bounds, Errors& errors) {
  for (const auto& [name, member] : groups_of(ours)) {
    SCOPED_TRACE(name);
    const Tensor expected = (theirs.*member).grad(), got = (ours.*member).grad().to(torch::kDouble);
    const double largest = expected.abs().max().item<double>();
    ASSERT_GT(largest, 1e-6) << "the loss does not depend on this group";
    const Tensor error = (got - expected).abs();
    const double norm = (error.norm() / expected.norm()).item<double>();
    const double elementwise = (error / (expected.abs() + 0.02 * largest)).max().item<double>();
    EXPECT_LE(norm, bounds.norm_bound);
    EXPECT_LE(elementwise, bounds.element_bound);
    errors.norm = std::max(errors.norm, norm);
    errors.elementwise = std::max(errors.elementwise, elementwise);
  }
}

/// Draws with both renderers, compares the frames and the derivatives of two losses.
Errors expect_like_naive(const GaussianTensors& g, Rng& rng) {
  Errors errors;
  const Camera camera = test_camera();
  const Tensor background = uniform(rng, {3}, 0, 1);
  TorchRenderer renderer(1);
  for (const Case& loss_case : kCases) {
    SCOPED_TRACE(loss_case.name);
    const GaussianTensors ours = leaves(g, torch::kFloat), theirs = leaves(g, torch::kDouble);
    const Tensor our_background = background.clone().requires_grad_();
    const Tensor their_background = background.to(torch::kDouble).requires_grad_();
    const auto frame = renderer.draw(ours, camera, our_background);
    EXPECT_TRUE(frame) << frame.error().message();
    const NaiveFrame naive = naive_render(theirs, camera, their_background);
    EXPECT_GT(naive.depth_gap, 1e-6) << "rounding would decide the order";
    EXPECT_GT(naive.colour_margin, 1e-6) << "rounding would decide the clamp at 0";
    const Tensor mask = (naive.margin > 1).to(torch::kFloat);
    errors.masked = kWidth * kHeight - mask.sum().item<int>();
    EXPECT_LE(errors.masked, kMaxMasked);
    errors.capped = naive.capped;
    errors.finished = naive.finished;

    const Tensor rgb = frame->rgb.reshape({-1, 3}), alpha = frame->alpha.reshape({-1}),
                 depth = frame->depth.reshape({-1});
    const auto value_error = [&](const Tensor& mine, const Tensor& exact) {
      const Tensor error = (mine.to(torch::kDouble) - exact).abs();
      return (error * (error.dim() == 2 ? mask.unsqueeze(1) : mask)).max().item<double>();
    };
    errors.value =
        std::max({errors.value, value_error(rgb, naive.rgb), value_error(alpha, naive.alpha),
                  value_error(depth, naive.depth) / 2.5});
    EXPECT_LE(errors.value, 1e-4);

    const Loss loss = loss_case.make(rng, mask);
    loss(rgb, alpha, depth).backward();
    loss(naive.rgb, naive.alpha, naive.depth).backward();
    compare_gradients(ours, theirs, loss_case, errors);
    const Tensor by_background = their_background.grad();
    EXPECT_LE((our_background.grad().to(torch::kDouble) - by_background).abs().max().item<double>(),
              1e-3 * by_background.abs().max().item<double>());
  }
  return errors;
}

void report(const char* what, const Errors& e) {
  std::printf(
      "%s: values %.1e, gradients %.1e by norm, %.1e elementwise; %d pixels masked and %d finished "
      "of %d, %d alphas capped\n",
      what, e.value, e.norm, e.elementwise, e.masked, e.finished, kWidth * kHeight, e.capped);
}

TEST(TorchBridge, MatchesAutogradOfTheNaiveRendererForFlatColours) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    report("flat", expect_like_naive(random_gaussians(rng, 40, -1), rng));
  }
}

TEST(TorchBridge, MatchesAutogradOfTheNaiveRendererForSphericalHarmonics) {
  for (const int degree : {0, 1, 2, 3}) {
    for (const std::uint64_t seed : {11, 12}) {
      SCOPED_TRACE(std::to_string(degree) + " seed " + std::to_string(seed));
      Rng rng(seed);
      report("harmonics", expect_like_naive(random_gaussians(rng, 40, degree), rng));
    }
  }
}

TEST(TorchBridge, MatchesAutogradOfTheNaiveRendererForDegenerateGaussians) {
  for (const std::uint64_t seed : {21, 22, 23}) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    report("degenerate", expect_like_naive(degenerate_gaussians(rng), rng));
  }
}

/// Alphas above the cap, and pixels whose light ends, have rules of their own.
TEST(TorchBridge, MatchesAutogradOfTheNaiveRendererForOpaqueScenes) {
  for (const std::uint64_t seed : {51, 52, 53}) {
    SCOPED_TRACE(seed);
    Rng rng(seed);
    GaussianTensors g = random_gaussians(rng, 60, -1);
    g.log_scales = torch::cat({uniform(rng, {30, 3}, -2, -0.5), uniform(rng, {30, 3}, -0.5, 2)});
    g.opacity_logits = uniform(rng, {60}, 2, 12);
    const Errors errors = expect_like_naive(g, rng);
    EXPECT_GT(errors.capped, 20);
    EXPECT_GT(errors.finished, 100);
    report("opaque", errors);
  }
}

// --- the bridge itself
// ----------------------------------------------------------------------------

const Tensor kWhite = torch::ones({3});

GaussianTensors float_leaves(std::uint64_t seed, int sh_degree = -1) {
  Rng rng(seed);
  return leaves(random_gaussians(rng, 40, sh_degree), torch::kFloat);
}

std::vector<Tensor> gradients(const GaussianTensors& g) {
  std::vector<Tensor> all;
  for (const auto& [name, member] : groups_of(g)) {
    all.push_back((g.*member).grad().clone());
  }
  return all;
}

void expect_equal(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(torch::equal(a[i], b[i])) << "parameter " << i;
  }
}

/// The cloud that the tensors stand for.
splat::Scene scene_of(const GaussianTensors& g) {
  splat::GaussianCloud cloud;
  cloud.resize(static_cast<std::size_t>(g.means.size(0)));
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    const auto at = [i](const Tensor& t, int k) {
      return t.detach().flatten()[static_cast<std::int64_t>(i) * t[0].numel() + k].item<float>();
    };
    cloud.positions[i] = {at(g.means, 0), at(g.means, 1), at(g.means, 2)};
    cloud.log_scales[i] = {at(g.log_scales, 0), at(g.log_scales, 1), at(g.log_scales, 2)};
    cloud.rotations[i] = glm::quat(at(g.quats, 0), at(g.quats, 1), at(g.quats, 2), at(g.quats, 3));
    cloud.opacity_logits[i] = at(g.opacity_logits, 0);
    cloud.f_dc[i] = {at(g.f_dc, 0), at(g.f_dc, 1), at(g.f_dc, 2)};
  }
  return splat::activate(cloud);
}

TEST(TorchBridge, DrawsWhatTheRendererDraws) {
  const GaussianTensors g = float_leaves(31);
  TorchRenderer renderer(2);
  const Frame expected = render(scene_of(g), test_camera(), {.background = glm::vec3(1)});
  const auto frame = renderer.draw(g, test_camera(), kWhite);
  ASSERT_TRUE(frame) << frame.error().message();
  EXPECT_EQ(frame->rgb.sizes(), (std::vector<std::int64_t>{kHeight, kWidth, 3}));
  EXPECT_EQ(frame->alpha.sizes(), (std::vector<std::int64_t>{kHeight, kWidth}));
  EXPECT_EQ(frame->depth.sizes(), (std::vector<std::int64_t>{kHeight, kWidth}));
  const auto bytes_equal = [](const Tensor& tensor, const std::vector<float>& values) {
    const float* data = tensor.data_ptr<float>();
    return std::equal(values.begin(), values.end(), data, data + tensor.numel());
  };
  EXPECT_TRUE(bytes_equal(frame->rgb, expected.rgb));
  EXPECT_TRUE(bytes_equal(frame->alpha, expected.alpha));
  EXPECT_TRUE(bytes_equal(frame->depth, expected.depth));
}

TEST(TorchBridge, RecordsNothingWhenNoGradientIsWanted) {
  const GaussianTensors g = float_leaves(32);
  TorchRenderer renderer(1);
  {
    const torch::NoGradGuard guard;
    EXPECT_FALSE(renderer.draw(g, test_camera(), kWhite)->rgb.requires_grad());
  }
  Rng rng(32);
  const GaussianTensors constants = random_gaussians(rng, 40, -1);
  EXPECT_FALSE(renderer.draw(constants, test_camera(), kWhite)->rgb.requires_grad());
  EXPECT_TRUE(renderer.draw(g, test_camera(), kWhite)->rgb.requires_grad());
}

TEST(TorchBridge, TakesSeveralFramesBeforeOneBackwardPass) {
  Camera other = orbit_camera({100, -10, 2.5F, 49.1F, 24});
  TorchRenderer renderer(1);
  const GaussianTensors apart = float_leaves(33, 2);
  renderer.draw(apart, test_camera(), kWhite)->rgb.square().sum().backward();
  renderer.draw(apart, other, kWhite)->rgb.square().sum().backward();

  const GaussianTensors together = float_leaves(33, 2);
  const auto first = renderer.draw(together, test_camera(), kWhite);
  const auto second = renderer.draw(together, other, kWhite);
  (first->rgb.square().sum() + second->rgb.square().sum()).backward();
  expect_equal(gradients(together), gradients(apart));
  EXPECT_FALSE(torch::equal(first->screen->centres, second->screen->centres));
}

TEST(TorchBridge, DifferentiatesTheFrameAsItWasDrawn) {
  TorchRenderer renderer(1);
  const GaussianTensors kept = float_leaves(34), changed = float_leaves(34);
  renderer.draw(kept, test_camera(), kWhite)->rgb.square().sum().backward();
  const auto frame = renderer.draw(changed, test_camera(), kWhite);
  {
    const torch::NoGradGuard guard;
    changed.means.add_(0.3);
    changed.opacity_logits.mul_(-1);
  }
  frame->rgb.square().sum().backward();
  expect_equal(gradients(changed), gradients(kept));
}

TEST(TorchBridge, FramesOutliveTheirRenderer) {
  const GaussianTensors g = float_leaves(35), same = float_leaves(35);
  TorchRenderer renderer(1);
  renderer.draw(same, test_camera(), kWhite)->alpha.sum().backward();
  auto frame = TorchRenderer(2).draw(g, test_camera(), kWhite);
  frame->alpha.sum().backward();
  expect_equal(gradients(g), gradients(same));
}

TEST(TorchBridge, LeavesNoTraceOfAFrameInTheNext) {
  const GaussianTensors g = float_leaves(45), same = float_leaves(45);
  TorchRenderer used(1), fresh(1);
  {
    Rng rng(46);
    const GaussianTensors larger = leaves(random_gaussians(rng, 300, 3), torch::kFloat);
    const Camera wide = orbit_camera({.size = 70});
    used.draw(larger, wide, torch::zeros({3}))->depth.sum().backward();
  }
  const auto after = used.draw(g, test_camera(), kWhite);
  const auto first = fresh.draw(same, test_camera(), kWhite);
  EXPECT_TRUE(torch::equal(after->rgb, first->rgb));
  after->depth.sum().backward();
  first->depth.sum().backward();
  expect_equal(gradients(g), gradients(same));
}

TEST(TorchBridge, TakesLossesOfPartsAndOfPermutedFrames) {
  const GaussianTensors g = float_leaves(36), same = float_leaves(36);
  TorchRenderer renderer(1);
  // The gradients that arrive are missing for depth and alpha, and not contiguous for colour.
  const auto channels_first = renderer.draw(g, test_camera(), kWhite)->rgb.permute({2, 0, 1});
  (channels_first.slice(2, 3, 9) * 2).sum().backward();
  (renderer.draw(same, test_camera(), kWhite)->rgb.slice(1, 3, 9) * 2).sum().backward();
  expect_equal(gradients(g), gradients(same));
  EXPECT_GT(g.means.grad().abs().max().item<float>(), 0);
}

TEST(TorchBridge, ReportsTheStatisticsOfTheBackwardPass) {
  const GaussianTensors g = float_leaves(37);
  TorchRenderer renderer(1);
  const auto frame = renderer.draw(g, test_camera(), kWhite);
  EXPECT_FALSE(frame->screen->centres.defined());
  frame->rgb.sum().backward();

  ThreadPool pool(1);
  Renderer direct(pool);
  Frame drawn;
  SceneGradient expected;
  const splat::Scene scene = scene_of(g);
  direct.draw(scene, test_camera(), {.differentiable = true}, drawn);
  const std::vector<float> ones(drawn.rgb.size(), 1.0F);
  ASSERT_TRUE(direct.backward(scene, {.rgb = ones, .with_centres_abs = true}, expected));
  ASSERT_EQ(frame->screen->centres.sizes(), (std::vector<std::int64_t>{40, 2}));
  ASSERT_EQ(frame->screen->radii.sizes(), (std::vector<std::int64_t>{40}));
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(frame->screen->centres[i][1].item<float>(), expected.centres[i].y);
    EXPECT_EQ(frame->screen->centres_abs[i][0].item<float>(), expected.centres_abs[i].x);
    EXPECT_EQ(frame->screen->radii[i].item<float>(), expected.radii[i]);
  }
  EXPECT_GT(frame->screen->centres_abs.max().item<float>(), 0);
}

TEST(TorchBridge, GivesTheSameGradientsForAnyNumberOfThreads) {
  const GaussianTensors one = float_leaves(38, 3), many = float_leaves(38, 3);
  TorchRenderer single(1), pooled(3);
  single.draw(one, test_camera(), kWhite)->rgb.square().sum().backward();
  pooled.draw(many, test_camera(), kWhite)->rgb.square().sum().backward();
  expect_equal(gradients(many), gradients(one));
}

TEST(TorchBridge, RefusesSecondDerivatives) {
  const GaussianTensors g = float_leaves(39);
  TorchRenderer renderer(1);
  const auto frame = renderer.draw(g, test_camera(), kWhite);
  EXPECT_THROW(torch::autograd::grad({frame->rgb.sum()}, {g.means}, {}, /*retain_graph=*/true,
                                     /*create_graph=*/true),
               c10::Error);
}

TEST(TorchBridge, DrawsAndDifferentiatesAnEmptyScene) {
  Rng rng(40);
  const GaussianTensors g = leaves(random_gaussians(rng, 0, -1), torch::kFloat);
  TorchRenderer renderer(1);
  const auto frame = renderer.draw(g, test_camera(), kWhite);
  ASSERT_TRUE(frame) << frame.error().message();
  EXPECT_EQ(frame->rgb.min().item<float>(), 1);
  frame->rgb.sum().backward();
  EXPECT_EQ(g.quats.grad().sizes(), (std::vector<std::int64_t>{0, 4}));
}

TEST(TorchBridge, TakesInfiniteOpacityLogits) {
  GaussianTensors g = float_leaves(47);
  {
    const torch::NoGradGuard guard;
    g.opacity_logits[3] = INFINITY;
    g.opacity_logits[4] = -INFINITY;
  }
  TorchRenderer renderer(1);
  const auto frame = renderer.draw(g, test_camera(), kWhite);
  ASSERT_TRUE(frame) << frame.error().message();
  frame->rgb.square().sum().backward();
  EXPECT_EQ(g.opacity_logits.grad()[3].item<float>(), 0);
  EXPECT_EQ(g.opacity_logits.grad()[4].item<float>(), 0);
  for (const Tensor& by : gradients(g)) {
    EXPECT_TRUE(by.isfinite().all().item<bool>());
  }
}

TEST(TorchBridge, DescendsToAPicture) {
  Rng rng(41);
  const GaussianTensors goal = random_gaussians(rng, 40, 1);
  const GaussianTensors g = float_leaves(42, 1);
  TorchRenderer renderer(1);
  const Tensor target = renderer.draw(goal, test_camera(), kWhite)->rgb;
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    const Tensor loss = (renderer.draw(g, test_camera(), kWhite)->rgb - target).square().mean();
    last = loss.item<double>();
    first = step == 0 ? last : first;
    loss.backward();
    const torch::NoGradGuard guard;
    for (const auto& [name, member] : groups_of(g)) {
      Tensor& by = (g.*member).mutable_grad();
      // Steps of one length for every group, shorter as the descent goes on.
      (g.*member).sub_(by * (0.03 / (1 + 0.05 * step)) / (by.square().mean().sqrt() + 1e-12));
      by.zero_();
    }
  }
  EXPECT_LT(last, first / 4) << "from " << first;
}

std::string refusal(const GaussianTensors& g, const Camera& camera = test_camera(),
                    const Tensor& background = kWhite) {
  TorchRenderer renderer(1);
  const auto frame = renderer.draw(g, camera, background);
  EXPECT_FALSE(frame);
  if (frame) {
    return "accepted";
  }
  EXPECT_EQ(frame.error().code, Errc::invalid_input);
  return frame.error().context;
}

TEST(TorchBridge, NamesTheTensorThatItCannotTake) {
  Rng rng(43);
  const GaussianTensors good = random_gaussians(rng, 5, 1);
  GaussianTensors g = good;
  g.quats = good.quats.to(torch::kDouble);
  EXPECT_EQ(refusal(g), "quats: float32 expected, got Double");
  g = good;
  g.log_scales = good.log_scales.slice(0, 0, 4);
  EXPECT_EQ(refusal(g), "log_scales: shape [5, 3] expected, got [4, 3]");
  g = good;
  g.means = good.means.t().contiguous().t();
  EXPECT_EQ(refusal(g), "means: a contiguous tensor expected");
  g = good;
  g.means = torch::zeros({});
  EXPECT_EQ(refusal(g), "means: shape [0, 3] expected, got []");
  g = good;
  g.opacity_logits = good.opacity_logits.unsqueeze(1);
  EXPECT_EQ(refusal(g), "opacity_logits: shape [5] expected, got [5, 1]");
  g = good;
  g.f_dc = Tensor();
  EXPECT_EQ(refusal(g), "f_dc: a tensor expected, got an undefined one");
  g = good;
  g.f_dc = good.f_dc.to_sparse();
  EXPECT_EQ(refusal(g), "f_dc: a dense tensor on the CPU expected, got one on cpu");
  g = good;
  g.f_dc = good.f_dc.to(torch::kMeta);
  EXPECT_EQ(refusal(g), "f_dc: a dense tensor on the CPU expected, got one on meta");
  g = good;
  g.sh_rest = torch::zeros({5, 4, 3});
  EXPECT_EQ(refusal(g), "sh_rest: shape [N, K, 3] with K = 0, 3, 8 or 15 expected, got [5, 4, 3]");
  EXPECT_EQ(refusal(good, test_camera(), torch::ones({4})),
            "background: shape [3] expected, got [4]");
  Camera blind = test_camera();
  blind.width = 0;
  EXPECT_EQ(refusal(good, blind), "camera: 1 to 32767 pixels a side expected, got 0x20");
}

TEST(TorchBridge, NamesTheFirstGaussianThatIsNotFinite) {
  Rng rng(44);
  const GaussianTensors good = random_gaussians(rng, 50, 1);
  const auto refusal_of = [&](Tensor GaussianTensors::*member, int row, float value) {
    GaussianTensors g = good;
    g.*member = (good.*member).clone();
    (g.*member).flatten()[row * (g.*member)[0].numel()] = value;
    (g.*member).flatten()[(row + 5) * (g.*member)[0].numel()] = value;
    return refusal(g);
  };
  EXPECT_EQ(refusal_of(&GaussianTensors::means, 37, NAN), "gaussian 37: means is not finite");
  EXPECT_EQ(refusal_of(&GaussianTensors::log_scales, 0, INFINITY),
            "gaussian 0: exp(log_scales) is not finite");
  EXPECT_EQ(refusal_of(&GaussianTensors::log_scales, 3, 1000),
            "gaussian 3: exp(log_scales) is not finite");
  EXPECT_EQ(refusal_of(&GaussianTensors::quats, 8, NAN), "gaussian 8: quats is zero or not finite");
  EXPECT_EQ(refusal_of(&GaussianTensors::opacity_logits, 44, NAN),
            "gaussian 44: opacity_logits is not a number");
  EXPECT_EQ(refusal_of(&GaussianTensors::f_dc, 1, -INFINITY), "gaussian 1: f_dc is not finite");
  EXPECT_EQ(refusal_of(&GaussianTensors::sh_rest, 2, NAN), "gaussian 2: sh_rest is not finite");
  GaussianTensors g = good;
  g.quats = good.quats.clone();
  g.quats[6].zero_();
  EXPECT_EQ(refusal(g), "gaussian 6: quats is zero or not finite");
}

}  // namespace
}  // namespace lode::render
