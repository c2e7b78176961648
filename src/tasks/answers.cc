#include "tasks/answers.h"

#include "tasks/json_fields.h"

namespace ns {

namespace {

Json OptimizedResult(const ResultEvent& result) {
  std::string accuracy = fmt::format("{:.4f}", result.accuracy), duration = fmt::format("{:.4f}", result.duration_seconds);
  return {{"optimization time (seconds)", fmt::format("{:.2f}", result.optimization_seconds)},
          {"accuracy", accuracy},
          {"Accuracy", accuracy},
          {"duration (seconds)", duration},
          {"Duration (seconds)", duration}};
}

Json TuningInfo(const StatusAnswer& answer) {
  const TaskProgress& progress = answer.progress;
  Json info = Json::object();
  if (answer.state != TaskState::kRunning && !progress.baseline && !progress.last) return info;
  if (progress.baseline) {
    info["baseline"] = {{"Accuracy", fmt::format("{:.4f}", progress.baseline->accuracy)},
                        {"Duration (seconds)", fmt::format("{:.4f}", progress.baseline->duration_seconds)}};
  } else {
    info["baseline"] = "Getting FP32 baseline...";
  }
  if (progress.last) {
    info["message"] = {{"Tuning count", std::to_string(progress.last->index)},
                       {"Accuracy", fmt::format("{:.4f}", progress.last->accuracy)},
                       {"Duration (seconds)", fmt::format("{:.4f}", progress.last->duration_seconds)}};
  } else {
    info["message"] = "Tune 1 running...";
  }
  return info;
}

Json TrialJson(const TrialEvent& trial) { return EventPayloadJson(trial); }

void SetTime(Json& json, const char* name, const std::optional<WallTime>& time) {
  if (time) json[name] = FormatTime(*time);
}

void GetTime(const Json& json, const char* name, std::optional<WallTime>* out) {
  std::string text;
  if (Get(json, name, &text)) *out = ParseTime(text);
}

Json WebhookJson(const WebhookStatus& webhook) {
  Json json = {{"state", webhook.state}, {"tries", webhook.tries}};
  SetTime(json, "next", webhook.next);
  SetTime(json, "delivered", webhook.delivered);
  SetUnlessEmpty(json, "last_error", webhook.last_error);
  return json;
}

WebhookStatus ReadWebhook(const Json& json) {
  WebhookStatus webhook;
  Get(json, "state", &webhook.state);
  Get(json, "tries", &webhook.tries);
  GetTime(json, "next", &webhook.next);
  GetTime(json, "delivered", &webhook.delivered);
  Get(json, "last_error", &webhook.last_error);
  return webhook;
}

Json Details(const StatusAnswer& answer) {
  const TaskProgress& progress = answer.progress;
  Json json = Json::object();
  SetUnlessEmpty(json, "name", answer.name);
  SetUnlessEmpty(json, "reason", answer.reason);
  SetUnlessEmpty(json, "message", answer.message);
  json["attempt"] = answer.attempt;
  if (answer.ahead >= 0) json["ahead"] = answer.ahead;
  SetUnlessEmpty(json, "stage", progress.stage);
  if (!progress.stage.empty()) {
    json["stage_done"] = progress.done;
    json["stage_total"] = progress.total;
  }
  SetOptional(json, "seconds_left", progress.seconds_left);
  if (progress.workers) json["workers"] = Json::parse(EventPayloadToJson(*progress.workers));
  if (progress.estimate) json["estimate"] = Json::parse(EventPayloadToJson(*progress.estimate));
  SetUnlessEmpty(json, "note", progress.note);
  if (progress.baseline) json["baseline"] = TrialJson(*progress.baseline);
  if (progress.best) json["best"] = TrialJson(*progress.best);
  if (answer.result) json["result"] = EventPayloadJson(*answer.result);
  SetTime(json, "submitted", answer.submitted);
  SetTime(json, "started", answer.started);
  SetTime(json, "ended", answer.ended);
  if (answer.workers > 0) {
    json["workers"].update({{"asked", answer.workers}, {"now", answer.workers_now}, {"most", answer.workers_most}});
    SetUnlessEmpty(json["workers"], "note", answer.workers_note);
  }
  for (const StatusAnswer::Where& where : answer.where) {
    Json item = {{"worker", where.worker}};
    SetUnlessEmpty(item, "node", where.node);
    SetUnlessEmpty(item, "note", where.note);
    json["where"].push_back(std::move(item));
  }
  for (const StatusAnswer::Attempt& attempt : answer.attempts) {
    Json item = {{"attempt", attempt.attempt}};
    SetTime(item, "started", attempt.started);
    SetTime(item, "ended", attempt.ended);
    SetUnlessEmpty(item, "outcome", attempt.outcome);
    json["attempts"].push_back(std::move(item));
  }
  if (answer.webhook) json["webhook"] = WebhookJson(*answer.webhook);
  return json;
}

template <typename Event>
void ReadEvent(const Json& json, const char* name, const char* type, std::optional<Event>* out) {
  auto found = json.find(name);
  if (found == json.end()) return;
  auto payload = ParseEventPayload(type, Dump(*found));
  if (payload.ok()) *out = std::get<Event>(*payload);
}

void ReadDetails(const Json& json, StatusAnswer* out) {
  Get(json, "name", &out->name);
  Get(json, "reason", &out->reason);
  Get(json, "message", &out->message);
  Get(json, "attempt", &out->attempt);
  Get(json, "ahead", &out->ahead);
  Get(json, "stage", &out->progress.stage);
  Get(json, "stage_done", &out->progress.done);
  Get(json, "stage_total", &out->progress.total);
  GetOptional(json, "seconds_left", &out->progress.seconds_left);
  if (auto webhook = json.find("webhook"); webhook != json.end() && webhook->is_object()) out->webhook = ReadWebhook(*webhook);
  Get(json, "note", &out->progress.note);
  ReadEvent(json, "workers", "workers", &out->progress.workers);
  ReadEvent(json, "estimate", "estimate", &out->progress.estimate);
  ReadEvent(json, "baseline", "trial", &out->progress.baseline);
  ReadEvent(json, "best", "trial", &out->progress.best);
  ReadEvent(json, "result", "result", &out->result);
  GetTime(json, "submitted", &out->submitted);
  GetTime(json, "started", &out->started);
  GetTime(json, "ended", &out->ended);
  if (auto workers = json.find("workers"); workers != json.end() && workers->is_object()) {
    Get(*workers, "asked", &out->workers);
    Get(*workers, "now", &out->workers_now);
    Get(*workers, "most", &out->workers_most);
    Get(*workers, "note", &out->workers_note);
  }
  auto where = json.find("where");
  for (const Json& item : where != json.end() && where->is_array() ? *where : Json::array()) {
    if (!item.is_object()) continue;
    StatusAnswer::Where& one = out->where.emplace_back();
    Get(item, "worker", &one.worker);
    Get(item, "node", &one.node);
    Get(item, "note", &one.note);
  }
  auto attempts = json.find("attempts");
  for (const Json& item : attempts != json.end() && attempts->is_array() ? *attempts : Json::array()) {
    if (!item.is_object()) continue;
    StatusAnswer::Attempt attempt;
    Get(item, "attempt", &attempt.attempt);
    GetTime(item, "started", &attempt.started);
    GetTime(item, "ended", &attempt.ended);
    Get(item, "outcome", &attempt.outcome);
    out->attempts.push_back(std::move(attempt));
  }
}

}  // namespace

std::string OptimizedResultJson(const ResultEvent& result) { return Dump(OptimizedResult(result)); }

std::string StatusAnswerJson(const StatusAnswer& answer) {
  Json result = answer.result ? OptimizedResult(*answer.result) : Json::object();
  return Dump({{"status", TaskStateName(answer.state)},
               {"tuning_info", TuningInfo(answer)},
               {"optimization_result", result},
               {"optimized_result", result},
               {"result_path", answer.result_path},
               {"details", Details(answer)}});
}

std::string TuningInfoJson(const StatusAnswer& answer) { return Dump(TuningInfo(answer)); }

Result<StatusAnswer> ParseStatusAnswer(std::string_view text) {
  auto json = ParseJson(text);
  std::string state;
  if (!json || !json->is_object() || !Get(*json, "status", &state) || !ParseTaskState(state)) {
    return InvalidArgument(fmt::format("not a task's status: {}", text.substr(0, 200)), "BAD_ANSWER");
  }
  StatusAnswer answer;
  answer.state = *ParseTaskState(state);
  Get(*json, "result_path", &answer.result_path);
  if (auto details = json->find("details"); details != json->end() && details->is_object()) ReadDetails(*details, &answer);
  return answer;
}

std::string TaskAnswerJson(const StatusAnswer& answer) {
  return Dump({{"status", TaskStateName(answer.state)},
               {"optimized_result", answer.result ? OptimizedResult(*answer.result) : Json::object()},
               {"result_path", answer.result_path}});
}

std::string UnknownStatusJson() {
  return Dump({{"status", "Please check url."},
               {"tuning_info", Json::object()},
               {"optimization_result", Json::object()},
               {"optimized_result", Json::object()},
               {"result_path", ""}});
}

std::string SubmitAnswerJson(const std::string& task_id) {
  return Dump({{"status", "successfully"}, {"task_id", task_id}, {"msg", "Task submitted successfully"}});
}

std::string CancelAnswerJson(const std::string& task_id) { return Dump({{"status", "cancelled"}, {"task_id", task_id}}); }

std::string DownloadedJson(const std::string& file) { return Dump({{"file", file}}); }

std::string StoppedJson(bool drained) { return Dump({{"status", "stopped"}, {"drained", drained}}); }

std::string LogLineJson(std::string_view line) { return Dump({{"line", line}}); }

Result<std::string> ParseSubmitAnswer(std::string_view text) {
  auto json = ParseJson(text);
  std::string id;
  if (!json || !json->is_object() || !Get(*json, "task_id", &id)) {
    return InvalidArgument(fmt::format("not an answer to a submission: {}", text.substr(0, 200)), "BAD_ANSWER");
  }
  return id;
}

std::string TrialsJson(const std::vector<TrialEvent>& trials) {
  Json list = Json::array();
  for (const TrialEvent& trial : trials) list.push_back(TrialJson(trial));
  return Dump({{"trials", list}});
}

std::string MessageJson(std::string_view message) { return Dump({{"message", message}}); }

std::string PingJson(bool healthy, std::string_view message) {
  return Dump({{"status", healthy ? "Healthy" : "Failed"}, {"msg", message}});
}

std::string HealthJson(std::string_view reason) { return Dump({{"status", "failed"}, {"reason", reason}}); }

std::string DetailJson(std::string_view detail) { return Dump({{"detail", detail}}); }

std::string ErrorText(std::string_view body) {
  auto json = ParseJson(body);
  if (!json || !json->is_object() || !json->contains("detail")) return std::string(body.substr(0, 500));
  const Json& detail = (*json)["detail"];
  if (detail.is_string()) return detail.get<std::string>();
  std::vector<FieldError> errors;
  for (const Json& item : detail) {
    FieldError error;
    if (!item.is_object() || !Get(item, "msg", &error.msg)) continue;
    if (auto loc = item.find("loc"); loc != item.end() && loc->is_array()) {
      for (const Json& part : *loc) error.loc.push_back(part.is_string() ? part.get<std::string>() : Dump(part));
    }
    errors.push_back(std::move(error));
  }
  return FieldErrorsToText(errors);
}

std::string ServeRecordJson(const ServeRecord& record) {
  if (!record.error.empty()) return Dump({{"error", record.error}}) + "\n";
  Json json = {{"pid", record.pid}, {"start_ticks", record.start_ticks}, {"rest_url", record.rest_url}};
  SetUnlessEmpty(json, "tls_pin", record.tls_pin);
  SetUnlessEmpty(json, "monitor_url", record.monitor_url);
  SetUnlessEmpty(json, "grpc_address", record.grpc_address);
  SetUnlessEmpty(json, "note", record.note);
  return Dump(json) + "\n";
}

Result<ServeRecord> ParseServeRecord(std::string_view text) {
  auto json = ParseJson(text);
  ServeRecord record;
  if (!json || !json->is_object()) return InvalidArgument("not a serve.json file", "BAD_ANSWER");
  if (Get(*json, "error", &record.error)) return record;
  if (!Get(*json, "pid", &record.pid) || !Get(*json, "rest_url", &record.rest_url)) {
    return InvalidArgument("not a serve.json file", "BAD_ANSWER");
  }
  Get(*json, "start_ticks", &record.start_ticks);
  Get(*json, "tls_pin", &record.tls_pin);
  Get(*json, "monitor_url", &record.monitor_url);
  Get(*json, "grpc_address", &record.grpc_address);
  Get(*json, "note", &record.note);
  return record;
}

}  // namespace ns
