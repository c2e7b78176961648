#include "service/task_service.h"

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "service/pending_task.h"
#include "service/task_answer.h"
#include "tasks/report.h"

namespace ns {
namespace fs = std::filesystem;

bool IsTaskId(std::string_view text) {
  if (text.size() != 32) return false;
  bool hex = std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
  std::string_view variants = "89abAB";
  return hex && text[12] >= '1' && text[12] <= '5' && variants.find(text[16]) != std::string_view::npos;
}

std::string NewTaskId() {
  std::string id = RandomHex(16);
  id[12] = '4';
  size_t variant = static_cast<size_t>(id[16] <= '9' ? id[16] - '0' : id[16] - 'a' + 10) % 4;
  id[16] = "89ab"[variant];
  return id;
}

namespace {

constexpr size_t kMostReportBytes = 64 << 20;

Status MayChange(const Caller& caller) {
  if (caller.may_submit()) return OkStatus();
  return Status(StatusCode::kPermissionDenied, fmt::format("the token '{}' has the role read: it may look, not change", caller.name),
                "READ_ONLY_TOKEN");
}

Status MayAdminister(const Caller& caller) {
  if (caller.is_admin()) return OkStatus();
  return Status(StatusCode::kPermissionDenied, fmt::format("this needs a token of the role admin; '{}' has {}", caller.name, RoleName(caller.role)),
                "NEEDS_ADMIN");
}

// Whose files the caller sees.
FileOwner OwnerFor(const Caller& caller) { return caller.sees_all() ? FileOwner() : FileOwner(caller.name); }

// A token's name cannot be borrowed; without tokens the request may say whose it is.
std::string SubmitterOf(const Caller& caller, const TaskSpec& spec) {
  if (!caller.name.empty()) return caller.name;
  auto user = spec.labels.find("user");
  return user == spec.labels.end() ? "" : user->second;
}

}  // namespace

TaskService::TaskService(const Workspace& workspace, InputSources sources, TaskStore& store, Dispatcher& dispatcher, NodeTable& nodes,
                         const Clock& clock, AuditLog* audit)
    : workspace_(workspace), sources_(std::move(sources)), store_(store), dispatcher_(dispatcher), nodes_(nodes), clock_(clock),
      logs_(workspace.log_folder()), audit_(audit) {
  store_.Listen([feed = events_](const std::string& id) { feed->Changed(id); });
}

void TaskService::Audit(const Caller& caller, std::string_view action, std::string_view object, const Status& outcome) const {
  if (audit_ != nullptr) audit_->Record(caller, action, object, outcome);
}

void TaskService::Submit(const Caller& caller, const TaskSpec& spec, std::function<void(SubmitOutcome)> done) {
  if (Status status = MayChange(caller); !status.ok()) return done({"", {}, status});
  if (!accepting_) return done({"", {}, Unavailable("the service is stopping and takes no new tasks", "DRAINING")});
  std::vector<FieldError> errors;
  NewTask task;
  ResolveInputs(spec, OwnerFor(caller), sources_, &task, &errors);
  if (!errors.empty()) return done({"", std::move(errors), OkStatus()});
  task.id = NewTaskId();
  task.priority = spec.priority;
  task.name = spec.name;
  task.spec_json = TaskSpecToJson(spec);
  task.idempotency_key = spec.idempotency_key;
  task.submitted = clock_.wall();
  task.owner = caller.name;
  task.submitter = SubmitterOf(caller, spec);
  // Without its order, which the store gives.
  PendingTask pending = MakePending(task.id, 0, spec, task.submitter, task.submitted, clock_);
  if (Status full = dispatcher_.Reserve(pending.submitter); !full.ok()) {
    // A repeated request gets its answer whatever waits: it adds nothing.
    auto earlier = task.idempotency_key.empty() ? Result<std::string>(full) : store_.FindByKey(task.owner, task.idempotency_key);
    return done(earlier.ok() ? SubmitOutcome{*earlier, {}, OkStatus()} : SubmitOutcome{"", {}, full});
  }
  store_.Submit(std::move(task), [this, caller, pending = std::move(pending), done = std::move(done)](Result<SubmittedTask> made) mutable {
    Audit(caller, "submit", made.ok() ? made->id : "", made.status());
    if (made.ok() && !made->existed) {
      pending.order = made->order;
      dispatcher_.Submitted(pending);
    } else {
      dispatcher_.Unreserve(pending.submitter);
    }
    done(made.ok() ? SubmitOutcome{made->id, {}, OkStatus()} : SubmitOutcome{"", {}, made.status()});
  });
}

Result<TaskProgress> TaskService::ProgressOf(const TaskRecord& task) const {
  if (auto known = progress_.Find(task.id, task.events)) return std::move(*known);
  NS_ASSIGN_OR_RETURN(StoredProgress stored, ReadProgress(store_, task.id));
  progress_.Put(task.id, static_cast<int64_t>(stored.last_event), stored.progress);
  return std::move(stored.progress);
}

// What is not in the record. False: the progress has to be read from the store.
bool TaskService::Complete(std::optional<TaskProgress> running, TaskView* view) const {
  const TaskRecord& task = view->record;
  if (task.state == TaskState::kPending) {
    // None: the dispatcher does not have it yet, it was committed a moment ago.
    view->waits = dispatcher_.WhyWaits(task).value_or(WaitReason{"WAITS_FOR_SLOT", "waits for a free slot", 0});
    view->ahead = view->waits->ahead;
    return true;
  }
  if (task.state == TaskState::kRunning) view->workers = dispatcher_.Workers(task.id);
  if (task.state == TaskState::kRunning) view->where = dispatcher_.Where(task.id);
  view->has_result = HasResult(task);
  if (task.state != TaskState::kRunning || !running) running = progress_.Find(task.id, task.events);
  if (running) view->progress = std::move(*running);
  return running.has_value();
}

std::optional<TaskView> TaskService::GetTaskFromMemory(const Caller& caller, const std::string& id) const {
  auto running = dispatcher_.Progress(id);  // first, as below
  auto record = store_.GetFromMemory(id);
  if (!record || !caller.MaySee(record->owner)) return std::nullopt;
  TaskView view;
  view.record = *std::move(record);
  return Complete(std::move(running), &view) ? std::optional(std::move(view)) : std::nullopt;
}

Result<TaskRecord> TaskService::Visible(const Caller& caller, const std::string& id) const {
  NS_ASSIGN_OR_RETURN(TaskRecord task, store_.Get(id));
  if (!caller.MaySee(task.owner)) return NotFound(fmt::format("no task {}", id), "UNKNOWN_TASK");
  return task;
}

Result<TaskView> TaskService::GetTask(const Caller& caller, const std::string& id) const {
  // Progress first: a task that ends in between then shows its end without progress, never progress without its end.
  auto running = dispatcher_.Progress(id);
  TaskView view;
  NS_ASSIGN_OR_RETURN(view.record, Visible(caller, id));
  if (Complete(std::move(running), &view)) return view;
  NS_ASSIGN_OR_RETURN(view.progress, ProgressOf(view.record));
  return view;
}

Result<std::vector<TaskRecord>> TaskService::List(const Caller& caller, ListOptions options) const {
  if (!caller.sees_all()) options.owner = caller.name;
  return store_.List(options);
}

Result<fs::path> TaskService::Log(const Caller& caller, const std::string& id) const {
  NS_RETURN_IF_ERROR(Visible(caller, id).status());
  return workspace_.task_log(id);
}

// A task that was cancelled or ran out of its deadline may have kept its best so far.
bool TaskService::HasResult(const TaskRecord& task) const {
  if (task.state == TaskState::kDone) return true;
  std::error_code ignored;
  return IsFinal(task.state) && fs::exists(workspace_.result_folder(task.id) / "report.json", ignored);
}

Result<TaskRecord> TaskService::TaskWithResult(const Caller& caller, const std::string& id) const {
  NS_ASSIGN_OR_RETURN(TaskRecord task, Visible(caller, id));
  if (HasResult(task)) return task;
  return FailedPrecondition(fmt::format("task {} is {}, not done", id, TaskStateName(task.state)), "NOT_DONE");
}

// Where the model and the recipe of this point lie. Names are ours: the report, which a worker wrote, only says which point is the answer.
Result<fs::path> TaskService::ParetoFolder(const std::string& id, int trial) const {
  fs::path result = workspace_.result_folder(id);
  NS_ASSIGN_OR_RETURN(std::string text, ReadFile(result / "report.json", kMostReportBytes));
  NS_ASSIGN_OR_RETURN(Report report, ParseReport(text));
  std::string others;
  for (const ParetoPoint& point : report.pareto) {
    if (point.trial == trial) return point.model == "model.onnx" ? result : result / fmt::format("pareto/trial_{}", trial);
    others += fmt::format("{}{}", others.empty() ? "" : ", ", point.trial);
  }
  return NotFound(fmt::format("trial {} of task {} is none of its Pareto set: {}", trial, id, others.empty() ? "it is empty" : others), "NO_SUCH_POINT");
}

Result<TaskService::ZipPlace> TaskService::ZipOf(const std::string& id, std::optional<int> trial) const {
  ZipPlace place{workspace_.result_folder(id), workspace_.task_folder(id) / "quantized_model.zip"};
  if (!trial) return place;
  NS_ASSIGN_OR_RETURN(fs::path point, ParetoFolder(id, *trial));
  if (point != place.folder) place.zip = workspace_.task_folder(id) / fmt::format("pareto_trial_{}.zip", *trial);
  place.folder = std::move(point);
  std::error_code ignored;
  if (fs::exists(place.folder / "model.onnx", ignored)) return place;
  if (*trial == 0) return NotFound(fmt::format("trial 0 of task {} is the fp32 model that it was given", id), "NO_MODEL");
  return NotFound(fmt::format("the model of trial {0} was not made; `neural_solution recipe {1} --trial {0} -o recipe.json` and `neural_solution "
                              "optimize MODEL --recipe recipe.json -o OUT` make it", *trial, id), "NO_MODEL");
}

void TaskService::Download(const Caller& caller, const std::string& id, std::optional<int> trial, std::function<void(Result<fs::path>)> done) {
  auto task = TaskWithResult(caller, id);
  auto place = task.ok() ? ZipOf(task->id, trial) : Result<ZipPlace>(task.status());
  if (!place.ok()) return done(place.status());
  std::error_code ignored;
  if (fs::exists(place->zip, ignored)) return done(std::move(place->zip));
  zips_.Make(place->folder, place->zip, [this, zip = place->zip, id = task->id, done = std::move(done)](Status status) {
    if (!status.ok()) return done(std::move(status));
    store_.ForgetBytes(id, {});  // retention counts the zip, too
    done(zip);
  });
}

Result<fs::path> TaskService::ReportFile(const Caller& caller, const std::string& id) const {
  NS_RETURN_IF_ERROR(TaskWithResult(caller, id).status());
  return workspace_.result_folder(id) / "report.json";
}

Result<fs::path> TaskService::RecipeFile(const Caller& caller, const std::string& id, std::optional<int> trial) const {
  NS_RETURN_IF_ERROR(TaskWithResult(caller, id).status());
  if (!trial) return workspace_.result_folder(id) / "recipe.json";
  NS_ASSIGN_OR_RETURN(fs::path folder, ParetoFolder(id, *trial));
  std::error_code ignored;
  if (fs::exists(folder / "recipe.json", ignored)) return folder / "recipe.json";
  return NotFound(fmt::format("trial {} of task {} is the fp32 model that it was given", *trial, id), "NO_SUCH_POINT");
}

Result<std::vector<TrialEvent>> TaskService::Trials(const Caller& caller, const std::string& id) const {
  NS_RETURN_IF_ERROR(Visible(caller, id).status());
  std::vector<TrialEvent> trials;
  for (uint64_t after = 0;;) {
    NS_ASSIGN_OR_RETURN(auto events, store_.Events(id, after, 1000));
    if (events.empty()) return trials;
    for (const TaskEvent& event : events) {
      if (auto* trial = std::get_if<TrialEvent>(&event.payload)) {
        // A trial is told again when it becomes the best, or was timed: its newest form counts.
        auto known = std::find_if(trials.begin(), trials.end(), [&](const TrialEvent& other) { return other.index == trial->index; });
        if (known != trials.end()) {
          *known = *trial;
        } else {
          trials.push_back(*trial);
        }
      }
      auto* state = std::get_if<StateEvent>(&event.payload);
      if (state != nullptr && state->state == TaskState::kRunning) trials.clear();  // a new attempt starts afresh
    }
    after = events.back().seq;
  }
}

Result<EventPage> TaskService::Events(const Caller& caller, const std::string& id, uint64_t after, int limit) const {
  // The state first: what was there when it had ended already is read below. Another way round an end in between would be missed.
  NS_ASSIGN_OR_RETURN(TaskRecord task, Visible(caller, id));
  EventPage page;
  NS_ASSIGN_OR_RETURN(page.events, store_.Events(id, after, limit));
  page.ended = IsFinal(task.state) && page.events.size() < static_cast<size_t>(limit);
  return page;
}

Status TaskService::JoinNodes(const Caller& caller, std::string_view hostfile) {
  Status status = MayAdminister(caller);
  if (status.ok()) status = nodes_.Join(hostfile);
  Audit(caller, "join nodes", hostfile.substr(0, 1000), status);
  return status;
}

Status TaskService::RemoveNode(const Caller& caller, int64_t id) {
  Status status = MayAdminister(caller);
  if (status.ok()) status = nodes_.Remove(id);
  Audit(caller, "remove node", std::to_string(id), status);
  return status;
}

void TaskService::Cancel(const Caller& caller, const std::string& id, std::function<void(Status)> done) {
  DoCancel(caller, id, [this, caller, id, done = std::move(done)](Status status) {
    Audit(caller, "cancel", id, status);
    done(std::move(status));
  });
}

void TaskService::DoCancel(const Caller& caller, const std::string& id, std::function<void(Status)> done) {
  if (Status status = MayChange(caller); !status.ok()) return done(status);
  auto task = Visible(caller, id);
  if (!task.ok()) return done(task.status());
  if (IsFinal(task->state)) {
    return done(FailedPrecondition(fmt::format("task {} is {} already", id, TaskStateName(task->state)), "ALREADY_ENDED"));
  }
  dispatcher_.Cancel(id, [id, done = std::move(done)](Status status) {
    if (status.reason() == "NOT_CANCELLABLE" || status.reason() == "STALE_ATTEMPT") {
      status = FailedPrecondition(fmt::format("task {} has ended already", id), "ALREADY_ENDED");
    }
    done(std::move(status));
  });
}

Result<std::unique_ptr<Upload>> TaskService::BeginUpload(const Caller& caller, UploadRequest request) {
  NS_RETURN_IF_ERROR(MayChange(caller));
  if (!accepting_) return Unavailable("the service is stopping and takes no uploads", "DRAINING");
  request.owner = caller.name;
  auto upload = sources_.files->Begin(request);
  Audit(caller, "upload", request.name, upload.status());
  return upload;
}

Result<StoredFile> TaskService::GetFile(const Caller& caller, const std::string& name) const {
  auto file = sources_.files->Get(OwnerFor(caller), name);
  return file.ok() ? file : sources_.files->GetNamed(OwnerFor(caller), name);
}

Result<PartialFile> TaskService::GetPart(const Caller& caller, const std::string& name) const { return sources_.files->Part(caller.name, name); }

Result<std::vector<StoredFile>> TaskService::Files(const Caller& caller) const { return sources_.files->List(OwnerFor(caller)); }

Status TaskService::RemoveFile(const Caller& caller, const std::string& name) {
  NS_RETURN_IF_ERROR(MayChange(caller));
  Status status = DoRemoveFile(caller, name);
  Audit(caller, "remove file", name, status);
  return status;
}

Status TaskService::DoRemoveFile(const Caller& caller, const std::string& name) {
  if (sources_.files->RemovePart(caller.name, name).ok()) return OkStatus();
  NS_ASSIGN_OR_RETURN(StoredFile file, sources_.files->Get(OwnerFor(caller), name));
  NS_ASSIGN_OR_RETURN(auto in_use, store_.InputsInUse());
  if (in_use.contains(file.path)) {
    return FailedPrecondition(fmt::format("a task that has not ended needs '{}'; cancel it first", file.name), "FILE_IN_USE");
  }
  return sources_.files->Remove(OwnerFor(caller), file.id);
}

}  // namespace ns
