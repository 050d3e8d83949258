#include "render/torch_bridge.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <cstring>
#include <mutex>

#include "base/thread_pool.h"
#include "render/render.h"

namespace lode::render {
namespace {

constexpr int kMaxSide = 32767;  // Renderer's

/// All that one frame needs, to be used again for another when the first is forgotten.
struct Workspace {
  explicit Workspace(ThreadPool& pool) : renderer(pool) {}

  splat::GaussianCloud cloud;
  splat::Scene scene;
  Renderer renderer;
  Frame frame;
  SceneGradient gradient;
  splat::GaussianCloud raw_gradient;
};

}  // namespace

struct TorchRenderer::State {
  explicit State(int threads) : pool(threads) {}

  std::unique_ptr<Workspace> take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) {
      return std::make_unique<Workspace>(pool);
    }
    std::unique_ptr<Workspace> workspace = std::move(idle.back());
    idle.pop_back();
    return workspace;
  }
  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard lock(mutex);
    idle.push_back(std::move(workspace));
  }

  ThreadPool pool;
  std::mutex mutex;  // autograd may drop a graph, and with it a workspace, on a thread of its own
  std::vector<std::unique_ptr<Workspace>> idle;
};

namespace {

/// A workspace for as long as autograd may ask for the frame's derivative.
struct Drawing final : torch::CustomClassHolder {
  explicit Drawing(std::shared_ptr<TorchRenderer::State> owner)
      : state(std::move(owner)), work(state->take()) {}
  ~Drawing() override { state->give_back(std::move(work)); }
  Drawing(const Drawing&) = delete;
  Drawing& operator=(const Drawing&) = delete;

  std::shared_ptr<TorchRenderer::State> state;
  std::unique_ptr<Workspace> work;
  std::shared_ptr<ScreenStatistics> screen = std::make_shared<ScreenStatistics>();
};

using Shape = std::vector<std::int64_t>;

std::string shape_text(c10::IntArrayRef shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  }
  return text + "]";
}

Result<void> validate_tensor(const char* name, const at::Tensor& tensor, const Shape& shape) {
  const std::string where = std::string(name) + ": ";
  if (!tensor.defined()) {
    return fail(Errc::invalid_input, where + "a tensor expected, got an undefined one");
  }
  if (tensor.layout() != at::kStrided || !tensor.device().is_cpu()) {
    return fail(Errc::invalid_input,
                where + "a dense tensor on the CPU expected, got one on " + tensor.device().str());
  }
  if (tensor.scalar_type() != at::kFloat) {
    return fail(Errc::invalid_input,
                where + "float32 expected, got " + c10::toString(tensor.scalar_type()));
  }
  if (tensor.sizes() != c10::IntArrayRef(shape)) {
    return fail(Errc::invalid_input, where + "shape " + shape_text(shape) + " expected, got " +
                                         shape_text(tensor.sizes()));
  }
  if (!tensor.is_contiguous()) {
    return fail(Errc::invalid_input, where + "a contiguous tensor expected");
  }
  return {};
}

/// The SH degree of K coefficients above degree 0.
Result<int> degree_of(const at::Tensor& sh_rest) {
  for (int degree = 0; sh_rest.dim() == 3 && degree <= 3; ++degree) {
    if (sh_rest.size(1) == splat::sh_rest_count(degree)) {
      return degree;
    }
  }
  return fail(Errc::invalid_input,
              "sh_rest: shape [N, K, 3] with K = 0, 3, 8 or 15 expected, got " +
                  shape_text(sh_rest.sizes()));
}

Result<void> validate(const GaussianTensors& gaussians, const Camera& camera,
                      const at::Tensor& background) {
  if (camera.width <= 0 || camera.height <= 0 || camera.width > kMaxSide ||
      camera.height > kMaxSide) {
    return fail(Errc::invalid_input,
                "camera: 1 to " + std::to_string(kMaxSide) + " pixels a side expected, got " +
                    std::to_string(camera.width) + "x" + std::to_string(camera.height));
  }
  const std::int64_t count =
      gaussians.means.defined() && gaussians.means.dim() > 0 ? gaussians.means.size(0) : 0;
  LODE_CHECK(validate_tensor("means", gaussians.means, {count, 3}));
  LODE_CHECK(validate_tensor("quats", gaussians.quats, {count, 4}));
  LODE_CHECK(validate_tensor("log_scales", gaussians.log_scales, {count, 3}));
  LODE_CHECK(validate_tensor("opacity_logits", gaussians.opacity_logits, {count}));
  LODE_CHECK(validate_tensor("f_dc", gaussians.f_dc, {count, 3}));
  if (gaussians.sh_rest.defined()) {
    LODE_TRY(const int degree, degree_of(gaussians.sh_rest));
    LODE_CHECK(
        validate_tensor("sh_rest", gaussians.sh_rest, {count, splat::sh_rest_count(degree), 3}));
  }
  return validate_tensor("background", background, {3});
}

