#include "tasks/task_event.h"

#include <fmt/format.h>

#include <cmath>
#include <ctime>

#include "tasks/json_fields.h"

namespace ns {

namespace {

Json PayloadJson(const StateEvent& event) {
  Json json = {{"state", TaskStateName(event.state)}, {"reason", event.reason}, {"message", event.message}};
  if (event.attempt > 0) json["attempt"] = event.attempt;
  return json;
}
Json PayloadJson(const StageEvent& event) { return {{"stage", event.stage}}; }
Json PayloadJson(const ProgressEvent& event) {
  Json json = {{"stage", event.stage}, {"done", event.done}, {"total", event.total}};
  SetOptional(json, "seconds_left", event.seconds_left);
  return json;
}
Json PayloadJson(const NoteEvent& event) { return {{"text", event.text}, {"warning", event.warning}}; }
Json PayloadJson(const TrialEvent& event) {
  Json json = {{"index", event.index},       {"configuration", event.configuration},
               {"metric", event.metric},     {"accuracy", event.accuracy},
               {"duration_seconds", event.duration_seconds}};
  SetOptional(json, "latency_ms", event.latency_ms);
  SetOptional(json, "size_bytes", event.size_bytes);
  json["meets_criterion"] = event.meets_criterion;
  json["best"] = event.best;
  return json;
}
Json PayloadJson(const ResultEvent& event) {
  return {{"goal_met", event.goal_met},
          {"verdict", event.verdict},
          {"metric", event.metric},
          {"accuracy", event.accuracy},
          {"duration_seconds", event.duration_seconds},
          {"optimization_seconds", event.optimization_seconds}};
}

Json PayloadJson(const EstimateEvent& event) { return {{"seconds", event.seconds}, {"memory_bytes", event.memory_bytes}}; }
Json PayloadJson(const WorkersEvent& event) { return {{"useful", event.useful}, {"joined", event.joined}}; }

Json PayloadJson(const EventPayload& payload) {
  return std::visit([](const auto& event) { return PayloadJson(event); }, payload);
}

std::optional<EventPayload> ReadState(const Json& json) {
  StateEvent event;
  std::string state;
  if (!Get(json, "state", &state) || !ParseTaskState(state)) return std::nullopt;
  event.state = *ParseTaskState(state);
  Get(json, "reason", &event.reason);
  Get(json, "message", &event.message);
  Get(json, "attempt", &event.attempt);
  return event;
}

std::optional<EventPayload> ReadProgress(const Json& json) {
  ProgressEvent event;
  if (!Get(json, "stage", &event.stage) || !Get(json, "done", &event.done)) return std::nullopt;
  Get(json, "total", &event.total);
  GetOptional(json, "seconds_left", &event.seconds_left);
  return event;
}

std::optional<EventPayload> ReadTrial(const Json& json) {
  TrialEvent event;
  if (!Get(json, "index", &event.index) || !Get(json, "accuracy", &event.accuracy)) return std::nullopt;
  Get(json, "configuration", &event.configuration);
  Get(json, "metric", &event.metric);
  Get(json, "duration_seconds", &event.duration_seconds);
  GetOptional(json, "latency_ms", &event.latency_ms);
  GetOptional(json, "size_bytes", &event.size_bytes);
  Get(json, "meets_criterion", &event.meets_criterion);
  Get(json, "best", &event.best);
  return event;
}

std::optional<EventPayload> ReadResult(const Json& json) {
  ResultEvent event;
  if (!Get(json, "accuracy", &event.accuracy)) return std::nullopt;
  Get(json, "goal_met", &event.goal_met);
  Get(json, "verdict", &event.verdict);
  Get(json, "metric", &event.metric);
  Get(json, "duration_seconds", &event.duration_seconds);
  Get(json, "optimization_seconds", &event.optimization_seconds);
  return event;
}

std::optional<EventPayload> ReadPayload(std::string_view type, const Json& json) {
  if (!json.is_object()) return std::nullopt;
  if (type == "state") return ReadState(json);
  if (type == "stage") {
    StageEvent event;
    return Get(json, "stage", &event.stage) ? std::optional<EventPayload>(event) : std::nullopt;
  }
  if (type == "progress") return ReadProgress(json);
  if (type == "note") {
    NoteEvent event;
    Get(json, "warning", &event.warning);
    return Get(json, "text", &event.text) ? std::optional<EventPayload>(event) : std::nullopt;
  }
  if (type == "trial") return ReadTrial(json);
  if (type == "result") return ReadResult(json);
  if (type == "estimate") {
    EstimateEvent event;
    bool whole = Get(json, "seconds", &event.seconds) && Get(json, "memory_bytes", &event.memory_bytes);
    return whole ? std::optional<EventPayload>(event) : std::nullopt;
  }
  if (type == "workers") {
    WorkersEvent event;
    bool whole = Get(json, "useful", &event.useful) && Get(json, "joined", &event.joined);
    return whole ? std::optional<EventPayload>(event) : std::nullopt;
  }
  return std::nullopt;
}

Status BadEvent(std::string_view text) {
  return InvalidArgument(fmt::format("not a task event: {}", text.substr(0, 200)), "BAD_EVENT");
}

}  // namespace

std::string_view EventTypeName(const EventPayload& payload) {
  static constexpr std::string_view kNames[] = {"state", "stage", "progress", "note", "trial", "result", "estimate", "workers"};
  return kNames[payload.index()];
}

std::string TaskEventToJson(const TaskEvent& event) {
  return Dump(Json{{"seq", event.seq},
                   {"time", FormatTime(event.time)},
                   {"type", EventTypeName(event.payload)},
                   {"payload", PayloadJson(event.payload)}});
}

Result<TaskEvent> ParseTaskEvent(std::string_view line) {
  auto json = ParseJson(line);
  TaskEvent event;
  std::string time, type;
  if (!json || !json->is_object() || !Get(*json, "seq", &event.seq) || !Get(*json, "time", &time) ||
      !Get(*json, "type", &type) || !json->contains("payload")) {
    return BadEvent(line);
  }
  auto when = ParseTime(time);
  auto payload = ReadPayload(type, (*json)["payload"]);
  if (!when || !payload) return BadEvent(line);
  event.time = *when;
  event.payload = std::move(*payload);
  return event;
}

Json EventPayloadJson(const EventPayload& payload) { return PayloadJson(payload); }

std::string EventPayloadToJson(const EventPayload& payload) { return Dump(PayloadJson(payload)); }

Result<EventPayload> ParseEventPayload(std::string_view type, std::string_view text) {
  auto json = ParseJson(text);
  auto payload = json ? ReadPayload(type, *json) : std::nullopt;
  if (!payload) return BadEvent(text);
  return *payload;
}

std::string FormatTime(WallTime time) {
  int64_t micros = time.time_since_epoch().count();
  int64_t seconds = micros / 1'000'000, rest = micros % 1'000'000;
  if (rest < 0) {
    rest += 1'000'000;
    --seconds;
  }
  std::time_t whole = seconds;
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec, rest);
}

std::optional<WallTime> ParseTime(std::string_view text) {
  std::tm parts{};
  std::string copy(text);
  const char* at = ::strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (at == nullptr) return std::nullopt;
  int64_t micros = 0;
  if (*at == '.') {
    ++at;
    const char* start = at;
    for (int64_t unit = 100'000; *at >= '0' && *at <= '9'; ++at, unit /= 10) micros += (*at - '0') * unit;
    if (at == start) return std::nullopt;
  }
  int64_t offset = 0;
  if (*at == 'Z' && at[1] == '\0') {
    // UTC
  } else if (int hours = 0, minutes = 0, used = 0;
             (*at == '+' || *at == '-') && std::sscanf(at + 1, "%2d:%2d%n", &hours, &minutes, &used) == 2 && used == 5 &&
             at[1 + used] == '\0') {
    offset = (hours * 60 + minutes) * 60 * (*at == '+' ? 1 : -1);
  } else {
    return std::nullopt;
  }
  return WallTime(std::chrono::microseconds((::timegm(&parts) - offset) * 1'000'000 + micros));
}

}  // namespace ns
