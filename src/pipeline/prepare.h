// The last step before a cloud leaves: preconditioned, packed, and checked as the validators will.
#pragma once

#include <cstdint>
#include <filesystem>

#include "base/bytes.h"
#include "base/result.h"
#include "splat/cloud.h"

namespace lode::pipeline {

/// A cloud as it will be sent.
struct Prepared {
  splat::GaussianCloud cloud;  ///< preconditioned
  Bytes spz;                   ///< its SPZ, the exact bytes of a submission
};

/// Preconditions the cloud (splat/precondition.h), packs it, decodes those bytes again and runs the
/// validators' data checks on them. Errc::invalid_input names the check that fails.
Result<Prepared> prepare(const splat::GaussianCloud& cloud, std::uint64_t seed);

/// Writes it as the name ends: .ply or .spz. Errc::invalid_input for another ending, errors of
/// write_file.
Result<void> write_prepared(const std::filesystem::path& path, const Prepared& prepared);

/// What validators see of it: decoded and activated, not framed.
Result<splat::Scene> open_prepared(const Prepared& prepared);

}  // namespace lode::pipeline
