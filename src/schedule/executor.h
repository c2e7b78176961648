// How an attempt's worker is started, watched, adopted after a restart of the service, and ended. One implementation a place to run them
// (executors/): this machine, an MPI host list, Slurm.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/subprocess.h"
#include "tasks/task_event.h"

namespace ns {

// One attempt of a task. `folder` holds its task.json.
struct AttemptPlace {
  std::string task_id;
  int attempt = 1;
  std::filesystem::path folder;    // absolute
  std::filesystem::path log_file;  // absolute; the worker's output is appended
  std::vector<int> cores;          // it may use these and no others
};

// How a worker ended.
struct WorkerExit {
  bool known = false;  // false: it is gone and nobody saw how (its supervisor was lost too)
  ExitStatus exit;
  std::string reason = {};   // a step before the worker failed, or a limit was reached: what the attempt fails with; "": judge the exit
  std::string message = {};  // ... for people
  bool never_started = false;  // an adopted attempt that left no trace, and whose worker cannot start any more
};

// Told what workers do. Calls come from one thread of the executor, for each attempt in this order: any number of OnEvents with ascending
// seq, then one OnExit. They must not block.
class ExecutorListener {
 public:
  virtual ~ExecutorListener() = default;
  virtual void OnEvents(const std::string& task_id, int attempt, std::vector<TaskEvent> events) = 0;
  virtual void OnExit(const std::string& task_id, int attempt, const WorkerExit& exit) = 0;
  // An assistant has ended, however.
  virtual void OnAssistantExit(const std::string& task_id, int attempt, int worker) = 0;
};

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  // Before the first other call; the listener outlives the executor's calls.
  virtual void Listen(ExecutorListener* listener) = 0;
  // Starts the attempt's worker. After a failure the listener hears nothing of it.
  virtual Status Start(const AttemptPlace& place) = 0;
  // Takes on an attempt that an earlier service started, running or already ended: events after `after_seq` and the exit come as if it had
  // been started here. An attempt that left no trace exits with `never_started`.
  virtual void Adopt(const AttemptPlace& place, uint64_t after_seq) = 0;
  // Ends the worker and everything it started within two seconds. OnExit follows.
  virtual void Stop(const std::string& task_id, int attempt) = 0;

  // How many workers it can give a task: 1 means the lead alone, and the three below are never called.
  virtual int max_workers_per_task() const { return 1; }
  // The same as above for assistant `worker` (1, 2, ...) of an attempt; `place.cores` are its own.
  virtual Status StartAssistant(const AttemptPlace& place, int worker);
  virtual void AdoptAssistant(const AttemptPlace& place, int worker);
  virtual void StopAssistant(const std::string& task_id, int attempt, int worker);
};

}  // namespace ns
