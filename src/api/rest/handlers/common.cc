#include "api/rest/handlers/common.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "report/markup.h"
#include "service/task_answer.h"

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
  const std::string& host = request.Header("host");
  bool clean = !host.empty() && host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]_") == std::string::npos;
  return (request.tls ? "https://" : "http://") + (clean ? host : "localhost") + "/";
}

StatusAnswer ToAnswer(const TaskView& view, const Request& request) {
  return ToStatusAnswer(view, BaseUrl(request) + "download/" + view.record.id);
}

TaskSummary ToSummary(const TaskRecord& record, const Request& request) {
  return ToTaskSummary(record, BaseUrl(request) + "download/" + record.id);
}

std::optional<int64_t> ParseNumber(std::string_view text, int64_t low, int64_t high) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) return std::nullopt;
  return value;
}

std::optional<int64_t> QueryNumber(const Request& request, const std::string& name, int64_t low, int64_t high, int64_t otherwise,
                                   const Responder& respond) {
  auto found = request.query.find(name);
  if (found == request.query.end()) return otherwise;
  if (auto value = ParseNumber(found->second, low, high)) return value;
  FieldError wrong{{"query", name}, fmt::format("must be a whole number from {} to {}, got \"{}\"", low, high, found->second), "type_error.integer"};
  respond(JsonResponse(422, FieldErrorsToJson({wrong})));
  return std::nullopt;
}

bool QueryTrial(const Request& request, std::optional<int>* trial, const Responder& respond) {
  auto number = QueryNumber(request, "trial", 0, INT32_MAX, -1, respond);
  if (!number) return false;
  if (*number >= 0) *trial = static_cast<int>(*number);
  return true;
}

namespace {

// The weight that an Accept header gives to exactly this type; -1: it does not name it.
double WeightOf(std::string_view accept, std::string_view type) {
  while (!accept.empty()) {
    size_t comma = accept.find(',');
    std::string_view item = accept.substr(0, comma);
    item.remove_prefix(std::min(item.find_first_not_of(' '), item.size()));
    if (item.starts_with(type) && (item.size() == type.size() || item[type.size()] == ';' || item[type.size()] == ' ')) {
      size_t q = item.find("q=");
      return q == std::string_view::npos ? 1 : std::strtod(std::string(item.substr(q + 2)).c_str(), nullptr);
    }
    if (comma == std::string_view::npos) break;
    accept.remove_prefix(comma + 1);
  }
  return -1;
}

}  // namespace

bool PrefersHtml(const Request& request) {
  const std::string& accept = request.Header("accept");
  double html = WeightOf(accept, "text/html");
  return html > 0 && html >= WeightOf(accept, "application/json");
}

bool IsWebSocketUpgrade(const Request& request) {
  auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  };
  return request.method == "GET" && lower(request.Header("upgrade")) == "websocket" &&
         lower(request.Header("connection")).find("upgrade") != std::string::npos && request.Header("sec-websocket-version") == "13" &&
         !request.Header("sec-websocket-key").empty();
}

namespace {

// "application/json", whatever parameters it has. One that a client left out is taken for it, as is what `curl -d` says when it is told nothing.
bool IsJson(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return type.empty() || type == "application/json" || type == "application/x-www-form-urlencoded" || (type.starts_with("application/") && type.ends_with("+json"));
}

}  // namespace

bool TakesJson(const Request& request, const Responder& respond) {
  const std::string& type = request.Header("content-type");
  if (IsJson(type)) return true;
  respond(JsonResponse(415, DetailJson(fmt::format("the body must be JSON, sent with Content-Type: application/json; got {}", type))));
  return false;
}

Response HtmlPage(std::string_view title, std::string_view body) {
  Response response;
  response.content_type = "text/html; charset=utf-8";
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  response.body = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, "
      "initial-scale=1\"><title>{}</title><link rel=\"stylesheet\" href=\"/docs/style.css\"></head><body><main>\n"
      "<nav><a href=\"/\">Neural Solution</a></nav>\n{}</main></body></html>\n",
      EscapeMarkup(title), body);
  return response;
}

}  // namespace ns
