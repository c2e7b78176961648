// HTTP requests and answers as handlers see them, without the library that carries them.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tasks/caller.h"

namespace ns {

struct Request {
  std::string method;                        // "GET"
  std::string path;                          // decoded, without the query
  std::vector<std::string> segments;         // of the path, each decoded by itself: a %2F separates nothing
  std::map<std::string, std::string> query;  // decoded
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::map<std::string, std::string> path_values;  // what stood for {id} in the route
  bool tls = false;
  Caller caller;                                   // set before a handler sees the request

  // "" when it is not there. Names are compared without regard to case; of a header given twice, the first.
  const std::string& Header(std::string_view name) const;
  // The same, but null when it is not there.
  const std::string* FindHeader(std::string_view name) const;
  const std::string& Value(const std::string& name) const;
};

// What a BodySource gives.
struct Piece {
  std::string data;
  bool ends_message = true;  // WebSocket: false when the next piece goes on with the same message
  bool last = false;
  bool broken = false;  // there is no more although there should be: the client must see that the answer is not whole
};

// A body that is made while it is sent, or that goes on as things happen.
class BodySource {
 public:
  virtual ~BodySource() = default;
  // Once, before the first Read(). `wake` may be called from any thread at any time, and does not block: there may be more to read now.
  virtual void Start(std::function<void()> wake) { (void)wake; }
  // On the pool, one call at a time; may wait for a file or the store, not for what is yet to happen. None: nothing now; it is asked again
  // after a wake.
  virtual std::optional<Piece> Read() = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  // Sent instead of `body` when it is not empty: the file from byte `file_from` on, streamed, as long as it is when sending begins. A file
  // that is not there is an empty one.
  std::filesystem::path file;
  uint64_t file_from = 0;
  bool file_is_final = false;  // its content never changes: it gets an ETag, and may be asked for by ranges
  // Sent instead of both when it is set; `heartbeat` is put in where it is silent for a while ("": nothing is).
  std::shared_ptr<BodySource> source;
  std::string heartbeat;
  bool websocket = false;  // the request becomes a WebSocket that gets the source's pieces as text; closed with 1000 at its end
};

// Takes the answer, once, from any thread.
using Responder = std::function<void(Response)>;

// Takes a request's body piece by piece as it arrives: on the pool, one call at a time.
class BodySink {
 public:
  // Without Finish(): the client broke off, or Take() ended the request.
  virtual ~BodySink() = default;
  // None: go on. An answer is sent at once, and what still comes is not read.
  virtual std::optional<Response> Take(std::string_view piece) = 0;
  // The body is whole.
  virtual void Finish(Responder respond) = 0;
};

// Opens the sink for a request whose body has not been read; none: `respond` was called, and the body is not read.
using StreamHandler = std::function<std::unique_ptr<BodySink>(const Request& head, Responder respond)>;

Response JsonResponse(int status, std::string json);

}  // namespace ns
