// Workers on other machines, whose supervisors another program starts (mpirun, Slurm). What a worker writes is read from the workspace, which all
// machines share; what became of its supervisor is asked of its launcher.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "executors/event_tail.h"
#include "schedule/executor.h"
#include "tasks/process_files.h"

namespace ns {

// What a launcher knows of a supervisor.
struct LaunchState {
  bool ended = false;
  // Of one that ended. The supervisor's own end, of its own will: its record is there, or will soon be seen. Else it was lost, or never started.
  bool orderly = false;
  std::string why = {};    // not orderly: for people
  std::string refused = {};  // a reason for programs: it can never be started so, and its task fails at once
  WorkerWhere where = {};  // of one that has not ended
};

// All calls come on the thread of RemoteWorkers, and none may wait for anything.
class Launcher {
 public:
  virtual ~Launcher() = default;
  // Starts a supervisor, whose folder has its steps.json. That it could not be started is told by its state.
  virtual void Launch(const WorkerPlace& place, const std::filesystem::path& folder) = 0;
  // Takes on what an earlier service launched. False when nothing tells of a launch.
  virtual bool Adopt(const WorkerPlace& place, const std::filesystem::path& folder) = 0;
  // Asks it to end; `hard`: whatever becomes of it.
  virtual void Stop(const WorkerId& worker, bool hard) = 0;
  // Called again and again, before states are asked for: goes on with what is under way.
  virtual void Look(ExecutorListener& listener) = 0;
  virtual LaunchState StateOf(const WorkerId& worker) = 0;
  // Its exit has been told. What is left of the launch ends by itself, or is ended.
  virtual void Forget(const WorkerId& worker) = 0;
};

// Thread-safe.
class RemoteWorkers {
 public:
  explicit RemoteWorkers(Launcher& launcher) : launcher_(launcher) {}
  // Leaves workers running; no call to the listener or the launcher afterwards.
  ~RemoteWorkers();
  RemoteWorkers(const RemoteWorkers&) = delete;
  RemoteWorkers& operator=(const RemoteWorkers&) = delete;

  // Once, before all other calls.
  void Listen(ExecutorListener* listener);
  void Start(const WorkerPlace& place);
  void Adopt(const WorkerPlace& place, uint64_t after_seq);
  void Stop(const WorkerId& worker);
  // Runs `work` on the thread.
  void Post(std::function<void()> work);

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Worker {
    WorkerPlace place;
    std::filesystem::path folder;  // its own
    EventTail tail;
    WorkerWhere where = {};
    bool launched = true;               // false: nothing tells that it ever was
    std::optional<Time> kill_at = {};   // it was told to end, and shall be made to then
    std::optional<Time> ended_at = {};  // its launcher says so, but its record is not seen yet
  };

  void Run();
  void Tick();
  bool Check(Worker& worker);
  void ReadEvents(Worker& worker);
  void Finish(Worker& worker, const std::optional<ExitRecord>& record, const LaunchState& state);

  Launcher& launcher_;
  ExecutorListener* listener_ = nullptr;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> posted_;
  bool stop_ = false;
  // Of the thread only:
  std::map<WorkerId, Worker> workers_;
  std::map<std::string, int> not_started_;  // by task: starts one after another that left no trace
  std::thread thread_;
};

}  // namespace ns
