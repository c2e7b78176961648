// The task lists of answers.h.
#include "tasks/answers.h"
#include "tasks/json_fields.h"

namespace ns {

namespace {

Json Spec(const TaskSummary& task) { return ParseJson(task.spec_json).value_or(Json::object()); }

std::string Joined(const Json& spec, const char* name) {
  std::string text;
  if (auto list = spec.find(name); list != spec.end() && list->is_array()) {
    for (const Json& item : *list) text += (text.empty() ? "" : " ") + (item.is_string() ? item.get<std::string>() : Dump(item));
  }
  return text;
}

Json SummaryJson(const TaskSummary& task) {
  Json spec = Spec(task);
  Json json = {{"id", task.id}, {"order", task.order}, {"status", TaskStateName(task.state)}, {"priority", task.priority}};
  SetUnlessEmpty(json, "name", task.name);
  for (const char* field : {"model", "script_url", "labels"}) {
    if (spec.contains(field)) json[field] = spec[field];
  }
  SetUnlessEmpty(json, "reason", task.reason);
  SetUnlessEmpty(json, "message", task.message);
  if (!task.result_json.empty()) json["optimized_result"] = ParseJson(task.result_json).value_or(Json::object());
  SetUnlessEmpty(json, "result_path", task.result_path);
  if (task.submitted) json["submitted"] = FormatTime(*task.submitted);
  if (task.started) json["started"] = FormatTime(*task.started);
  if (task.ended) json["ended"] = FormatTime(*task.ended);
  return json;
}

TaskSummary ReadSummary(const Json& json) {
  TaskSummary task;
  std::string state, text;
  Get(json, "id", &task.id);
  Get(json, "order", &task.order);
  Get(json, "name", &task.name);
  Get(json, "priority", &task.priority);
  Get(json, "reason", &task.reason);
  Get(json, "message", &task.message);
  Get(json, "result_path", &task.result_path);
  if (Get(json, "status", &state)) task.state = ParseTaskState(state).value_or(TaskState::kPending);
  if (Get(json, "submitted", &text)) task.submitted = ParseTime(text);
  if (Get(json, "started", &text)) task.started = ParseTime(text);
  if (Get(json, "ended", &text)) task.ended = ParseTime(text);
  task.spec_json = Dump(json);  // model, script_url and labels have the same names there
  return task;
}

}  // namespace

TaskSubject SubjectOf(const TaskSummary& task) {
  Json spec = Spec(task);
  TaskSubject subject;
  Get(spec, "model", &subject.model);
  Get(spec, "script_url", &subject.script_url);
  if (auto labels = spec.find("labels"); labels != spec.end() && labels->is_object()) {
    for (const auto& [name, value] : labels->items()) {
      if (value.is_string()) subject.labels[name] = value.get<std::string>();
    }
  }
  return subject;
}

std::string TaskTableJson(const std::vector<TaskSummary>& tasks) {
  Json rows = Json::array();
  for (const TaskSummary& task : tasks) {
    Json spec = Spec(task);
    std::string script, approach = "auto";
    Get(spec, "script_url", &script);
    Get(spec, "approach", &approach);
    rows.push_back({task.id, Joined(spec, "arguments"), spec.value("workers", 1), TaskStateName(task.state), script,
                    spec.value("optimized", false) ? 1 : 0, approach, Joined(spec, "requirements"),
                    task.result_json.empty() ? Json() : Json(task.result_json),
                    task.result_path.empty() ? Json() : Json(task.result_path)});
  }
  return Dump({{"message", rows}});
}

std::string TaskListJson(const std::vector<TaskSummary>& tasks, bool more) {
  Json list = Json::array();
  for (const TaskSummary& task : tasks) list.push_back(SummaryJson(task));
  return Dump({{"tasks", list}, {"next", more && !tasks.empty() ? Json(tasks.back().order) : Json()}});
}

Result<std::vector<TaskSummary>> ParseTaskList(std::string_view text) {
  auto json = ParseJson(text);
  if (!json || !json->is_object() || !json->contains("tasks") || !(*json)["tasks"].is_array()) {
    return InvalidArgument("not a list of tasks", "BAD_ANSWER");
  }
  std::vector<TaskSummary> tasks;
  for (const Json& item : (*json)["tasks"]) {
    if (item.is_object()) tasks.push_back(ReadSummary(item));
  }
  return tasks;
}

}  // namespace ns
