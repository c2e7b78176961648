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
const AnswerDoc kNoPoint = Refused(404, "no such task, or no such trial in its Pareto set");
const AnswerDoc kNotDone = Refused(409, "the task is not done");

ParameterDoc After(const char* description) { return {"after", "query", kNumber, description}; }
ParameterDoc Trial() {
  return {"trial", "query", R"({"type":"integer","minimum":0,"maximum":2147483647})", "of this trial of the Pareto set (see the report) in the place of the answer"};
}
ParameterDoc Limit(const char* schema) { return {"limit", "query", schema, "rows at most"}; }

std::vector<RouteEntry> MakeTable() {
  return {
      {"GET", "/", kQuick, HandleRoot, {"Welcome", {}, "", {Ok("Message"), {200, "a page for browsers", kHtml, ""}}}},
      {"GET", "/ping", kQuick, HandlePing, {"Whether the service works, as the original says it", {}, "", {Ok("Ping")}}},
      {"GET", "/healthz", kQuick, HandleHealth, {"The process answers", {}, "", {Ok("Health")}}},
      {"GET", "/readyz", kQuick, HandleReady,
       {"The service takes tasks and its store answers", {}, "", {Ok("Health"), {503, "it does not", kJson, "Health"}}}},
      {"GET", "/metrics", kBlocking, HandleMetrics,
       {"What the service counts, as Prometheus reads it", {}, "", {{200, "a line a number", "text/plain; version=0.0.4; charset=utf-8", ""}}}},
      {"POST", "/task/submit", kBlocking, HandleSubmit,
       {"Submit a task; the answer comes when it is durably stored",
        {{"Idempotency-Key", "header", R"({"type":"string","maxLength":200})", "the same key again returns the same task"}},
        "TaskRequest",
        {Ok("Submitted"), Refused(413, "the body is too large"),
         Refused(415, "the body is not application/json"), Refused(422, "what is wrong, field by field; nothing was stored"),
         Refused(507, "no room on the disk")}}},
      {"GET", "/task/status/{id}", kBlocking, HandleStatus,
       {"Where a task is; an unknown one has the status \"Please check url.\"", {}, "", {Ok("TaskStatus"), kBadId}},
       StatusAtOnce},
      {"GET", "/task/log/{id}", kBlocking, HandleLog,
       {"The task's log", {{"offset", "query", kNumber, "bytes to leave out at its start"},
        {"follow", "query", R"({"type":"boolean","default":false})", "go on until the task has ended"}}, "",
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
      {"GET", "/task/{id}/recipe", kBlocking, HandleRecipe,
       {"What makes the same model again without tuning", {Trial()}, "", {Ok("Recipe"), kNoPoint, kNotDone, kBadId}}},
      {"GET", "/task/{id}/trials", kBlocking, HandleTrials, {"Every trial, the baseline first", {}, "", {Ok("Trials"), kUnknown, kBadId}}},
      {"POST", "/task/{id}/cancel", kBlocking, HandleCancel,
       {"Cancel a task", {}, "", {Ok("Cancelled"), kUnknown, Refused(409, "it has ended already"), kBadId, Refused(507, "no room on the disk")}}},
      {"GET", "/task/{id}", kBlocking, HandleTask, {"State and result of a task", {}, "", {Ok("Task"), kUnknown, kBadId}}},
      {"GET", "/download/{id}", kBlocking, HandleDownload,
       {"The optimized model as a zip",
        {{"Range", "header", R"({"type":"string"})", "one range of bytes"}, Trial()},
        "", {{200, "the zip", "application/octet-stream", ""}, {206, "a part of it", "application/octet-stream", ""}, {304, "the client has it", "", ""},
             Refused(400, "no such task"), Refused(404, "the task is not done, or has no such model"), Refused(416, "the range is outside of it"), kBadId,
             Refused(507, "no room on the disk")}}},
      {"GET", "/cluster", kBlocking, HandleCluster, {"The nodes and their slots", {}, "", {Ok("Cluster")}}},
      {"GET", "/clusters", kBlocking, HandleClusters, {"The same as an HTML table", {}, "", {{200, "a page", kHtml, ""}}}},
      {"POST", "/cluster/nodes", kBlocking, HandleJoinNodes,
       {"Add nodes", {}, "JoinNodes", {Ok("Cluster", "the nodes there are now"), Refused(409, "a node of that name is there, or this executor has no use for it"),
        Refused(413, "the body is too large"), Refused(415, "the body is not application/json"), Refused(422, "not a hostfile"), Refused(507, "no room on the disk")}}},
      {"DELETE", "/cluster/nodes/{id}", kBlocking, HandleRemoveNode,
       {"Remove a node: what runs there runs to its end, nothing new is started there",
        {{"id", "path", kNumber, "the node's id, as GET /cluster shows it"}}, "",
        {Ok("Cluster", "the nodes there are now"), Refused(404, "no such node"), Refused(409, "it leaves already"), Refused(422, "not a node's id"), Refused(507, "no room on the disk")}}},
      {"PUT", "/files/{name}", kBlocking, nullptr,
       {"Upload a file, whole or (with Content-Range) a piece of it; the answer comes when it is durably stored. See docs/files.md",
        {{"name", "path", R"({"type":"string","minLength":1,"maxLength":200})", "its name, whose end tells the format"},
         {"sha256", "query", R"({"type":"string","pattern":"^[0-9a-fA-F]{64}$"})", "what the file's SHA-256 must be"},
         {"Content-Range", "header", R"({"type":"string"})", "bytes FIRST-LAST/SIZE"},
         {"Content-Digest", "header", R"({"type":"string"})", "of this body, RFC 9530"},
         {"Repr-Digest", "header", R"({"type":"string"})", "of the whole file, RFC 9530"}},
        "binary",
        {Ok("File", "the service has that file already"), {201, "the file is stored", kJson, "File"}, {202, "pieces are missing", kJson, "FilePart"},
         {409, "the piece begins beyond what has arrived", kJson, "WrongOffset"}, Refused(413, "the file is too large"),
         Refused(422, "a name, range or digest that is not valid"), Refused(507, "no room on the disk; nothing is left of the upload")}},
       nullptr, OpenUpload},
      {"GET", "/files/{name}", kBlocking, HandleFile,
       {"An uploaded file, or how much of it has arrived", {{"name", "path", R"({"type":"string"})", "id, SHA-256 or name"}}, "",
        {Ok("FileOrPart"), Refused(404, "no such file")}}},
      {"DELETE", "/files/{name}", kBlocking, HandleFileDelete,
       {"Remove an uploaded file", {{"name", "path", R"({"type":"string"})", "id or SHA-256, or the name of one that has not arrived whole"}}, "",
        {Ok("Message"), Refused(404, "no such file"), Refused(409, "a task that has not ended needs it")}}},
      {"GET", "/files", kBlocking, HandleFileList, {"The uploaded files, newest last", {}, "", {Ok("FileList")}}},
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
  for (const RouteEntry& entry : RouteTable()) routes.push_back({entry.method, entry.pattern, entry.blocking, {}, entry.doc, {}, {}});
  return routes;
}

Router MakeRouter(TaskService& service) {
  std::vector<Route> routes = DescribedRoutes();
  for (size_t i = 0; i < routes.size(); ++i) {
    if (auto* stream = RouteTable()[i].stream) {
      routes[i].stream = [&service, stream](const Request& head, Responder respond) { return stream(service, head, std::move(respond)); };
      continue;
    }
    routes[i].handler = [&service, handler = RouteTable()[i].handler](const Request& request, Responder respond) {
      handler(service, request, std::move(respond));
    };
    if (auto at_once = RouteTable()[i].at_once) {
      routes[i].at_once = [&service, at_once](const Request& request, const Responder& respond) { return at_once(service, request, respond); };
    }
  }
  return Router(std::move(routes));
}

Router MakeMonitorRouter(TaskService& service) {
  std::vector<Route> routes;
  for (const RouteEntry& entry : RouteTable()) {
    if (entry.pattern != "/healthz" && entry.pattern != "/readyz" && entry.pattern != "/metrics") continue;
    routes.push_back({entry.method, entry.pattern, entry.blocking,
                      [&service, handler = entry.handler](const Request& request, Responder respond) { handler(service, request, std::move(respond)); },
                      entry.doc, {}, {}});
  }
  return Router(std::move(routes));
}

}  // namespace ns
