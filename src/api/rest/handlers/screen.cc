#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/rest/handlers/log_follower.h"
#include "api/wire/http_status.h"
#include "service/log_tail.h"

namespace ns {

namespace {

// The log of a task from some line on, until the task has ended and everything was shown.
class Screen final : public LogFollower {
 public:
  Screen(TaskService& service, Caller caller, std::string id, std::filesystem::path log, uint64_t skip)
      : LogFollower(service, std::move(caller), std::move(id)), tail_(std::move(log), skip) {}

 private:
  std::optional<Piece> ReadLog(bool ended) override {
    Piece piece;
    auto lines = tail_.Read(ended);
    if (!lines && !ended) return std::nullopt;
    if (lines) {
      piece.data = std::move(lines->text);
      piece.ends_message = lines->whole;
    }
    piece.last = !lines;
    return piece;
  }

  LogTail tail_;
};

}  // namespace

// `?after=N` leaves out the first N lines: a client that has them goes on after a break.
void HandleScreen(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto after = QueryNumber(request, "after", 0, INT64_MAX, 0, respond);
  if (!after) return;
  auto log = service.Log(request.caller, *id);
  if (!log.ok()) return respond(ErrorResponse(log.status()));
  Response response;
  if (!IsWebSocketUpgrade(request)) {
    response = JsonResponse(426, DetailJson("this is a WebSocket: connect with ws://, or read GET /task/log/{id}"));
    response.headers.emplace_back("Upgrade", "websocket");
    return respond(std::move(response));
  }
  response.status = 101;
  response.websocket = true;
  response.source = std::make_shared<Screen>(service, request.caller, *id, *log, static_cast<uint64_t>(*after));
  respond(std::move(response));
}

}  // namespace ns
