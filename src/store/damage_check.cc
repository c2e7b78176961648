#include "store/damage_check.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"
#include "store/upkeep.h"

namespace ns {

DamageCheck::DamageCheck(std::unique_ptr<Database> database) : database_(std::move(database)), ended_(database_ == nullptr) {
  if (!ended_) thread_ = std::thread([this] { Run(); });
}

DamageCheck::~DamageCheck() {
  if (!thread_.joinable()) return;
  {
    std::unique_lock lock(mutex_);
    // More than once: an interruption before the query has begun is not heard.
    while (!ended_) {
      database_->Interrupt();
      wake_.wait_for(lock, std::chrono::milliseconds(10));
    }
  }
  thread_.join();
}

void DamageCheck::Run() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19);  // of this thread alone
  Status found = QuickCheck(*database_);
  if (found.code() == StatusCode::kDataLoss) {
    LogError("{} ('{}'); stop the service and restore a backup (docs/operations.md)", found.message(), database_->path().string());
  } else if (found.ok()) {
    LogInfo("the store was not closed by its last user; it is whole");
  }
  std::lock_guard lock(mutex_);
  if (found.code() == StatusCode::kDataLoss) found_ = std::move(found);
  ended_ = true;
  wake_.notify_all();
}

Status DamageCheck::found() const {
  std::lock_guard lock(mutex_);
  return found_;
}

void DamageCheck::Wait() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return ended_; });
}

bool EndedUncleanly(const std::filesystem::path& store_file) {
  std::error_code error;
  auto size = std::filesystem::file_size(store_file.string() + "-wal", error);
  return !error && size > 0;
}

}  // namespace ns
