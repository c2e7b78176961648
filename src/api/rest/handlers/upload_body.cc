#include "api/rest/handlers/upload_body.h"

#include "api/wire/http_status.h"
#include "base/content_range.h"
#include "base/digest_header.h"

namespace ns {

namespace {

// A refused piece tells where to go on.
Response Refused(const std::function<Result<PartialFile>()>& find_part, const Status& status) {
  if (status.reason() != "WRONG_OFFSET") return ErrorResponse(status);
  uint64_t received = 0;
  if (auto part = find_part(); part.ok()) received = part->received;
  Response response = JsonResponse(409, WrongOffsetJson(status.message(), received));
  response.headers.emplace_back("Upload-Offset", std::to_string(received));
  return response;
}

class UploadSink final : public BodySink {
 public:
  UploadSink(std::unique_ptr<Upload> upload, std::function<Result<PartialFile>()> part) : part_(std::move(part)), upload_(std::move(upload)) {}

  std::optional<Response> Take(std::string_view piece) override {
    Status status = upload_->Take(piece);
    return status.ok() ? std::nullopt : std::optional(Refused(part_, status));
  }
  void Finish(Responder respond) override {
    auto outcome = upload_->Finish();
    if (!outcome.ok()) return respond(Refused(part_, outcome.status()));
    if (!outcome->file) return respond(PartResponse(202, outcome->part));
    respond(FileResponse(outcome->existed ? 200 : 201, *outcome->file));
  }

 private:
  const std::function<Result<PartialFile>()> part_;
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

}  // namespace

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

std::unique_ptr<BodySink> UploadBody(Result<std::unique_ptr<Upload>> upload, std::function<Result<PartialFile>()> part, const Responder& respond) {
  if (!upload.ok()) return respond(Refused(part, upload.status())), nullptr;
  return std::make_unique<UploadSink>(std::move(*upload), std::move(part));
}

}  // namespace ns
