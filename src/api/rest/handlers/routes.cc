#include "api/rest/handlers/routes.h"

#include "api/rest/handlers/handlers.h"

namespace ns {

namespace {

constexpr bool kQuick = false, kBlocking = true;

constexpr const char* kJson = "application/json";
constexpr const char* kNumber = R"({"type":"integer","minimum":0,"maximum":9223372036854775807})";
constexpr const char* kHtml = "text/html; charset=utf-8";

AnswerDoc Ok(const char* schema, const char* description = "the answer") { return {200, description, kJson, schema}; }
AnswerDoc Refused(int status, const char* description) { return {status, description, kJson, "Error"}; }

const AnswerDoc kBadId = Refused(422, "not a task id, or a parameter that is not valid");
const AnswerDoc kUnknown = Refused(404, "no such task");
const AnswerDoc kNotDone = Refused(409, "the task is not done");

ParameterDoc After(const char* description) { return {"after", "query", kNumber, description}; }
ParameterDoc Limit(const char* schema) { return {"limit", "query", schema, "rows at most"}; }

std::vector<RouteEntry> MakeTable() {
  return {
      {"GET", "/", kQuick, HandleRoot, {"Welcome", {}, "", {Ok("Message"), {200, "a page for browsers", kHtml, ""}}}},
      {"GET", "/ping", kQuick, HandlePing, {"Whether the service works, as the original says it", {}, "", {Ok("Ping")}}},
      {"GET", "/healthz", kQuick, HandleHealth, {"The process answers", {}, "", {Ok("Health")}}},
      {"GET", "/readyz", kQuick, HandleReady,
       {"The service takes tasks and its store answers", {}, "", {Ok("Health"), {503, "it does not", kJson, "Health"}}}},
      {"POST", "/task/submit", kBlocking, HandleSubmit,
       {"Submit a task; the answer comes when it is durably stored",
        {{"Idempotency-Key", "header", R"({"type":"string","maxLength":200})", "the same key again returns the same task"}},
        "TaskRequest",
        {Ok("Submitted"), Refused(413, "the body is too large"),
         Refused(415, "the body is not application/json"), Refused(422, "what is wrong, field by field; nothing was stored"),
         Refused(507, "no room on the disk")}}},
      {"GET", "/task/status/{id}", kBlocking, HandleStatus,
       {"Where a task is; an unknown one has the status \"Please check url.\"", {}, "", {Ok("TaskStatus"), kBadId}}},
      {"GET", "/task/log/{id}", kQuick, HandleLog,
       {"The task's log", {{"offset", "query", kNumber, "bytes to leave out at its start"}}, "",
        {{200, "the log", "text/plain; charset=utf-8", ""}, kUnknown, kBadId}}},
      {"GET", "/task/screen/{id}", kBlocking, HandleScreen,
       {"WebSocket: the log so far, then each new line; closed with 1000 when the task has ended", {After("lines to leave out at its start")}, "",
        {{101, "a text message holds one or more lines", "", ""}, kUnknown, Refused(426, "not a WebSocket request"), kBadId}}},
      {"GET", "/task", kBlocking, HandleTaskTable,
       {"The task table, newest last", {Limit(R"({"type":"integer","minimum":1,"maximum":100000,"default":10000})"), After("tasks submitted after this order")}, "",
        {Ok("TaskTable"), Refused(422, "a parameter that is not valid")}}},
      {"GET", "/tasks", kBlocking, HandleTaskList,
       {"Tasks, page by page",
        {{"status", "query", R"({"enum":["pending","running","done","failed","cancelled"]})", "only these"},
         {"label", "query", R"({"type":"string","pattern":"^[^=:\\u0000]+[=:][^\\u0000]*$"})", "name:value, only tasks with this label"},
         Limit(R"({"type":"integer","minimum":1,"maximum":1000,"default":100})"), After("next of the page before")},
        "", {Ok("TaskList"), Refused(422, "a parameter that is not valid")}}},
      {"GET", "/task/{id}/events", kBlocking, HandleEvents,
       {"Server-sent events: what happens to the task, from its first event on, until it has ended",
        {After("the number of the last event that is known"), {"Last-Event-ID", "header", kNumber, "the same; goes before it"}},
        "", {{200, "id is the event's number", "text/event-stream", ""}, {204, "the task has ended and all was told", "", ""}, kUnknown, kBadId}}},
      {"GET", "/task/{id}/report", kBlocking, HandleReport,
       {"The evidence beside the optimized model", {}, "", {Ok("Report"), {200, "a page for browsers", kHtml, ""}, kUnknown, kNotDone, kBadId}}},
      {"GET", "/task/{id}/recipe", kQuick, HandleRecipe,
       {"What makes the same model again without tuning", {}, "", {Ok("Recipe"), kUnknown, kNotDone, kBadId}}},
      {"GET", "/task/{id}/trials", kBlocking, HandleTrials, {"Every trial, the baseline first", {}, "", {Ok("Trials"), kUnknown, kBadId}}},
      {"POST", "/task/{id}/cancel", kBlocking, HandleCancel,
       {"Cancel a task", {}, "", {Ok("Cancelled"), kUnknown, Refused(409, "it has ended already"), kBadId, Refused(507, "no room on the disk")}}},
      {"GET", "/task/{id}", kBlocking, HandleTask, {"State and result of a task", {}, "", {Ok("Task"), kUnknown, kBadId}}},
      {"GET", "/download/{id}", kBlocking, HandleDownload,
       {"The optimized model as a zip",
        {{"Range", "header", R"({"type":"string"})", "one range of bytes"}},
        "", {{200, "the zip", "application/octet-stream", ""}, {206, "a part of it", "application/octet-stream", ""}, {304, "the client has it", "", ""},
             Refused(400, "no such task"), Refused(404, "the task is not done"), Refused(416, "the range is outside of it"), kBadId,
             Refused(507, "no room on the disk")}}},
      {"GET", "/cluster", kQuick, HandleCluster, {"The nodes and their slots", {}, "", {Ok("Cluster")}}},
      {"GET", "/clusters", kQuick, HandleClusters, {"The same as an HTML table", {}, "", {{200, "a page", kHtml, ""}}}},
      {"POST", "/cluster/nodes", kBlocking, HandleJoinNodes,
       {"Add nodes", {}, "JoinNodes", {Ok("Cluster", "the nodes there are now"), Refused(409, "a node of that name is there, or this executor has no use for it"),
        Refused(413, "the body is too large"), Refused(415, "the body is not application/json"), Refused(422, "not a hostfile"), Refused(507, "no room on the disk")}}},
      {"DELETE", "/cluster/nodes/{id}", kBlocking, HandleRemoveNode,
       {"Remove a node: what runs there runs to its end, nothing new is started there",
        {{"id", "path", kNumber, "the node's id, as GET /cluster shows it"}}, "",
        {Ok("Cluster", "the nodes there are now"), Refused(404, "no such node"), Refused(409, "it leaves already"), Refused(422, "not a node's id"), Refused(507, "no room on the disk")}}},
      {"GET", "/description", kQuick, HandleDescription, {"These calls, in short", {}, "", {Ok("Description")}}},
      {"GET", "/openapi.json", kQuick, HandleOpenApi, {"These calls, in full", {}, "", {Ok("OpenApi")}}},
      {"GET", "/docs", kQuick, HandleDocs, {"A page that shows them", {}, "", {{200, "the page", kHtml, ""}}}},
      {"GET", "/docs/{file}", kQuick, HandleDocs,
       {"Parts of that page", {{"file", "path", R"({"enum":["app.js","style.css"]})", "its name"}}, "",
        {{200, "a script", "text/javascript; charset=utf-8", ""}, {200, "a style sheet", "text/css; charset=utf-8", ""}, Refused(404, "no such file")}}},
  };
}

}  // namespace

const std::vector<RouteEntry>& RouteTable() {
  static const std::vector<RouteEntry> table = MakeTable();
  return table;
}

std::vector<Route> DescribedRoutes() {
  std::vector<Route> routes;
  for (const RouteEntry& entry : RouteTable()) routes.push_back({entry.method, entry.pattern, entry.blocking, {}, entry.doc, {}});
  return routes;
}

Router MakeRouter(TaskService& service) {
  std::vector<Route> routes = DescribedRoutes();
  for (size_t i = 0; i < routes.size(); ++i) {
    routes[i].handler = [&service, handler = RouteTable()[i].handler](const Request& request, Responder respond) {
      handler(service, request, std::move(respond));
    };
  }
  return Router(std::move(routes));
}

}  // namespace ns
