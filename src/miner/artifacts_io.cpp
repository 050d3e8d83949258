#include "miner/artifacts_io.h"

#include <cctype>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "splat/ply.h"
#include "splat/spz.h"

namespace lode::miner {
namespace {

std::string safe_name(const std::string& task_id) {
  constexpr std::size_t kMaxName = 40;
  std::string name;
  for (const char c : task_id) {
    if (name.size() < kMaxName && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-')) {
      name += c;
    }
  }
  return name;
}

std::string description(const KeptResult& result) {
  const bool is_image = result.task.type == subnet::Task::Type::image;
  const nlohmann::json json = {{"uid", result.uid},
                               {"type", is_image ? "image" : "text"},
                               {"prompt", is_image ? std::string() : result.task.prompt},
                               {"score", result.score}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<void> save_result(const std::filesystem::path& folder, const KeptResult& result,
                         ByteView spz) {
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  if (ec) {
    return fail(Errc::io_failure, folder.string() + ": " + ec.message());
  }
  const std::string stem =
      (folder / ("uid" + std::to_string(result.uid) + "_" + safe_name(result.task.id))).string();
  LODE_TRY(const splat::GaussianCloud cloud, splat::decode_spz(spz));
  LODE_CHECK(write_file(stem + ".spz", spz));
  LODE_CHECK(write_file(stem + ".ply", splat::encode_ply(cloud)));
  return write_file(stem + ".json", as_bytes(description(result)));
}

}  // namespace lode::miner
