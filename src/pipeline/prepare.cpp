#include "pipeline/prepare.h"

#include "base/file.h"
#include "splat/checks.h"
#include "splat/ply.h"
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

Result<void> write_prepared(const std::filesystem::path& path, const Prepared& prepared) {
  const std::string extension = path.extension().string();
  if (extension == ".spz") {
    return write_file(path, prepared.spz);
  }
  if (extension == ".ply") {
    return write_file(path, splat::encode_ply(prepared.cloud));
  }
  return fail(Errc::invalid_input, path.string() + ": a name ending in .ply or .spz was expected");
}

Result<splat::Scene> open_prepared(const Prepared& prepared) {
  LODE_TRY(const splat::GaussianCloud decoded, splat::decode_spz(prepared.spz));
  return splat::activate(decoded);
}

}  // namespace lode::pipeline
