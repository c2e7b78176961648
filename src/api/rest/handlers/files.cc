// /files: uploads. The body of a PUT is streamed into the file store; see docs/files.md for the protocol.
#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"
#include "base/content_range.h"
#include "base/digest_header.h"
#include "service/file_store.h"

namespace ns {

namespace {

Response FileResponse(int status, const StoredFile& file) {
  Response response = JsonResponse(status, StoredFileJson(file));
  response.headers.emplace_back("Repr-Digest", DigestHeader(file.sha256));
  return response;
}

Response PartResponse(int status, const PartialFile& part) {
  Response response = JsonResponse(status, PartialFileJson(part));
  response.headers.emplace_back("Upload-Offset", std::to_string(part.received));
  return response;
}

// A refused piece tells where to go on.
Response Refused(const TaskService& service, const Caller& caller, const std::string& name, const Status& status) {
  if (status.reason() != "WRONG_OFFSET") return ErrorResponse(status);
  uint64_t received = 0;
  if (auto part = service.GetPart(caller, name); part.ok()) received = part->received;
  Response response = JsonResponse(409, WrongOffsetJson(status.message(), received));
  response.headers.emplace_back("Upload-Offset", std::to_string(received));
  return response;
}

class UploadSink final : public BodySink {
 public:
  UploadSink(const TaskService& service, const Request& head, std::unique_ptr<Upload> upload)
      : service_(service), caller_(head.caller), name_(head.Value("name")), upload_(std::move(upload)) {}

  std::optional<Response> Take(std::string_view piece) override {
    Status status = upload_->Take(piece);
    return status.ok() ? std::nullopt : std::optional(Refused(service_, caller_, name_, status));
  }
  void Finish(Responder respond) override {
    auto outcome = upload_->Finish();
    if (!outcome.ok()) return respond(Refused(service_, caller_, name_, outcome.status()));
    if (!outcome->file) return respond(PartResponse(202, outcome->part));
    respond(FileResponse(outcome->existed ? 200 : 201, *outcome->file));
  }

 private:
  const TaskService& service_;
  const Caller caller_;
  const std::string name_;
  std::unique_ptr<Upload> upload_;
};

// Which bytes of which file the body is.
Status ReadRange(const Request& head, UploadRequest* upload) {
  std::string length = head.Header("content-length"), header = head.Header("content-range");
  if (header.empty()) {
    if (!length.empty()) upload->total = upload->end = std::strtoull(length.c_str(), nullptr, 10);
    return OkStatus();
  }
  auto range = ParseContentRange(header);
  if (!range) {
    return InvalidArgument(fmt::format("Content-Range must be \"bytes FIRST-LAST/SIZE\", got \"{}\"", header.substr(0, 100)), "BAD_RANGE");
  }
  upload->first = range->first;
  upload->end = range->last + 1;
  upload->total = range->total;
  if (length.empty() || std::strtoull(length.c_str(), nullptr, 10) == *upload->end - upload->first) return OkStatus();
  return InvalidArgument("Content-Range and Content-Length do not tell the same length", "BAD_RANGE");
}

Result<UploadRequest> ReadUpload(const Request& head) {
  UploadRequest upload;
  upload.name = head.Value("name");
  NS_RETURN_IF_ERROR(ReadRange(head, &upload));
  NS_ASSIGN_OR_RETURN(upload.content_sha256, ParseDigestHeader(head.Header("content-digest")));
  NS_ASSIGN_OR_RETURN(upload.sha256, ParseDigestHeader(head.Header("repr-digest")));
  if (auto given = head.query.find("sha256"); given != head.query.end()) {
    NS_ASSIGN_OR_RETURN(upload.sha256, ParseHexDigest(given->second));
  }
  return upload;
}

}  // namespace

std::unique_ptr<BodySink> OpenUpload(TaskService& service, const Request& head, Responder respond) {
  auto request = ReadUpload(head);
  if (!request.ok()) return respond(ErrorResponse(request.status())), nullptr;
  auto upload = service.BeginUpload(head.caller, *request);
  if (!upload.ok()) return respond(Refused(service, head.caller, request->name, upload.status())), nullptr;
  return std::make_unique<UploadSink>(service, head, std::move(*upload));
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
