#include "miner/blacklist_file.h"

#include <toml++/toml.h>

#include "base/file.h"
#include "chain/keypair.h"

namespace lode::miner {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

Result<BlacklistEntry> read_entry(const toml::table& table) {
  BlacklistEntry entry;
  entry.reason = table["reason"].value_or(std::string());
  const auto uid = table["uid"].value<std::int64_t>();
  const auto hotkey = table["hotkey"].value<std::string>();
  if (uid.has_value() == hotkey.has_value()) {
    return fail(Errc::invalid_input, "either uid or hotkey was expected");
  }
  if (uid) {
    if (*uid < 0 || *uid > 65'535) {
      return fail(Errc::invalid_input, "uid: a number from 0 to 65535 was expected");
    }
    entry.uid = static_cast<int>(*uid);
    return entry;
  }
  LODE_TRY([[maybe_unused]] const auto key, chain::ss58_decode(*hotkey));
  entry.hotkey = *hotkey;
  return entry;
}

}  // namespace

Result<std::vector<BlacklistEntry>> read_blacklist_file(const std::filesystem::path& path) {
  LODE_TRY(const Bytes bytes, read_file(path, kMaxFileBytes));
  toml::table document;
  try {
    document = toml::parse(as_text(bytes), path.string());
  } catch (const toml::parse_error& error) {
    return fail(Errc::invalid_input, path.string() + " line " +
                                         std::to_string(error.source().begin.line) + ": " +
                                         std::string(error.description()));
  }
  std::vector<BlacklistEntry> entries;
  const auto* list = document["blacklist"].as_array();
  if (list == nullptr) {
    return fail(Errc::invalid_input, path.string() + ": [[blacklist]] entries were expected");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string where = path.string() + ": blacklist entry " + std::to_string(i + 1);
    const auto* table = list->get_as<toml::table>(i);
    auto entry = table == nullptr
                     ? Result<BlacklistEntry>(fail(Errc::invalid_input, "a table was expected"))
                     : read_entry(*table);
    if (!entry) {
      return annotate(entry.error(), where);
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

}  // namespace lode::miner
