#include "executors/environment_cache.h"

#include <algorithm>
#include <system_error>

#include "base/log.h"
#include "base/tree.h"
#include "executors/environment_use.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

bool Remove(const fs::path& folder) {
  auto removed = RemoveUnusedEnvironment(folder);
  if (!removed.ok()) LogWarning("environments: {}", removed.status().message());
  return removed.ok() && *removed;
}

}  // namespace

EnvironmentCache::EnvironmentCache(Options options) : options_(std::move(options)), thread_([this] { Run(); }) {}

EnvironmentCache::~EnvironmentCache() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void EnvironmentCache::Run() {
  std::unique_lock lock(mutex_);
  do {
    lock.unlock();
    Trim();
    lock.lock();
  } while (!wake_.wait_for(lock, options_.interval, [&] { return stop_; }));
}

// The complete ones; what failed builds left is removed on the way.
std::vector<EnvironmentCache::Entry> EnvironmentCache::Measure() {
  std::vector<Entry> entries;
  std::map<fs::path, Entry> known;
  std::error_code error;
  for (fs::directory_iterator at(options_.folder, error), end; !error && at != end; at.increment(error)) {
    std::error_code ignored;
    if (at->symlink_status(ignored).type() != fs::file_type::directory) continue;
    Entry entry{at->path(), EnvironmentUsed(at->path()), 0};
    bool complete = IsCompleteEnvironment(entry.folder);
    if (!complete && Remove(entry.folder)) continue;
    auto before = known_.find(entry.folder);
    entry.bytes = complete && before != known_.end() && before->second.used == entry.used ? before->second.bytes : TreeBytes(entry.folder);
    if (complete) known[entry.folder] = entry;
    entries.push_back(std::move(entry));
  }
  known_ = std::move(known);
  return entries;
}

void EnvironmentCache::Trim() {
  std::vector<Entry> entries = Measure();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.used < b.used; });
  uint64_t total = 0;
  for (const Entry& entry : entries) total += entry.bytes;
  for (const Entry& entry : entries) {
    if (total <= options_.max_bytes) return;
    if (!Remove(entry.folder)) continue;
    total -= entry.bytes;
    LogInfo("environments: removed {}, of {} MB, unused for longest", entry.folder.filename().string(), entry.bytes / 1'000'000);
  }
}

}  // namespace ns
