// Worker processes of a simulated machine, behind the executor's interface: they outlive the service, end well, badly or not at all, and come
// back late after they were given up.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "random.h"
#include "schedule/executor.h"
#include "service/attempt_files.h"

namespace ns::sim {

class Workers final : public Executor, public AttemptFiles {
 public:
  // `violation` is told what must not happen.
  Workers(Random& random, const Clock& clock, int max_workers, std::function<void(const std::string&)> violation)
      : random_(random), clock_(clock), max_workers_(max_workers), violation_(std::move(violation)) {}

  void Listen(ExecutorListener* listener) override { listener_ = listener; }
  Status Start(const WorkerPlace& place) override;
  void Adopt(const WorkerPlace& place, uint64_t after_seq) override;
  void Stop(const WorkerId& id) override;
  int max_workers_per_task() const override { return max_workers_; }

  WorkerPlace PlaceOf(const WorkerId& id) const override { return {id, {}, {}}; }
  Status Prepare(const TaskRecord& task, const WorkerPlace& lead) override;
  void RemoveScratch(const std::string&) override {}
  void RemoveWorker(const WorkerId&) override {}
  bool HasReport(const std::string& id) const override { return reports_.contains(id); }
  void Log(const std::string&, const std::string&) override {}

  // One worker does something: writes an event, or ends. `calm`: it ends, and well.
  void Step(bool calm);
  // One that runs is killed, or given up while it still runs.
  void Kill();
  void GiveUp();
  // Those that were told to end more than two seconds ago have ended.
  void EndOverdue();
  // The service is gone, or there again.
  void Unwatch();

  size_t live() const { return live_.size(); }
  // The number that an attempt's result carries.
  static double ResultOf(const std::string& id, int attempt);
  // The names of the stages that an attempt wrote, all different, and which attempt such a name is of.
  std::vector<std::string> StagesOf(const std::string& id, int attempt) const;
  static int AttemptOf(const std::string& stage) { return std::stoi(stage); }
  // The last attempt that ended with an error of the user's; 0: none. There must be no later one.
  int UserErrorOf(const std::string& id) const;
  bool fail_prepare = false;  // the disk is full when an attempt's folder is made

 private:
  struct Worker {
    int core = -1;
    std::vector<TaskEvent> events;  // its file
    size_t told = 0;
    bool watched = false, ended = false, given_up = false;
    bool sent_away = false;  // an assistant that heard its lead say that the work is done
    WorkerExit exit;
    std::optional<SteadyTime> end_by;
  };
  void StepAssistant(const WorkerId& id, bool calm);
  void Write(Worker& worker, EventPayload payload);
  void End(const WorkerId& id, WorkerExit exit);
  void Tell(const WorkerId& id);

  Random& random_;
  const Clock& clock_;
  const int max_workers_;
  std::function<void(const std::string&)> violation_;
  ExecutorListener* listener_ = nullptr;
  std::map<WorkerId, Worker> workers_;
  std::set<WorkerId> live_;
  std::set<std::string> reports_;
  std::map<std::string, int> user_errors_;
};

}  // namespace ns::sim
