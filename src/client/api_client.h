// The service's REST API from the client's side.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "tasks/answers.h"

namespace ns {

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// Thread-compatible. Failures to reach the service are Unavailable (NO_SERVICE); an answer that refuses is turned into the Status with the
// service's own words, the HTTP code in the message where it says more.
class ApiClient {
 public:
  // "http://127.0.0.1:8000", without a slash at the end. An https service is known by `tls_pin`, its ServeRecord's; without one by the
  // system's certificates, or those of the file that the environment variable NEURAL_SOLUTION_CA names.
  explicit ApiClient(std::string base_url, std::string tls_pin = "") : base_url_(std::move(base_url)), tls_pin_(std::move(tls_pin)) {}
  // One that says who it is by these headers ("Name: value"), and uses neither a token nor a proxy of the environment.
  ApiClient(std::string base_url, std::string tls_pin, std::vector<std::string> headers)
      : base_url_(std::move(base_url)), tls_pin_(std::move(tls_pin)), headers_(std::move(headers)) {}

  const std::string& base_url() const { return base_url_; }

  // The raw exchange; any HTTP status is an answer.
  Result<HttpAnswer> Get(const std::string& path) const;
  Result<HttpAnswer> Post(const std::string& path, const std::string& json) const;
  Result<HttpAnswer> Delete(const std::string& path) const;
  // The file from byte `from` on, with a Content-Range when that is not 0.
  Result<HttpAnswer> PutFile(const std::string& path, const std::filesystem::path& file, uint64_t from) const;
  // The Status of an answer that refuses.
  static Status Refused(const HttpAnswer& answer);

  // Id of the new task. InvalidArgument (REFUSED) with every wrong field in one line.
  Result<std::string> Submit(const std::string& request_json) const;
  Result<StatusAnswer> GetStatus(const std::string& id) const;
  // The body of GET /task/status/{id} as it came. NotFound (UNKNOWN_TASK), as for all that take an id.
  Result<std::string> StatusJson(const std::string& id) const;
  // `query`: "limit=10&status=done", escaped (Escaped()).
  Result<std::string> ListJson(const std::string& query) const;
  // For a query: all but letters, digits, '-', '.', '_' and '~' as %XX.
  static std::string Escaped(std::string_view text);
  Result<std::string> Cancel(const std::string& id) const;
  // The log from a byte on, piece by piece; with `follow` until the task has ended.
  Status ReadLog(const std::string& id, uint64_t offset, bool follow, const std::function<void(std::string_view)>& take) const;
  // The events after this number, as they come; null: there was nothing for a while. Returns when the service says that no more will come,
  // or the connection breaks (Unavailable).
  Status FollowEvents(const std::string& id, uint64_t after, const std::function<void(const TaskEvent*)>& take) const;
  // Into `file`, which appears only when it is complete. `trial`: that of the Pareto set; -1: the answer.
  Status Download(const std::string& id, const std::filesystem::path& file, int trial = -1) const;
  Result<std::string> Recipe(const std::string& id, int trial = -1) const;
  Status Ping() const;
  // GET /cluster as it came; nodes that join, as a hostfile's text; a node that leaves.
  Result<std::string> ClusterJson() const;
  Status JoinNodes(const std::string& hostfile) const;
  Status RemoveNode(int64_t id) const;

 private:
  Result<std::string> GetBody(const std::string& path) const;
  Status GetStream(const std::string& path, const std::function<void(std::string_view)>& take) const;

  std::string base_url_, tls_pin_;
  std::vector<std::string> headers_;  // empty: the environment says who we are
};

}  // namespace ns
