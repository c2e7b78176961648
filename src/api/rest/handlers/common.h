// What several handlers need.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/rest/message.h"
#include "service/task_service.h"
#include "tasks/answers.h"

namespace ns {

// The {id} of the path; none (and the request is answered with 422) when it is no task id. Ids are lower case inside.
std::optional<std::string> TaskIdOf(const Request& request, const Responder& respond);

// "http://HOST/" or "https://HOST/", as the client wrote the host.
std::string BaseUrl(const Request& request);

StatusAnswer ToAnswer(const TaskView& view, const Request& request);
TaskSummary ToSummary(const TaskRecord& record, const Request& request);

// A whole decimal number in [low, high].
std::optional<int64_t> ParseNumber(std::string_view text, int64_t low, int64_t high);

// True when the body is sent as JSON; otherwise the request is answered with 415.
bool TakesJson(const Request& request, const Responder& respond);

// A browser asks: HTML is accepted by name, and not less than JSON.
bool PrefersHtml(const Request& request);

// A complete request for a WebSocket (RFC 6455, 4.2.1).
bool IsWebSocketUpgrade(const Request& request);

// A page in our look, without scripts. `body` is HTML: escape what comes from outside.
Response HtmlPage(std::string_view title, std::string_view body);

// A query number in [low, high]; `otherwise` when absent. None, and the request is answered with 422, when it is something else.
std::optional<int64_t> QueryNumber(const Request& request, const std::string& name, int64_t low, int64_t high, int64_t otherwise,
                                   const Responder& respond);

// The query's trial of the Pareto set; none when absent. False, and the request is answered with 422, when it is no number.
bool QueryTrial(const Request& request, std::optional<int>* trial, const Responder& respond);

}  // namespace ns
