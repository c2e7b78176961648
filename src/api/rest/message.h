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

namespace ns {

struct Request {
  std::string method;                          // "GET"
  std::string path;                            // decoded, without the query
  std::map<std::string, std::string> query;    // decoded
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::map<std::string, std::string> path_values;  // what stood for {id} in the route

  std::string Header(const std::string& name) const;
  std::string Value(const std::string& name) const;
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
