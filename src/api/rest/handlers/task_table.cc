#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

void HandleTaskTable(TaskService& service, const Request& request, Responder respond) {
  auto limit = QueryNumber(request, "limit", 1, 100'000, 10'000, respond);
  if (!limit) return;
  auto after = QueryNumber(request, "after", 0, INT64_MAX, 0, respond);
  if (!after) return;
  ListOptions options;
  options.limit = static_cast<int>(*limit);
  options.after = *after;
  auto records = service.List(request.caller, options);
  if (!records.ok()) return respond(ErrorResponse(records.status()));
  std::vector<TaskSummary> tasks;
  for (const TaskRecord& record : *records) tasks.push_back(ToSummary(record, request));
  respond(JsonResponse(200, TaskTableJson(tasks)));
}

}  // namespace ns
