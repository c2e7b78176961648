#include <atomic>

#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"
#include "service/log_tail.h"

namespace ns {

namespace {

// The log of a task from some line on, until the task has ended and everything was shown.
class Screen final : public BodySource {
 public:
  Screen(TaskService& service, Caller caller, std::string id, std::filesystem::path log, uint64_t skip)
      : service_(service), caller_(std::move(caller)), id_(std::move(id)), tail_(std::move(log), skip) {}

  void Start(std::function<void()> wake) override {
    events_ = service_.events().Subscribe(id_, [this, wake] {
      changed_ = true;
      wake();
    });
    lines_ = service_.logs().Subscribe(id_, wake);
  }

  std::optional<Piece> Read() override {
    // Whether it has ended is asked first: what was written before is read after, so that no last line is missed.
    if (!ended_ && changed_.exchange(false)) {
      auto end = service_.Events(caller_, id_, INT64_MAX, 1);
      if (!end.ok()) return Broken();
      ended_ = end->ended;
    }
    Piece piece;
    auto lines = tail_.Read(ended_);
    if (!lines && !ended_) return std::nullopt;
    if (lines) {
      piece.data = std::move(lines->text);
      piece.ends_message = lines->whole;
    }
    piece.last = !lines;
    return piece;
  }

 private:
  static Piece Broken() {
    Piece piece;
    piece.broken = true;
    return piece;
  }

  TaskService& service_;
  const Caller caller_;
  const std::string id_;
  LogTail tail_;
  bool ended_ = false;
  std::atomic<bool> changed_{true};
  EventFeed::Subscription events_, lines_;  // last: end first
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
