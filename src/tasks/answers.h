// The bodies of REST answers, in the shapes that clients of the original rely on, and the way back for our own client.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "tasks/task_progress.h"
#include "tasks/task_state.h"

namespace ns {

// How far the delivery of a task's final status to its webhook is.
struct WebhookStatus {
  std::string state = "waiting";  // waiting, delivered, failed (given up)
  int tries = 0;
  std::optional<WallTime> next;       // waiting: when the next try is due
  std::optional<WallTime> delivered;
  std::string last_error;
};

// GET /task/status/{id}. Beside the original's fields one of ours, "details".
struct StatusAnswer {
  TaskState state = TaskState::kPending;
  TaskProgress progress;
  std::optional<ResultEvent> result;  // of a task that is done
  std::string result_path;            // the download address of a task that is done, else ""
  // "details":
  std::string name;
  std::string reason;    // of failed and cancelled, and of pending why it waits: stable, for programs
  std::string message;   // ... for people; of pending: why it waits
  int attempt = 0;       // attempts started
  int64_t ahead = -1;    // pending tasks that start before this one; -1: not pending
  std::optional<WallTime> submitted, started, ended;
  // Of a running task: what it asked for, has, and may get at most, with the reason when that is less.
  int workers = 0, workers_now = 0, workers_most = 0;  // 0: not running
  std::string workers_note;
  // Of a running task whose workers are on other machines: where, as far as that is known, and what their scheduler says of them.
  struct Where {
    int worker = 0;
    std::string node, note;
    bool operator==(const Where&) const = default;
  };
  std::vector<Where> where;
  struct Attempt {
    int attempt = 0;
    std::optional<WallTime> started, ended;
    std::string outcome;  // "" while it runs
  };
  std::vector<Attempt> attempts;  // the first to the newest
  std::optional<WebhookStatus> webhook;  // of a task that has ended and has one
};
std::string StatusAnswerJson(const StatusAnswer& answer);
Result<StatusAnswer> ParseStatusAnswer(std::string_view json);

// GET /task/{id}: {"status", "optimized_result", "result_path"}.
std::string TaskAnswerJson(const StatusAnswer& answer);
// Its "tuning_info" alone.
std::string TuningInfoJson(const StatusAnswer& answer);
// GET /task/status/ of an id nobody has.
std::string UnknownStatusJson();

// POST /task/submit/.
std::string SubmitAnswerJson(const std::string& task_id);
// The task id. InvalidArgument (BAD_ANSWER).
Result<std::string> ParseSubmitAnswer(std::string_view json);

// POST /task/{id}/cancel: {"status": "cancelled", "task_id": ...}.
std::string CancelAnswerJson(const std::string& task_id);

// What the command line prints with --json. `download`: {"file": "..."}; `stop`: {"status": "stopped", "drained": bool}, true when all running
// tasks came to their own end; `log`: {"line": "..."} for each.
std::string DownloadedJson(const std::string& file);
std::string StoppedJson(bool drained);
std::string LogLineJson(std::string_view line);

// One task in a list.
struct TaskSummary {
  int64_t order = 0;  // the "after" of the next page
  std::string id;
  std::string name;
  TaskState state = TaskState::kPending;
  int priority = 2;
  std::string spec_json;  // the request
  std::string result_json;  // optimized_result, "" without
  std::string result_path;
  std::string reason, message;
  std::optional<WallTime> submitted, started, ended;
};
// What a request is about.
struct TaskSubject {
  std::string model, script_url;  // one of them
  std::map<std::string, std::string> labels;
};
TaskSubject SubjectOf(const TaskSummary& task);
// GET /task/: {"message": [[id, arguments, workers, status, script_url, optimized, approach, requirements, result, q_model_path], ...]},
// the columns of the original's table. Of a model task script_url is empty.
std::string TaskTableJson(const std::vector<TaskSummary>& tasks);
// GET /tasks: {"tasks": [{...}], "next": order or null}.
std::string TaskListJson(const std::vector<TaskSummary>& tasks, bool more);
Result<std::vector<TaskSummary>> ParseTaskList(std::string_view json);

// GET /task/{id}/trials: {"trials": [...]}, the baseline first.
std::string TrialsJson(const std::vector<TrialEvent>& trials);

// The optimized_result object: decimal strings as the original prints them.
std::string OptimizedResultJson(const ResultEvent& result);

// {"message": "..."}, {"status": ..., "msg": ...}, {"detail": "..."}.
std::string MessageJson(std::string_view message);
// {"status": "failed", "reason": ...}.
std::string HealthJson(std::string_view reason);
std::string PingJson(bool healthy, std::string_view message);
std::string DetailJson(std::string_view detail);
// The text of a {"detail": ...} body, whatever its shape; the body itself when it is none.
std::string ErrorText(std::string_view body);

// serve.json in the workspace: where a running service answers.
struct ServeRecord {
  int pid = 0;
  uint64_t start_ticks = 0;
  std::string rest_url;      // "http://127.0.0.1:8000"; with --api_type grpc for this machine's command line alone
  std::string tls_pin;       // of an https address: "sha256//..." of its public key
  std::string grpc_address;  // "127.0.0.1:8001"; "": gRPC is not served
  std::string monitor_url;   // "http://127.0.0.1:2222": metrics and health
  std::string note;          // what `start` says beside the addresses
  std::string error;     // start failed with this line; then nothing else is set
};
std::string ServeRecordJson(const ServeRecord& record);
Result<ServeRecord> ParseServeRecord(std::string_view json);

}  // namespace ns
