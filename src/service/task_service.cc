#include "service/task_service.h"

#include <algorithm>

#include "base/file.h"
#include "base/hash.h"
#include "service/result_zip.h"

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

// Resolves one path of a request, or says in `errors` what is wrong with it.
fs::path Resolve(const fs::path& root, const std::string& path, std::vector<std::string> loc, std::vector<FieldError>* errors) {
  auto found = ResolveBelow(root, path);
  if (found.ok()) return *found;
  std::string message = found.status().reason() == "PATH_OUTSIDE_ROOT"
                            ? fmt::format("must be a path below the service's --upload_path, got \"{}\"", path)
                            : fmt::format("there is no \"{}\" below the service's --upload_path ('{}')", path, root.string());
  errors->push_back({std::move(loc), std::move(message), "value_error.path"});
  return {};
}

void CheckModel(const fs::path& model, const std::string& given, std::vector<FieldError>* errors) {
  if (model.empty() || (fs::is_regular_file(model) && model.extension() == ".onnx")) return;
  if (fs::is_directory(model) && fs::exists(model / "config.json")) return;
  errors->push_back({{"body", "model"},
                     fmt::format("must be a .onnx file or a Hugging Face model folder (with a config.json), got \"{}\"", given),
                     "value_error.path"});
}

NewTask Resolved(const TaskSpec& spec, const fs::path& root, std::vector<FieldError>* errors) {
  NewTask task;
  task.model_path = Resolve(root, spec.model, {"body", "model"}, errors);
  CheckModel(task.model_path, spec.model, errors);
  if (spec.dataset) task.dataset_path = Resolve(root, spec.dataset->path, {"body", "dataset", "path"}, errors);
  if (spec.dataset && !spec.dataset->calibration_path.empty()) {
    task.calibration_path = Resolve(root, spec.dataset->calibration_path, {"body", "dataset", "calibration"}, errors);
  }
  return task;
}

}  // namespace

TaskService::TaskService(const Workspace& workspace, fs::path upload_path, TaskStore& store, Dispatcher& dispatcher, NodeTable& nodes,
                         const Clock& clock)
    : workspace_(workspace), upload_path_(std::move(upload_path)), store_(store), dispatcher_(dispatcher), nodes_(nodes), clock_(clock),
      logs_(workspace.log_folder()) {
  store_.Listen([feed = events_](const std::string& id) { feed->Changed(id); });
}

void TaskService::Submit(const TaskSpec& spec, std::function<void(SubmitOutcome)> done) {
  if (!accepting_) return done({"", {}, Unavailable("the service is stopping and takes no new tasks", "DRAINING")});
  std::vector<FieldError> errors;
  NewTask task = Resolved(spec, upload_path_, &errors);
  if (!errors.empty()) return done({"", std::move(errors), OkStatus()});
  task.id = NewTaskId();
  task.priority = spec.priority;
  task.name = spec.name;
  task.spec_json = TaskSpecToJson(spec);
  task.idempotency_key = spec.idempotency_key;
  task.submitted = clock_.wall();
  store_.Submit(std::move(task), [this, priority = spec.priority, done = std::move(done)](Result<SubmittedTask> made) {
    if (!made.ok()) return done({"", {}, made.status()});
    if (!made->existed) dispatcher_.Submitted({made->id, priority, made->order, 0, 0});
    done({made->id, {}, OkStatus()});
  });
}

Result<TaskProgress> TaskService::StoredProgress(const std::string& id) const {
  TaskProgress progress;
  for (uint64_t after = 0;;) {
    NS_ASSIGN_OR_RETURN(auto events, store_.Events(id, after, 1000));
    if (events.empty()) return progress;
    for (const TaskEvent& event : events) progress.Apply(event.payload);
    after = events.back().seq;
  }
}

Result<TaskView> TaskService::GetTask(const std::string& id) const {
  TaskView view;
  // Progress first: a task that ends in between then shows its end without progress, never progress without its end.
  auto running = dispatcher_.Progress(id);
  NS_ASSIGN_OR_RETURN(view.record, store_.Get(id));
  if (view.record.state == TaskState::kPending) {
    view.ahead = std::max<int64_t>(0, dispatcher_.Ahead(id));  // not there yet: it was committed a moment ago
  } else if (view.record.state == TaskState::kRunning && running) {
    view.progress = *running;
  } else {
    NS_ASSIGN_OR_RETURN(view.progress, StoredProgress(id));
  }
  return view;
}

Result<std::vector<TaskRecord>> TaskService::List(const ListOptions& options) const { return store_.List(options); }

Result<fs::path> TaskService::Log(const std::string& id) const {
  NS_RETURN_IF_ERROR(store_.Get(id).status());
  return workspace_.task_log(id);
}

Result<TaskRecord> TaskService::DoneTask(const std::string& id) const {
  NS_ASSIGN_OR_RETURN(TaskRecord task, store_.Get(id));
  if (task.state == TaskState::kDone) return task;
  return FailedPrecondition(fmt::format("task {} is {}, not done", id, TaskStateName(task.state)), "NOT_DONE");
}

std::shared_ptr<std::mutex> TaskService::ZipMutex(const std::string& id) {
  std::lock_guard lock(zips_mutex_);
  std::erase_if(zips_, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<std::mutex> mutex = zips_[id].lock();
  if (mutex == nullptr) zips_[id] = mutex = std::make_shared<std::mutex>();
  return mutex;
}

Result<fs::path> TaskService::Download(const std::string& id) {
  NS_ASSIGN_OR_RETURN(TaskRecord task, DoneTask(id));
  fs::path zip = workspace_.task_folder(task.id) / "quantized_model.zip";
  auto mutex = ZipMutex(task.id);
  std::lock_guard lock(*mutex);
  std::error_code ignored;
  if (!fs::exists(zip, ignored)) NS_RETURN_IF_ERROR(ZipFolder(workspace_.result_folder(task.id), zip));
  return zip;
}

Result<fs::path> TaskService::ReportFile(const std::string& id) const {
  NS_RETURN_IF_ERROR(DoneTask(id).status());
  return workspace_.result_folder(id) / "report.json";
}

Result<fs::path> TaskService::RecipeFile(const std::string& id) const {
  NS_RETURN_IF_ERROR(DoneTask(id).status());
  return workspace_.result_folder(id) / "recipe.json";
}

Result<std::vector<TrialEvent>> TaskService::Trials(const std::string& id) const {
  NS_RETURN_IF_ERROR(store_.Get(id).status());
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

Result<EventPage> TaskService::Events(const std::string& id, uint64_t after, int limit) const {
  // The state first: what was there when it had ended already is read below. Another way round an end in between would be missed.
  NS_ASSIGN_OR_RETURN(TaskRecord task, store_.Get(id));
  EventPage page;
  NS_ASSIGN_OR_RETURN(page.events, store_.Events(id, after, limit));
  page.ended = IsFinal(task.state) && page.events.size() < static_cast<size_t>(limit);
  return page;
}

void TaskService::Cancel(const std::string& id, std::function<void(Status)> done) {
  auto task = store_.Get(id);
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

}  // namespace ns
