#include "service/retention.h"

#include <sys/stat.h>

#include <filesystem>
#include <future>

#include "base/log.h"
#include "base/tree.h"

namespace ns {
namespace fs = std::filesystem;

namespace {

template <typename Write>
Status Await(Write write) {
  std::promise<Status> done;
  write([&](Status status) { done.set_value(std::move(status)); });
  return done.get_future().get();
}

uint64_t BytesOf(const fs::path& file) {
  struct stat info {};
  return ::lstat(file.c_str(), &info) == 0 ? DiskBytesOf(info) : 0;
}

}  // namespace

Retention::Retention(const Options& options, const Workspace& workspace, TaskStore& store, const Clock& clock)
    : options_(options),
      workspace_(workspace),
      store_(store),
      clock_(clock),
      removed_(Metrics().counter("neural_solution_tasks_removed_total", "Ended tasks removed by the retention policy since the start.")),
      thread_([this] { Run(); }) {}

Retention::~Retention() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Retention::Rest(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !wake_.wait_for(lock, time, [&] { return stop_; });
}

void Retention::Run() {
  while (true) {
    auto began = std::chrono::steady_clock::now();
    auto more = Step();
    if (!more.ok()) LogWarning("retention: {}", more.status().ToString());
    auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    // Three quarters of the time are the requests'.
    if (!Rest(more.ok() && *more ? 3 * took + std::chrono::milliseconds(5) : options_.interval)) return;
  }
}

Result<bool> Retention::Step() {
  NS_RETURN_IF_ERROR(RemoveFiles());
  if (options_.policy.keeps_all()) return false;
  if (options_.policy.bytes) {
    NS_ASSIGN_OR_RETURN(bool measured, Measure());
    if (measured) return true;
  }
  NS_ASSIGN_OR_RETURN(std::vector<std::string> ids, Exceeding());
  if (ids.empty()) return false;
  std::promise<Result<int64_t>> done;
  store_.Remove(ids, [&](Result<int64_t> removed) { done.set_value(std::move(removed)); });
  NS_ASSIGN_OR_RETURN(int64_t removed, done.get_future().get());
  removed_.Add(static_cast<uint64_t>(removed));
  NS_RETURN_IF_ERROR(RemoveFiles());
  return removed > 0;  // none: they have workers that are about to end
}

Status Retention::RemoveFiles() {
  while (true) {
    NS_ASSIGN_OR_RETURN(std::vector<std::string> ids, store_.Leftovers(options_.step));
    if (ids.empty()) return OkStatus();
    Status failure;  // one that cannot be removed keeps no other
    std::vector<std::string> gone;
    for (const std::string& id : ids) {
      Status status = RemoveTree(workspace_.task_folder(id));
      if (status.ok()) status = RemoveTree(workspace_.task_log(id));
      if (status.ok()) gone.push_back(id);
      if (!status.ok()) failure = status;
    }
    NS_RETURN_IF_ERROR(Await([&](TaskStore::Done done) { store_.ForgetLeftovers(gone, std::move(done)); }));
    NS_RETURN_IF_ERROR(failure);
  }
}

Result<bool> Retention::Measure() {
  NS_ASSIGN_OR_RETURN(std::vector<std::string> ids, store_.Unmeasured(options_.step));
  if (ids.empty()) return false;
  std::vector<std::pair<std::string, uint64_t>> sizes;
  for (const std::string& id : ids) sizes.emplace_back(id, TreeBytes(workspace_.task_folder(id)) + BytesOf(workspace_.task_log(id)));
  NS_RETURN_IF_ERROR(Await([&](TaskStore::Done done) { store_.SetBytes(std::move(sizes), std::move(done)); }));
  return true;
}

Result<std::vector<std::string>> Retention::Exceeding() const {
  NS_ASSIGN_OR_RETURN(StoreTotals totals, store_.Totals());
  NS_ASSIGN_OR_RETURN(std::vector<EndedTask> tasks, store_.LongestEnded(options_.step));
  const RetentionPolicy& policy = options_.policy;
  std::vector<std::string> ids;
  int64_t kept = totals.ended();
  uint64_t bytes = totals.bytes;
  for (const EndedTask& task : tasks) {
    bool old = policy.age && clock_.wall() - task.ended > *policy.age;
    bool many = policy.tasks && kept > *policy.tasks;
    bool large = policy.bytes && bytes > *policy.bytes;
    if (!old && !many && !large) break;  // those that follow ended later
    ids.push_back(task.id);
    --kept;
    bytes -= std::min(bytes, task.bytes.value_or(0));
  }
  return ids;
}

}  // namespace ns
