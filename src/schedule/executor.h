// How workers are started, watched, adopted after a restart of the service, and ended, one by one: a task's lead, and each of its assistants.
// One implementation a place to run them (executors/): this machine, an MPI host list, Slurm. Which there are: app/executor_table.h.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/subprocess.h"
#include "tasks/worker_id.h"
#include "tasks/cluster.h"
#include "tasks/task_event.h"

namespace ns {

// Where one start of a worker works. The lead's own folder is the task's; an assistant's is workers/<number>/ in
// that, made by the executor (tasks/team_files.h).
struct WorkerPlace {
  WorkerId id;
  std::filesystem::path folder;    // the task's: absolute
  std::filesystem::path log_file;  // absolute; the worker's output is appended
  int64_t node = 0;                // NodeJoined() named it
  int slot = 0;                    // of the node: 0, 1, ...
  std::vector<int> cores = {};     // the slot's, of the node; it may use these and no others
};

// How a worker ended.
struct WorkerExit {
  bool known = false;  // false: it is gone and nobody saw how (its supervisor was lost too)
  ExitStatus exit;
  std::string reason = {};   // a step before the worker failed, or a limit was reached: what the attempt fails with; "": judge the exit
  std::string message = {};  // ... for people
  bool never_started = false;  // an adopted one that left no trace, and that cannot start any more
};

// What is known of a worker that has not ended, for people.
struct WorkerWhere {
  std::string node;      // "": not known yet
  bool waiting = false;  // it was handed to another scheduler, which has not started it
  std::string note;      // why it waits, which job it is
  bool operator==(const WorkerWhere&) const = default;
};

// Told what workers do. Calls come from one thread of the executor, for each start of a worker in this order: any number of OnEvents (a
// lead's, with ascending seq) and OnWhere, then one OnExit. They must not block.
class ExecutorListener {
 public:
  virtual ~ExecutorListener() = default;
  virtual void OnEvents(const WorkerId& lead, std::vector<TaskEvent> events) = 0;
  virtual void OnExit(const WorkerId& worker, const WorkerExit& exit) = 0;
  virtual void OnWhere(const WorkerId&, const WorkerWhere&) {}
  // A node does not answer, or answers again. While it is down nothing is started there; that its workers are lost is told by OnExit.
  virtual void OnNode(int64_t, bool /*up*/, const std::string& /*why*/) {}
};

// Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;
  // Before the first other call; the listener outlives the executor's calls.
  virtual void Listen(ExecutorListener* listener) = 0;

  // Starts a worker. After a failure the listener hears nothing of it.
  virtual Status Start(const WorkerPlace& place) = 0;
  // Takes on a worker that an earlier service started, running or already ended: a lead's events after `after_seq` and the exit come as if it
  // had been started here. One that left no trace exits with `never_started`.
  virtual void Adopt(const WorkerPlace& place, uint64_t after_seq) = 0;
  // Ends the worker and everything it started within two seconds (SIGTERM first). OnExit follows. Nothing for one that is not there.
  virtual void Stop(const WorkerId& worker) = 0;

  // How many workers it can give a task; 1: the lead alone.
  virtual int max_workers_per_task() const { return 1; }

  // --- Nodes. By default all workers run on this machine, and the hostfile and `cluster --join` may name no other.
  virtual bool uses_other_machines() const { return false; }
  // A node has joined, or was taken up after a restart, and may be named by places from now on; it has left, and its last worker has ended.
  virtual void NodeJoined(int64_t /*node*/, const NodeSpec& /*spec*/) {}
  virtual void NodeLeft(int64_t /*node*/) {}
  // Where another scheduler has the nodes: how many workers it is handed at a time, which stand for the slots here; 0: the nodes are ours.
  // With such a scheduler nodes neither join nor leave here, and places name node 0.
  virtual int own_slots() const { return 0; }
  // ... and its nodes, to be shown. Waits for nobody: what was found out last.
  virtual std::vector<NodeView> own_nodes() const { return {}; }
};

}  // namespace ns
