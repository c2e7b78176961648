// Connections, and what keeps the store small and sound: the other half of task_store.h.
#include <algorithm>
#include <chrono>

#include "store/task_store_parts.h"
#include "store/upkeep.h"

namespace ns {

Result<TaskStore::Reader::Lease> TaskStore::Reader::Take() {
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return !free_.empty() || open_ < kMost; });
    if (!free_.empty()) {
      Lease lease(*this, std::move(free_.back()));
      free_.pop_back();
      return lease;
    }
    ++open_;
  }
  auto opened = Database::Open(file_, /*read_only=*/true);
  if (opened.ok()) return Lease(*this, std::move(*opened));
  std::lock_guard lock(mutex_);
  --open_;
  wake_.notify_one();
  return opened.status();
}

void TaskStore::Reader::GiveBack(std::unique_ptr<Database> database) {
  {
    std::lock_guard lock(mutex_);
    free_.push_back(std::move(database));
  }
  wake_.notify_one();
}

std::optional<TaskRecord> TaskStore::GetFromMemory(const std::string& id) const { return writer_->cache.Find(id); }

Result<StoreTotals> TaskStore::Totals() const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return ReadTotals(*reader);
}

Result<std::vector<EndedTask>> TaskStore::LongestEnded(int limit) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return ReadLongestEnded(*reader, limit);
}

Result<std::vector<std::string>> TaskStore::Unmeasured(int limit) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return ReadUnmeasured(*reader, limit);
}

Result<std::vector<std::string>> TaskStore::Leftovers(int limit) const {
  NS_ASSIGN_OR_RETURN(auto reader, reader_->Take());
  return ReadLeftovers(*reader, limit);
}

void TaskStore::SetBytes(std::vector<std::pair<std::string, uint64_t>> sizes, Done done) {
  writer_->committer.Queue([sizes = std::move(sizes)](Database& database) { return WriteBytes(database, sizes); }, std::move(done));
}

void TaskStore::ForgetBytes(const std::string& id, Done done) {
  writer_->committer.Queue(
      [id](Database& database) -> Status {
        NS_ASSIGN_OR_RETURN(Statement update, database.Prepare("UPDATE tasks SET bytes=NULL WHERE id=?"));
        return update.Bind(id).Run();
      },
      std::move(done));
}

void TaskStore::Remove(std::vector<std::string> ids, std::function<void(Result<int64_t>)> done) {
  auto removed = std::make_shared<int64_t>(0);
  writer_->committer.Queue(
      [ids, removed](Database& database) {
        NS_ASSIGN_OR_RETURN(*removed, RemoveEnded(database, ids));
        return OkStatus();
      },
      [ids, removed, cache = &writer_->cache, done = std::move(done)](Status status) {
        for (const std::string& id : ids) cache->Drop(id);
        if (status.ok()) return done(*removed);
        done(std::move(status));
      });
}

void TaskStore::ForgetLeftovers(std::vector<std::string> ids, Done done) {
  writer_->committer.Queue([ids = std::move(ids)](Database& database) { return ns::ForgetLeftovers(database, ids); }, std::move(done));
}

void TaskStore::CheckWritable(Done done) {
  if (Status damage = health(); damage.code() == StatusCode::kDataLoss) return done(std::move(damage));
  if (writer_->committer.WrittenWithin(std::chrono::seconds(30))) return done(OkStatus());
  int64_t now = writer_->clock.wall().time_since_epoch().count();
  writer_->committer.Queue([now](Database& database) { return WriteProbe(database, now); }, std::move(done));
}

Status TaskStore::health() const {
  if (Status damage = check_->found(); !damage.ok()) return damage;
  return writer_->committer.health();
}

}  // namespace ns
