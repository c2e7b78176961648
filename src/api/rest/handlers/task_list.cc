#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

namespace {

// "state", "label=name:value": the filters of the query. False when answered with 422.
bool ReadFilters(const Request& request, ListOptions* options, const Responder& respond) {
  if (auto status = request.query.find("status"); status != request.query.end()) {
    options->state = ParseTaskState(status->second);
    if (!options->state) {
      FieldError wrong{{"query", "status"}, "must be pending, running, done, failed or cancelled", "value_error.const"};
      respond(JsonResponse(422, FieldErrorsToJson({wrong})));
      return false;
    }
  }
  if (auto label = request.query.find("label"); label != request.query.end()) {
    size_t at = label->second.find_first_of("=:");
    if (at == std::string::npos || at == 0) {
      respond(JsonResponse(422, FieldErrorsToJson({{{"query", "label"}, "must be name:value", "value_error"}})));
      return false;
    }
    options->label_name = label->second.substr(0, at);
    options->label_value = label->second.substr(at + 1);
  }
  return true;
}

}  // namespace

void HandleTaskList(TaskService& service, const Request& request, Responder respond) {
  auto limit = QueryNumber(request, "limit", 1, 1'000, 100, respond);
  if (!limit) return;
  auto after = QueryNumber(request, "after", 0, INT64_MAX, 0, respond);
  if (!after) return;
  ListOptions options;
  options.limit = static_cast<int>(*limit) + 1;
  options.after = *after;
  if (!ReadFilters(request, &options, respond)) return;
  auto records = service.List(request.caller, options);
  if (!records.ok()) return respond(ErrorResponse(records.status()));
  bool more = records->size() > static_cast<size_t>(*limit);
  if (more) records->pop_back();
  std::vector<TaskSummary> tasks;
  for (const TaskRecord& record : *records) tasks.push_back(ToSummary(record, request));
  respond(JsonResponse(200, TaskListJson(tasks, more)));
}

}  // namespace ns
