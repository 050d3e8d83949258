#include "birefnet/birefnet_matter.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <utility>

#include "birefnet/open_internal.h"
#include "birefnet/preprocess_internal.h"
#include "image/pil_resize.h"
#include "nn/device.h"
#include "nn/residency.h"

namespace lode::birefnet {

class BirefnetMatter::State {
 public:
  State(Opened opened, const std::optional<int>& side)
      : description(std::move(opened.description)),
        placement_(opened.placement),
        side_(side),
        network_(opened.config, parameters_.root()),
        checkpoint_(std::move(opened.checkpoint)) {
    description.parameters = static_cast<std::uint64_t>(parameters_.count());
  }

  /// Errors for tensors that are not the network's, and a budget that no block fits.
  Result<void> bind() {
    LODE_TRY(nn::WeightBank bank,
             nn::WeightBank::bind(parameters_, checkpoint_, models::Birefnet::load_rules()));
    LODE_TRY(residency_, nn::Residency::create(std::move(bank), network_.blocks(), placement_));
    return {};
  }

  Result<cutout::Matte> matte(const image::Image& picture, std::stop_token stop) {
    const Size size = network_size({picture.width, picture.height}, side_);
    residency_->set_stop(std::move(stop));
    LODE_TRY(const at::Tensor logits, nn::guard("finding the subject", [&] {
               const at::NoGradGuard no_gradient;
               const at::Tensor x =
                   to_network(picture, size).to(placement_.device, placement_.compute);
               return network_(x, *residency_).to(at::kCPU, at::kFloat);
             }));
    if (!at::isfinite(logits).all().item<bool>()) {
      return fail(Errc::internal,
                  "the matte holds values that are no numbers: the weights are damaged, or their "
                  "values too large for the type that is computed in");
    }
    cutout::Matte matte;
    matte.alpha = image::pil_resize(from_network(logits), picture.width, picture.height,
                                    image::PilFilter::bicubic);
    matte.note = fmt::format("{} at {}x{}, patches {} {}", description.backbone, size.width,
                             size.height, description.patch_order, description.told_by);
    return matte;
  }

  BirefnetDescription description;

 private:
  nn::Placement placement_;
  std::optional<int> side_;
  nn::ParameterSet parameters_;
  models::Birefnet network_;
  weights::Checkpoint checkpoint_;
  std::unique_ptr<nn::Residency> residency_;  // drops parameters_ when it goes, so it goes first
};

BirefnetMatter::BirefnetMatter(std::unique_ptr<State> state) : state_(std::move(state)) {}
BirefnetMatter::~BirefnetMatter() = default;

Result<std::unique_ptr<BirefnetMatter>> BirefnetMatter::open(const std::filesystem::path& folder,
                                                             const BirefnetOptions& options) {
  LODE_TRY(Opened opened, open_folder(folder, options));
  auto state = std::make_unique<State>(std::move(opened), options.side);
  LODE_CHECK(state->bind());
  return std::unique_ptr<BirefnetMatter>(new BirefnetMatter(std::move(state)));
}

Result<cutout::Matte> BirefnetMatter::matte(const image::Image& picture, std::stop_token stop) {
  return state_->matte(picture, std::move(stop));
}

const BirefnetDescription& BirefnetMatter::description() const { return state_->description; }

}  // namespace lode::birefnet