/// Copies the tensors, which are valid, into a cloud.
void load(const GaussianTensors& gaussians, splat::GaussianCloud& cloud) {
  const auto count = static_cast<std::size_t>(gaussians.means.size(0));
  cloud.sh_degree = gaussians.sh_rest.defined() ? *degree_of(gaussians.sh_rest) : 0;
  cloud.resize(count);
  const auto copy = [](const at::Tensor& from, auto& to) {
    if (from.defined() && from.numel() > 0) {
      std::memcpy(to.data(), from.data_ptr<float>(), from.nbytes());
    }
  };
  copy(gaussians.means, cloud.positions);
  copy(gaussians.log_scales, cloud.log_scales);
  copy(gaussians.opacity_logits, cloud.opacity_logits);
  copy(gaussians.f_dc, cloud.f_dc);
  copy(gaussians.sh_rest, cloud.sh_rest);
  const float* q = gaussians.quats.data_ptr<float>();
  for (std::size_t i = 0; i < count; ++i, q += 4) {
    cloud.rotations[i] = glm::quat(q[0], q[1], q[2], q[3]);
  }
}

/// Why a gaussian cannot be drawn, or null.
const char* fault_of(const splat::GaussianCloud& cloud, const splat::Scene& scene, std::size_t i) {
  const auto is_finite = [](const glm::vec3& v) { return std::isfinite(v.x + v.y + v.z); };
  if (!is_finite(cloud.positions[i])) {
    return "means is not finite";
  }
  if (!is_finite(cloud.log_scales[i]) || !is_finite(scene.scales[i])) {
    return "exp(log_scales) is not finite";
  }
  const float length = glm::dot(scene.rotations[i], scene.rotations[i]);
  if (!std::isfinite(length)) {
    return "quats is zero or not finite";
  }
  if (std::isnan(cloud.opacity_logits[i])) {  // infinite ones are plain 0 and 1
    return "opacity_logits is not a number";
  }
  if (!is_finite(cloud.f_dc[i])) {
    return "f_dc is not finite";
  }
  const auto per_gaussian = static_cast<std::size_t>(splat::sh_rest_count(cloud.sh_degree)) * 3;
  for (std::size_t k = i * per_gaussian; k < (i + 1) * per_gaussian; ++k) {
    if (!std::isfinite(cloud.sh_rest[k])) {
      return "sh_rest is not finite";
    }
  }
  return nullptr;
}

Result<void> validate_gaussians(const splat::GaussianCloud& cloud, const splat::Scene& scene) {
  for (std::size_t i = 0; i < cloud.size(); ++i) {
    if (const char* fault = fault_of(cloud, scene, i)) {
      return fail(Errc::invalid_input, "gaussian " + std::to_string(i) + ": " + fault);
    }
  }
  return {};
}

template <class Element>
at::Tensor to_tensor(const std::vector<Element>& values, const Shape& shape) {
  at::Tensor tensor = at::empty(shape, at::kFloat);
  if (tensor.numel() > 0) {
    std::memcpy(tensor.data_ptr<float>(), values.data(), tensor.nbytes());
  }
  return tensor;
}

at::Tensor to_tensor(const std::vector<glm::quat>& quats) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(quats.size()), 4}, at::kFloat);
  float* out = tensor.data_ptr<float>();
  for (const glm::quat& q : quats) {
    *out++ = q.w;
    *out++ = q.x;
    *out++ = q.y;
    *out++ = q.z;
  }
  return tensor;
}

std::span<const float> span_of(const at::Tensor& contiguous) {
  return contiguous.defined() ? std::span<const float>(contiguous.data_ptr<float>(),
                                                       static_cast<std::size_t>(contiguous.numel()))
                              : std::span<const float>();
}

