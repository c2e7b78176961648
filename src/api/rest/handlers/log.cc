#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/rest/handlers/log_follower.h"
#include "api/wire/http_status.h"
#include "base/file.h"

namespace ns {

namespace {

constexpr size_t kPiece = 64 << 10;

// The log's bytes from one on, as they are written, until the task has ended.
class LogStream final : public LogFollower {
 public:
  LogStream(TaskService& service, Caller caller, std::string id, std::filesystem::path log, int64_t offset)
      : LogFollower(service, std::move(caller), std::move(id)), log_(std::move(log)), at_(offset) {}

 private:
  std::optional<Piece> ReadLog(bool ended) override {
    if (!file_.valid()) file_.reset(::open(log_.c_str(), O_RDONLY | O_CLOEXEC));
    Piece piece;
    piece.data.resize(kPiece);
    ssize_t n = file_.valid() ? ::pread(file_.get(), piece.data.data(), kPiece, at_) : 0;
    if (n < 0) return Broken();
    piece.data.resize(static_cast<size_t>(n));
    at_ += n;
    if (n == 0 && !ended) return std::nullopt;
    piece.last = n == 0;
    return piece;
  }

  const std::filesystem::path log_;
  int64_t at_;
  FileDescriptor file_;
};

}  // namespace

// `?offset=N` leaves out the first N bytes: a client that follows a log and was cut off goes on from there. `?follow=true` goes on until the
// task has ended.
void HandleLog(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto offset = QueryNumber(request, "offset", 0, INT64_MAX, 0, respond);
  if (!offset) return;
  auto follow = request.query.find("follow");
  if (follow != request.query.end() && follow->second != "true" && follow->second != "false") {
    return respond(JsonResponse(422, FieldErrorsToJson({{{"query", "follow"}, "must be true or false", "type_error.bool"}})));
  }
  auto file = service.Log(request.caller, *id);
  if (!file.ok()) return respond(ErrorResponse(file.status()));
  Response response;
  response.content_type = "text/plain; charset=utf-8";
  if (follow != request.query.end() && follow->second == "true") {
    response.source = std::make_shared<LogStream>(service, request.caller, *id, *file, *offset);
  } else {
    response.file = *file;
    response.file_from = static_cast<uint64_t>(*offset);
  }
  respond(std::move(response));
}

}  // namespace ns
