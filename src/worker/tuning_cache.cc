#include "worker/tuning_cache.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "tasks/cache_folder.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

constexpr const char* kKey = "key";
constexpr const char* kValue = "value";

std::string FileName(const std::string& whole) { return Sha256Hex(whole) + ".json"; }

}  // namespace

std::optional<std::string> TuningCache::Get(const std::string& key) const {
  std::string whole = context_ + key;
  std::vector<fs::path> folders = options_.read;
  if (!options_.write.empty()) folders.push_back(options_.write);
  for (const fs::path& folder : folders) {
    fs::path file = folder / FileName(whole);
    auto text = ReadFile(file);
    if (!text.ok()) continue;
    auto json = nlohmann::json::parse(*text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || json.value(kKey, "") != whole || !json.contains(kValue) || !json[kValue].is_string()) continue;
    (void)::utimensat(AT_FDCWD, file.c_str(), nullptr, 0);  // used now; where we may not say so it just ages
    return json[kValue].get<std::string>();
  }
  return std::nullopt;
}

void TuningCache::Put(const std::string& key, const std::string& value) const {
  if (options_.write.empty()) return;
  std::string whole = context_ + key;
  std::string text = nlohmann::json{{kKey, whole}, {kValue, value}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() > kMaxCacheEntryBytes) return;
  std::error_code error;
  fs::create_directories(options_.write, error);
  Status status = error ? ErrnoStatus(error.value(), fmt::format("cannot make '{}'", options_.write.string()))
                        : WriteFileAtomic(options_.write / FileName(whole), text);
  if (status.ok()) status = TrimCacheFolder(options_.write);
  if (!status.ok()) LogWarning("a result of tuning is not kept: {}", status.message());
}

fs::path UserCacheFolder() {
  fs::path base;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && cache[0] == '/') {
    base = cache;
  } else if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') {
    base = fs::path(home) / ".cache";
  }
  return base.empty() ? base : base / "neural_solution" / "tuning";
}

}  // namespace ns
