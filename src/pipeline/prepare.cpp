#include "pipeline/prepare.h"

#include "splat/checks.h"
#include "splat/precondition.h"
#include "splat/spz.h"

namespace lode::pipeline {

Result<Prepared> prepare(const splat::GaussianCloud& cloud, std::uint64_t seed) {
  Rng rng = Rng(seed).fork("precondition");
  Prepared prepared;
  LODE_TRY(prepared.cloud, splat::precondition(cloud, rng));
  LODE_TRY(prepared.spz, splat::encode_spz(prepared.cloud));
  LODE_TRY(splat::Scene scene, open_prepared(prepared));
  if (const auto report = splat::check(scene); !report.valid()) {
    return fail(Errc::invalid_input, "data check: " + report.reasons.front());
  }
  return prepared;
}

Result<splat::Scene> open_prepared(const Prepared& prepared) {
  LODE_TRY(const splat::GaussianCloud decoded, splat::decode_spz(prepared.spz));
  return splat::activate(decoded);
}

}  // namespace lode::pipeline
