#include "store/checkpointer.h"

#include <chrono>

#include "base/log.h"

namespace ns {

namespace {

// Pages of the log (4 KiB each): when the thread copies, and when the writer itself makes the log start over.
constexpr int kCopyAfter = 2'000;
constexpr int kStartOverAfter = 12'000;
constexpr int kTryAgainAfter = 4'000;  // more, when a reader was in the way

}  // namespace

Checkpointer::Checkpointer(Database& writer)
    : writer_(writer),
      seconds_(Metrics().histogram("neural_solution_store_checkpoint_seconds", "Time to copy committed pages from the log into the store.",
                                   RequestSeconds())),
      log_pages_(Metrics().gauge("neural_solution_store_log_pages", "Pages in the store's write-ahead log.")) {
  auto own = Database::Open(writer_.path(), false);
  if (!own.ok()) {
    LogWarning("the store's log is copied by its writer: {}", own.status().ToString());
    return;  // SQLite's own checkpoints stay on
  }
  own_ = std::move(*own);
  writer_.CountLogPages();
  thread_ = std::thread([this] { Run(); });
}

Checkpointer::~Checkpointer() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::Committed() {
  if (own_ == nullptr) return;
  int pages = writer_.log_pages();
  log_pages_.Set(pages);
  if (pages < copied_at_) copied_at_ = tried_at_ = 0;  // it started over
  if (pages >= kStartOverAfter && (tried_at_ == 0 || pages - tried_at_ >= kTryAgainAfter)) {
    AwaitThread();  // soon done, and else in the way
    (void)writer_.Checkpoint(/*start_over=*/true);
    copied_at_ = tried_at_ = pages;
  }
  if (pages - copied_at_ < kCopyAfter) return;
  copied_at_ = pages;
  {
    std::lock_guard lock(mutex_);
    asked_ = true;
  }
  wake_.notify_one();
}

void Checkpointer::Run() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || asked_; });
      if (stop_) return;
      asked_ = false;
      copying_ = true;
    }
    auto began = std::chrono::steady_clock::now();
    Status status = own_->Checkpoint(/*start_over=*/false);
    seconds_.Observe(std::chrono::steady_clock::now() - began);
    // A full disk: nothing is lost, it is all in the log. The next time it may work.
    if (!status.ok()) LogWarning("cannot copy the store's log: {}", status.ToString());
    {
      std::lock_guard lock(mutex_);
      copying_ = false;
    }
    rests_.notify_one();
  }
}

void Checkpointer::AwaitThread() {
  std::unique_lock lock(mutex_);
  rests_.wait(lock, [&] { return !asked_ && !copying_; });
}

}  // namespace ns
