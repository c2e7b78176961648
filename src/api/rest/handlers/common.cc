#include "api/rest/handlers/common.h"

#include <algorithm>
#include <charconv>

namespace ns {

std::optional<std::string> TaskIdOf(const Request& request, const Responder& respond) {
  std::string id = request.Value("id");
  if (!IsTaskId(id)) {
    respond(JsonResponse(422, DetailJson("Invalid task id")));
    return std::nullopt;
  }
  std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
  return id;
}

std::string BaseUrl(const Request& request) {
  std::string host = request.Header("host");
  bool clean = !host.empty() && host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_") == std::string::npos;
  return "http://" + (clean ? host : "localhost") + "/";
}

StatusAnswer ToAnswer(const TaskView& view, const Request& request) {
  const TaskRecord& record = view.record;
  StatusAnswer answer;
  answer.state = record.state;
  answer.progress = view.progress;
  answer.result = record.result;
  if (record.state == TaskState::kDone) answer.result_path = BaseUrl(request) + "download/" + record.id;
  answer.name = record.name;
  answer.reason = record.reason;
  answer.message = record.message;
  if (record.state == TaskState::kPending && record.message.empty()) {
    answer.message = view.ahead > 0 ? fmt::format("waits for a free slot; {} tasks are ahead", view.ahead) : "waits for a free slot";
  }
  answer.attempt = record.attempt;
  answer.ahead = view.ahead;
  answer.submitted = record.submitted;
  answer.started = record.started;
  answer.ended = record.ended;
  return answer;
}

TaskSummary ToSummary(const TaskRecord& record, const Request& request) {
  TaskSummary summary;
  summary.order = record.order;
  summary.id = record.id;
  summary.name = record.name;
  summary.state = record.state;
  summary.priority = record.priority;
  summary.spec_json = record.spec_json;
  if (record.result) summary.result_json = OptimizedResultJson(*record.result);
  if (record.state == TaskState::kDone) summary.result_path = BaseUrl(request) + "download/" + record.id;
  summary.reason = record.reason;
  summary.message = record.message;
  summary.submitted = record.submitted;
  summary.started = record.started;
  summary.ended = record.ended;
  return summary;
}

std::optional<int64_t> QueryNumber(const Request& request, const std::string& name, int64_t low, int64_t high, int64_t otherwise,
                                   const Responder& respond) {
  auto found = request.query.find(name);
  if (found == request.query.end()) return otherwise;
  int64_t value = 0;
  const std::string& text = found->second;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value >= low && value <= high) return value;
  FieldError wrong{{"query", name}, fmt::format("must be a whole number from {} to {}, got \"{}\"", low, high, text), "type_error.integer"};
  respond(JsonResponse(422, FieldErrorsToJson({wrong})));
  return std::nullopt;
}

}  // namespace ns
