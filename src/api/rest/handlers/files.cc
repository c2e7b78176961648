// /files: uploads. The body of a PUT is streamed into the file store; see docs/files.md for the protocol.
#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/rest/handlers/upload_body.h"
#include "api/wire/http_status.h"
#include "service/file_store.h"

namespace ns {

namespace {

std::function<Result<PartialFile>()> PartOf(const TaskService& service, const Request& head) {
  return [&service, caller = head.caller, name = head.Value("name")] { return service.GetPart(caller, name); };
}

}  // namespace

std::unique_ptr<BodySink> OpenUpload(TaskService& service, const Request& head, Responder respond) {
  auto request = ReadUpload(head);
  if (!request.ok()) return respond(ErrorResponse(request.status())), nullptr;
  return UploadBody(service.BeginUpload(head.caller, *request), PartOf(service, head), respond);
}

// {name}: an id, a SHA-256, or the name of an upload, of which a part may be all that is there.
void HandleFile(TaskService& service, const Request& request, Responder respond) {
  std::string name = request.Value("name");
  if (auto part = service.GetPart(request.caller, name); part.ok()) return respond(PartResponse(200, *part));
  auto file = service.GetFile(request.caller, name);
  respond(file.ok() ? FileResponse(200, *file) : ErrorResponse(file.status()));
}

void HandleFileList(TaskService& service, const Request& request, Responder respond) {
  auto files = service.Files(request.caller);
  respond(files.ok() ? JsonResponse(200, StoredFilesJson(*files)) : ErrorResponse(files.status()));
}

void HandleFileDelete(TaskService& service, const Request& request, Responder respond) {
  std::string name = request.Value("name");
  Status status = service.RemoveFile(request.caller, name);
  if (!status.ok()) return respond(ErrorResponse(status));
  respond(JsonResponse(200, MessageJson(fmt::format("{} was removed", name))));
}

}  // namespace ns
