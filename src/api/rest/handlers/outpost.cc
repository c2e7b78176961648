// What outposts of workers call, on the result monitor port: service/outpost_desk.h says what each call means.
#include "api/rest/handlers/common.h"
#include "api/rest/handlers/outpost.h"
#include "api/rest/handlers/upload_body.h"
#include "api/wire/http_status.h"

namespace ns {

namespace {

constexpr const char* kRoot = "/outpost/{task}/{worker}/{fence}";

// The one for a path that no outpost would ask for is refused by its empty token.
OutpostCaller CallerOf(const Request& request) {
  OutpostCaller caller;
  auto worker = ParseNumber(request.Value("worker"), 0, 1'000'000), fence = ParseNumber(request.Value("fence"), 1, 1'000'000'000);
  if (!worker || !fence) return caller;
  caller.worker = {request.Value("task"), static_cast<int>(*worker), static_cast<int>(*fence)};
  constexpr std::string_view kBearer = "Bearer ";
  const std::string& authorization = request.Header("authorization");
  if (authorization.starts_with(kBearer)) caller.token = authorization.substr(kBearer.size());
  caller.session = request.Header(kOutpostSessionHeader);
  return caller;
}

Response Answer(const Status& status) { return status.ok() ? JsonResponse(200, "{}") : ErrorResponse(status); }

template <typename T, typename ToJson>
Response Answer(const Result<T>& result, ToJson to_json) {
  return result.ok() ? JsonResponse(200, to_json(*result)) : ErrorResponse(result.status());
}

Response Begin(OutpostDesk& desk, const Request& request) { return Answer(desk.Begin(CallerOf(request)), OutpostOrderToJson); }

Response File(OutpostDesk& desk, const Request& request) {
  auto file = desk.File(CallerOf(request), request.Value("name"));
  if (!file.ok()) return ErrorResponse(file.status());
  Response response;
  response.content_type = "application/octet-stream";
  response.file = *file;
  response.file_is_final = true;  // else its digest is not what was asked for, and it is not taken
  return response;
}

Response Log(OutpostDesk& desk, const Request& request) {
  auto from = request.query.find("from");
  auto begin = ParseNumber(from == request.query.end() ? "" : from->second, 0, int64_t{1} << 60);
  if (!begin) return ErrorResponse(InvalidArgument("from is a number of bytes", "BAD_RANGE"));
  return Answer(desk.TakeLog(CallerOf(request), static_cast<uint64_t>(*begin), request.body), OutpostNextJson);
}

Response Events(OutpostDesk& desk, const Request& request) { return Answer(desk.TakeEvents(CallerOf(request), request.body), OutpostNextJson); }
Response Entry(OutpostDesk& desk, const Request& request) { return Answer(desk.TakeCacheEntry(CallerOf(request), request.Value("name"), request.body)); }
Response End(OutpostDesk& desk, const Request& request) { return Answer(desk.TakeEnd(CallerOf(request), request.body)); }

Response Beat(OutpostDesk& desk, const Request& request) {
  auto beat = ParseOutpostBeat(request.body);
  return beat.ok() ? Answer(desk.TakeBeat(CallerOf(request), *beat), OutpostBeatToJson) : ErrorResponse(beat.status());
}

Response Folder(OutpostDesk& desk, const Request& request) {
  auto order = ParseOutpostOrder(request.body);
  return Answer(order.ok() ? desk.TakeFolder(CallerOf(request), request.Value("name"), order->files) : order.status());
}

Response Content(OutpostDesk& desk, const Request& request) {
  OutpostCaller caller = CallerOf(request);
  if (auto part = desk.Part(caller, request.Value("name")); part.ok()) return PartResponse(200, *part);
  auto file = desk.Stored(caller, request.Value("name"));
  return file.ok() ? FileResponse(200, *file) : ErrorResponse(file.status());
}

std::unique_ptr<BodySink> OpenContent(OutpostDesk& desk, const Request& head, const Responder& respond) {
  OutpostCaller caller = CallerOf(head);
  auto request = ReadUpload(head);
  if (!request.ok()) return respond(ErrorResponse(request.status())), nullptr;
  return UploadBody(desk.BeginUpload(caller, *request), [&desk, caller, name = request->name] { return desk.Part(caller, name); }, respond);
}

}  // namespace

Router MakeOutpostRouter(OutpostDesk& desk) {
  std::vector<Route> routes;
  auto add = [&](const char* method, const char* call, Response (*handle)(OutpostDesk&, const Request&)) {
    Route& route = routes.emplace_back();
    route.method = method;
    route.pattern = std::string(kRoot) + call;
    route.blocking = true;
    route.handler = [&desk, handle](const Request& request, const Responder& respond) { respond(handle(desk, request)); };
  };
  add("POST", "/begin", Begin);
  add("GET", "/file/{name}", File);
  add("POST", "/log", Log);
  add("POST", "/events", Events);
  add("POST", "/entry/{name}", Entry);
  add("POST", "/beat", Beat);
  add("GET", "/content/{name}", Content);
  add("POST", "/folder/{name}", Folder);
  add("POST", "/end", End);
  Route& upload = routes.emplace_back();
  upload.method = "PUT";
  upload.pattern = std::string(kRoot) + "/content/{name}";
  upload.stream = [&desk](const Request& head, const Responder& respond) { return OpenContent(desk, head, respond); };
  return Router(std::move(routes));
}

}  // namespace ns