void draw_into(Workspace& work, const Camera& camera, const at::Tensor& background,
               bool differentiable) {
  const float* colour = background.data_ptr<float>();
  work.renderer.draw(
      work.scene, camera,
      {.background = {colour[0], colour[1], colour[2]}, .differentiable = differentiable},
      work.frame);
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

variable_list frame_tensors(const Frame& frame) {
  const std::int64_t height = frame.height, width = frame.width;
  return {to_tensor(frame.rgb, {height, width, 3}), to_tensor(frame.alpha, {height, width}),
          to_tensor(frame.depth, {height, width})};
}

/// Hands out what the workspace of `drawing` holds; its inputs are what autograd differentiates by.
struct DrawFunction : torch::autograd::Function<DrawFunction> {
  enum Input { kMeans, kQuats, kLogScales, kOpacityLogits, kFDc, kShRest, kBackground, kDrawing };
  static constexpr std::size_t kInputs = kDrawing + 1;

  static variable_list forward(AutogradContext* context, const at::Tensor&, const at::Tensor&,
                               const at::Tensor&, const at::Tensor&, const at::Tensor&,
                               const c10::optional<at::Tensor>&, const at::Tensor&,
                               const c10::intrusive_ptr<Drawing>& drawing) {
    context->saved_data["drawing"] = c10::IValue::make_capsule(drawing);
    context->set_materialize_grads(false);
    return frame_tensors(drawing->work->frame);
  }

  static variable_list backward(AutogradContext* context, variable_list by_outputs) {
    TORCH_CHECK(!at::GradMode::is_enabled(),
                "the renderer has no second derivative: create_graph cannot be used");
    const auto holder = context->saved_data["drawing"].toCapsule();
    return backward(static_cast<Drawing&>(*holder), std::move(by_outputs));
  }

 private:
  static variable_list backward(Drawing& drawing, variable_list by_outputs) {
    for (at::Tensor& by : by_outputs) {
      by = by.defined() ? by.contiguous() : by;
    }
    const at::Tensor &by_rgb = by_outputs[0], &by_alpha = by_outputs[1], &by_depth = by_outputs[2];
    Workspace& work = *drawing.work;
    const auto done = work.renderer.backward(work.scene,
                                             {.rgb = span_of(by_rgb),
                                              .alpha = span_of(by_alpha),
                                              .depth = span_of(by_depth),
                                              .with_centres_abs = true},
                                             work.gradient);
    TORCH_CHECK(done, "the frame cannot be differentiated: ", done.error().message());
    const SceneGradient& gradient = work.gradient;
    const splat::GaussianCloud& raw = work.raw_gradient;
    raw_gradient(work.cloud, work.scene, gradient, work.raw_gradient);

    const auto count = static_cast<std::int64_t>(raw.size());
    *drawing.screen = {to_tensor(gradient.centres, {count, 2}),
                       to_tensor(gradient.centres_abs, {count, 2}),
                       to_tensor(gradient.radii, {count})};
    variable_list by(kInputs);
    by[kMeans] = to_tensor(raw.positions, {count, 3});
    by[kQuats] = to_tensor(raw.rotations);
    by[kLogScales] = to_tensor(raw.log_scales, {count, 3});
    by[kOpacityLogits] = to_tensor(raw.opacity_logits, {count});
    by[kFDc] = to_tensor(raw.f_dc, {count, 3});
    if (work.scene.sh_degree) {
      by[kShRest] = to_tensor(raw.sh_rest, {count, splat::sh_rest_count(*work.scene.sh_degree), 3});
    }
    by[kBackground] = background_gradient(work.frame, span_of(by_rgb));
    return by;
  }

  /// What is left of the light, summed over the pixels, in double for its length.
  static at::Tensor background_gradient(const Frame& frame, std::span<const float> by_rgb) {
    glm::dvec3 sum(0);
    for (std::size_t i = 0; i < by_rgb.size() / 3; ++i) {
      const double remaining = 1 - double{frame.alpha[i]};
      sum += remaining * glm::dvec3(by_rgb[3 * i], by_rgb[3 * i + 1], by_rgb[3 * i + 2]);
    }
    return to_tensor(std::vector<glm::vec3>{glm::vec3(sum)}, {3});
  }
};

bool wants_gradient(const GaussianTensors& gaussians, const at::Tensor& background) {
  if (!at::GradMode::is_enabled()) {
    return false;
  }
  for (const at::Tensor* tensor :
       {&gaussians.means, &gaussians.quats, &gaussians.log_scales, &gaussians.opacity_logits,
        &gaussians.f_dc, &gaussians.sh_rest, &background}) {
    if (tensor->defined() && tensor->requires_grad()) {
      return true;
    }
  }
  return false;
}

}  // namespace

TorchRenderer::TorchRenderer(int threads) : state_(std::make_shared<State>(threads)) {}

Result<TorchFrame> TorchRenderer::draw(const GaussianTensors& gaussians, const Camera& camera,
                                       const at::Tensor& background) {
  LODE_CHECK(validate(gaussians, camera, background));
  const auto drawing = c10::make_intrusive<Drawing>(state_);
  Workspace& work = *drawing->work;
  load(gaussians, work.cloud);
  splat::activate(
      work.cloud,
      gaussians.sh_rest.defined() ? splat::ColourModel::view_dependent : splat::ColourModel::flat,
      work.scene);
  LODE_CHECK(validate_gaussians(work.cloud, work.scene));
  const bool differentiable = wants_gradient(gaussians, background);
  draw_into(work, camera, background, differentiable);
  if (!differentiable) {
    const variable_list frame = frame_tensors(work.frame);
    return TorchFrame{frame[0], frame[1], frame[2], drawing->screen};
  }
  // autograd refuses undefined inputs, but not absent ones.
  const auto sh_rest = gaussians.sh_rest.defined() ? c10::optional<at::Tensor>(gaussians.sh_rest)
                                                   : c10::optional<at::Tensor>();
  const variable_list frame =
      DrawFunction::apply(gaussians.means, gaussians.quats, gaussians.log_scales,
                          gaussians.opacity_logits, gaussians.f_dc, sh_rest, background, drawing);
  return TorchFrame{frame[0], frame[1], frame[2], drawing->screen};
}

}  // namespace lode::render
