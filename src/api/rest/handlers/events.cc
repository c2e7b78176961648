#include "api/rest/handlers/common.h"
#include "api/rest/handlers/handlers.h"
#include "api/wire/http_status.h"

namespace ns {

namespace {

constexpr int kPage = 200;

// The events of a task as server-sent events, until the task has ended.
class EventStream final : public BodySource {
 public:
  EventStream(TaskService& service, Caller caller, std::string id, uint64_t after)
      : service_(service), caller_(std::move(caller)), id_(std::move(id)), after_(after) {}

  void Start(std::function<void()> wake) override { subscription_ = service_.events().Subscribe(id_, std::move(wake)); }

  std::optional<Piece> Read() override {
    Piece piece;
    auto page = service_.Events(caller_, id_, after_, kPage);
    piece.broken = !page.ok();
    if (!page.ok()) return piece;
    if (page->events.empty() && !page->ended) return std::nullopt;
    for (const TaskEvent& event : page->events) {
      piece.data += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", event.seq, EventTypeName(event.payload), TaskEventToJson(event));
      after_ = event.seq;
    }
    piece.last = page->ended;
    return piece;
  }

 private:
  TaskService& service_;
  const Caller caller_;
  const std::string id_;
  uint64_t after_;
  EventFeed::Subscription subscription_;
};

}  // namespace

// A browser that reconnects sends the number it has reached as Last-Event-ID; `?after=` is the same for others. When nothing more will come
// the answer is 204, which tells a browser not to ask again.
void HandleEvents(TaskService& service, const Request& request, Responder respond) {
  auto id = TaskIdOf(request, respond);
  if (!id) return;
  auto after = QueryNumber(request, "after", 0, INT64_MAX, 0, respond);
  if (!after) return;
  if (const std::string* last = request.FindHeader("last-event-id")) {
    after = ParseNumber(*last, 0, INT64_MAX);
    if (!after) return respond(JsonResponse(422, FieldErrorsToJson({{{"header", "Last-Event-ID"}, "must be the number of an event", "type_error.integer"}})));
  }
  auto rest = service.Events(request.caller, *id, static_cast<uint64_t>(*after), 1);
  if (!rest.ok()) return respond(ErrorResponse(rest.status()));
  Response response;
  response.status = rest->events.empty() && rest->ended ? 204 : 200;
  response.headers.emplace_back("Cache-Control", "no-store");
  if (response.status == 204) return respond(std::move(response));
  response.content_type = "text/event-stream";
  response.source = std::make_shared<EventStream>(service, request.caller, *id, static_cast<uint64_t>(*after));
  response.heartbeat = ":\n\n";
  respond(std::move(response));
}

}  // namespace ns
