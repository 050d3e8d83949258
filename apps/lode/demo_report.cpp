#include "lode/demo_report.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "image/codec.h"
#include "miner/status.h"
#include "render/render.h"
#include "splat/spz.h"

namespace lode::commands {
namespace {

using Json = nlohmann::json;

constexpr int kTile = 192;
constexpr int kColumns = 6;
constexpr std::size_t kMaxTiles = 48;
constexpr std::size_t kMaxSpzBytes = 256 << 20;

std::string bar(int done, int goal, int width) {
  const int filled = goal == 0 ? width : std::min(width, done * width / goal);
  return std::string(static_cast<std::size_t>(filled), '#') +
         std::string(static_cast<std::size_t>(width - filled), '.');
}

bool is_skipped(const Json& row) { return row.value("state", "") == "skipped"; }

}  // namespace

DemoProgress::DemoProgress(int goal) : goal_(goal), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void DemoProgress::show(const Json& ledger, double seconds) {
  const Json totals = ledger.value("totals", Json::object());
  const std::string line = fmt::format(
      "accepted {} empty {} rejected {} violations {}, {} queued, {} generating",
      totals.value("accepted", 0), totals.value("empty", 0), totals.value("rejected", 0),
      totals.value("violations", 0), ledger.value("queued", 0), ledger.value("generating", 0));
  if (!is_terminal_) {
    if (line != last_line_) {
      fmt::print(stderr, "{:6.1f} s  {}\n", seconds, line);
      last_line_ = line;
    }
    return;
  }
  if (lines_drawn_ > 0) {
    fmt::print(stderr, "\x1b[{}A", lines_drawn_);
  }
  lines_drawn_ = 1;
  fmt::print(stderr, "\x1b[2K{:6.1f} s  {}\n", seconds, line);
  const Json validators = ledger.value("validators", Json::array());
  for (const Json& row : validators) {
    if (is_skipped(row)) {
      continue;
    }
    fmt::print(stderr, "\x1b[2K  uid {:>3} [{}] {}/{} {}\n", row.value("uid", -1),
               bar(row.value("accepted", 0), goal_, 20), row.value("accepted", 0), goal_,
               row.value("state", ""));
    ++lines_drawn_;
  }
}

Result<int> write_contact_sheet(const std::filesystem::path& artifacts,
                                const std::filesystem::path& png) {
  std::vector<std::filesystem::path> files;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(artifacts, ec)) {
    if (entry.path().extension() == ".spz") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  if (files.size() > kMaxTiles) {
    files.erase(files.begin(), files.end() - kMaxTiles);
  }
  std::vector<image::Image> tiles;
  for (const auto& file : files) {
    LODE_TRY(const Bytes bytes, read_file(file, kMaxSpzBytes));
    LODE_TRY(const splat::GaussianCloud cloud, splat::decode_spz(bytes));
    splat::Scene scene = splat::activate(cloud);
    splat::frame(scene);
    const auto camera = render::orbit_camera({.azimuth_deg = 24, .size = kTile});
    tiles.push_back(render::to_image(render::render(scene, camera, {.threads = 2})));
  }
  if (tiles.empty()) {
    return 0;
  }
  LODE_CHECK(image::write_png(png, image::tile(tiles, kColumns, 2, {200, 200, 200})));
  return static_cast<int>(tiles.size());
}

std::string format_summary(const Json& result) {
  std::string out = "\n" + miner::format_table(result) + "\nwall time per stage:\n";
  const Json stages = result.value("stages", Json::object());
  for (const auto& [stage, timing] : stages.items()) {
    out += fmt::format("  {:<18} {:>4} x  mean {:7.3f} s  max {:7.3f} s\n", stage,
                       timing.value("count", 0), timing.value("mean_seconds", 0.0),
                       timing.value("max_seconds", 0.0));
  }
  const Json totals = result.value("totals", Json::object());
  out += fmt::format(
      "\n{} accepted, {} empty, {} rejected, {} violations in {:.1f} s\nsplats: {}\n",
      totals.value("accepted", 0), totals.value("empty", 0), totals.value("rejected", 0),
      totals.value("violations", 0), result.value("seconds", 0.0), result.value("artifacts", "-"));
  const auto sheet = result.find("contact_sheet");
  out += fmt::format("contact sheet: {}\n", sheet != result.end() && sheet->is_string()
                                                ? sheet->get<std::string>()
                                                : "none: nothing was accepted");
  return out;
}

}  // namespace lode::commands
