#include "service/zip_maker.h"

#include "service/result_zip.h"

namespace ns {

namespace {
Status Stopping() { return Unavailable("the service is stopping and makes no downloads ready", "DRAINING"); }
}  // namespace

ZipMaker::ZipMaker(int threads) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

void ZipMaker::Make(const std::filesystem::path& folder, const std::filesystem::path& zip, Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!stop_) {
      std::vector<Done>& waiting = waiting_[zip];
      waiting.push_back(std::exchange(done, {}));
      if (waiting.size() == 1) queue_.push_back({folder, zip});
    }
  }
  wake_.notify_one();
  if (done) done(Stopping());
}

void ZipMaker::Stop() {
  std::deque<Job> left;
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
    left.swap(queue_);
  }
  wake_.notify_all();
  for (const Job& job : left) {
    for (Done& done : TakeWaiting(job.zip)) done(Stopping());
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

std::vector<ZipMaker::Done> ZipMaker::TakeWaiting(const std::filesystem::path& zip) {
  std::lock_guard lock(mutex_);
  return std::move(waiting_.extract(zip).mapped());
}

void ZipMaker::Run() {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return stop_ || !queue_.empty(); });
      if (stop_) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    std::error_code ignored;
    // It may have been made since it was asked for.
    Status status = std::filesystem::exists(job.zip, ignored) ? OkStatus() : ZipFolder(job.folder, job.zip, [this] { return stop_.load(); });
    if (status.code() == StatusCode::kCancelled) status = Stopping();
    for (Done& done : TakeWaiting(job.zip)) done(status);
  }
}

}  // namespace ns
