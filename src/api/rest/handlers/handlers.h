// The endpoints, each in its own file: a handler translates a request into a call of TaskService and its outcome into an answer.
#pragma once

#include "api/rest/message.h"
#include "api/rest/router.h"
#include "service/task_service.h"

namespace ns {

void HandleRoot(TaskService& service, const Request& request, Responder respond);
void HandlePing(TaskService& service, const Request& request, Responder respond);
void HandleHealth(TaskService& service, const Request& request, Responder respond);
void HandleMetrics(TaskService& service, const Request& request, Responder respond);
void HandleSubmit(TaskService& service, const Request& request, Responder respond);
void HandleStatus(TaskService& service, const Request& request, Responder respond);
// The same for what is in memory.
bool StatusAtOnce(TaskService& service, const Request& request, const Responder& respond);
void HandleTask(TaskService& service, const Request& request, Responder respond);
void HandleTaskTable(TaskService& service, const Request& request, Responder respond);
void HandleTaskList(TaskService& service, const Request& request, Responder respond);
void HandleLog(TaskService& service, const Request& request, Responder respond);
void HandleDownload(TaskService& service, const Request& request, Responder respond);
void HandleCancel(TaskService& service, const Request& request, Responder respond);
void HandleReport(TaskService& service, const Request& request, Responder respond);
void HandleTrials(TaskService& service, const Request& request, Responder respond);
void HandleCluster(TaskService& service, const Request& request, Responder respond);
void HandleClusters(TaskService& service, const Request& request, Responder respond);
void HandleJoinNodes(TaskService& service, const Request& request, Responder respond);
void HandleRemoveNode(TaskService& service, const Request& request, Responder respond);
std::unique_ptr<BodySink> OpenUpload(TaskService& service, const Request& head, Responder respond);
void HandleFile(TaskService& service, const Request& request, Responder respond);
void HandleFileList(TaskService& service, const Request& request, Responder respond);
void HandleFileDelete(TaskService& service, const Request& request, Responder respond);

void HandleReady(TaskService& service, const Request& request, Responder respond);
void HandleScreen(TaskService& service, const Request& request, Responder respond);
void HandleEvents(TaskService& service, const Request& request, Responder respond);
void HandleRecipe(TaskService& service, const Request& request, Responder respond);
void HandleDescription(TaskService& service, const Request& request, Responder respond);
void HandleOpenApi(TaskService& service, const Request& request, Responder respond);
void HandleDocs(TaskService& service, const Request& request, Responder respond);

// All endpoints (routes.h). `service` outlives the router.
Router MakeRouter(TaskService& service);
// Of the monitor port: whether it is well, and its numbers.
Router MakeMonitorRouter(TaskService& service);

}  // namespace ns
