#include "weights/check.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <vector>

#include "base/encoding.h"
#include "weights/float_convert.h"

namespace lode::weights {
namespace {

/// Sums up finite values; doubles, because f64 and i64 tensors exist.
struct Summary {
  std::uint64_t non_finite = 0;
  double min = std::numeric_limits<double>::infinity(), max = -min;
  double squares = 0;

  void add(double value) {
    if (!std::isfinite(value)) {
      ++non_finite;
      return;
    }
    min = std::min(min, value);
    max = std::max(max, value);
    squares += value * value;
  }
};

template <class Stored>
void add_wide(ByteView bytes, Summary& summary) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(Stored)) {
    Stored value;
    std::memcpy(&value, &bytes[at], sizeof(value));
    summary.add(static_cast<double>(value));
  }
}

/// The floats of a tensor in lanes side by side, which the compiler turns into vectors.
struct Lanes {
  static constexpr std::size_t kCount = 8;
  std::array<std::uint32_t, kCount> non_finite{};
  std::array<float, kCount> min, max;
  std::array<double, kCount> squares{};

  Lanes() {
    min.fill(std::numeric_limits<float>::infinity());
    max.fill(-std::numeric_limits<float>::infinity());
  }

  void add(std::span<const float, kCount> values) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const bool is_finite = std::abs(values[i]) <= std::numeric_limits<float>::max();
      const float value = is_finite ? values[i] : 0.0F;
      non_finite[i] += is_finite ? 0U : 1U;
      min[i] = is_finite && value < min[i] ? value : min[i];
      max[i] = is_finite && value > max[i] ? value : max[i];
      squares[i] += static_cast<double>(value) * static_cast<double>(value);
    }
  }

  void add_to(Summary& summary) const {
    for (std::size_t i = 0; i < kCount; ++i) {
      summary.non_finite += non_finite[i];
      summary.min = std::min(summary.min, static_cast<double>(min[i]));
      summary.max = std::max(summary.max, static_cast<double>(max[i]));
      summary.squares += squares[i];
    }
  }
};

/// Types that a float holds exactly, a piece at a time.
void add_narrow(DType dtype, ByteView bytes, Summary& summary) {
  std::array<float, 4096> piece;
  const std::size_t width = element_bytes(dtype);
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece.size(), bytes.size() / width);
    const std::span<float> values = std::span(piece).first(count);
    to_float(dtype, bytes.first(count * width), values);
    Lanes lanes;
    std::size_t at = 0;
    for (; at + Lanes::kCount <= count; at += Lanes::kCount) {
      lanes.add(values.subspan(at).first<Lanes::kCount>());
    }
    lanes.add_to(summary);
    for (; at < count; ++at) {
      summary.add(values[at]);
    }
    bytes = bytes.subspan(count * width);
  }
}

using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

Error hash_failed(const std::filesystem::path& path) {
  return fail(Errc::internal, path.string() + ": SHA-256 is not available");
}

/// The size of a regular file.
Result<std::uint64_t> size_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    return fail(Errc::not_found, path.string() + ": no such file");
  }
  if (!error && !std::filesystem::is_regular_file(status)) {
    return fail(Errc::invalid_input, path.string() + ": not a regular file");
  }
  const std::uint64_t size = error ? 0 : std::filesystem::file_size(path, error);
  if (error) {
    return fail(Errc::io_failure, path.string() + ": stat: " + error.message());
  }
  return size;
}

}  // namespace

TensorHealth check_values(const StoredTensor& tensor) {
  Summary summary;
  switch (tensor.dtype) {
    case DType::f64:
      add_wide<double>(tensor.bytes, summary);
      break;
    case DType::i64:
      add_wide<std::int64_t>(tensor.bytes, summary);
      break;
    case DType::i32:
      add_wide<std::int32_t>(tensor.bytes, summary);
      break;
    default:
      add_narrow(tensor.dtype, tensor.bytes, summary);
  }
  TensorHealth health{.name = std::string(tensor.name)};
  health.elements = tensor.bytes.size() / element_bytes(tensor.dtype);
  health.non_finite = summary.non_finite;
  const std::uint64_t finite = health.elements - health.non_finite;
  if (finite > 0) {
    health.min = summary.min;
    health.max = summary.max;
    health.rms = std::sqrt(summary.squares / static_cast<double>(finite));
  }
  return health;
}

Result<std::string> sha256_of_file(const std::filesystem::path& path, const HashProgress& progress,
                                   const std::stop_token& stop) {
  constexpr std::size_t kPieceBytes = 4U << 20U;
  LODE_TRY(const std::uint64_t total, size_of(path));
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(Errc::io_failure, path.string() + ": cannot be opened");
  }
  const Digest digest(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  if (!digest || EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) {
    return hash_failed(path);
  }
  std::vector<char> piece(kPieceBytes);
  for (std::uint64_t done = 0; file;) {
    if (stop.stop_requested()) {
      return fail(Errc::cancelled, path.string() + ": hashing was stopped");
    }
    file.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    const auto got = static_cast<std::size_t>(file.gcount());
    if (EVP_DigestUpdate(digest.get(), piece.data(), got) != 1) {
      return hash_failed(path);
    }
    done += got;
    if (progress && got > 0) {
      progress(done, total);
    }
  }
  if (file.bad()) {
    return fail(Errc::io_failure, path.string() + ": cannot be read");
  }
  std::array<std::uint8_t, 32> hash;
  if (EVP_DigestFinal_ex(digest.get(), hash.data(), nullptr) != 1) {
    return hash_failed(path);
  }
  return hex_encode(hash);
}

}  // namespace lode::weights
