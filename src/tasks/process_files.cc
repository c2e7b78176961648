#include "tasks/process_files.h"

#include "tasks/json_fields.h"

namespace ns {

namespace {

Json ToJson(const ProcessId& process) { return {{"pid", process.pid}, {"start_ticks", process.start_ticks}}; }

bool Read(const Json& json, const char* name, ProcessId* out) {
  auto found = json.find(name);
  return found != json.end() && found->is_object() && Get(*found, "pid", &out->pid) && Get(*found, "start_ticks", &out->start_ticks);
}

}  // namespace

std::string WorkerPidsToJson(const WorkerPids& pids) {
  return Dump({{"attempt", pids.attempt}, {"supervisor", ToJson(pids.supervisor)}, {"worker", ToJson(pids.worker)}}) + "\n";
}

std::string ExitRecordToJson(const ExitRecord& record) {
  Json json = {{"attempt", record.attempt}, {"exit_code", record.exit.exit_code}, {"signal", record.exit.signal}};
  SetUnlessEmpty(json, "step", record.step);
  SetUnlessEmpty(json, "reason", record.reason);
  SetUnlessEmpty(json, "message", record.message);
  return Dump(json) + "\n";
}

Result<WorkerPids> ParseWorkerPids(std::string_view text) {
  auto json = ParseJson(text);
  WorkerPids pids;
  if (!json || !json->is_object() || !Get(*json, "attempt", &pids.attempt) || !Read(*json, "supervisor", &pids.supervisor) ||
      !Read(*json, "worker", &pids.worker)) {
    return InvalidArgument("not a worker.pid file", "BAD_PROCESS_FILE");
  }
  return pids;
}

Result<ExitRecord> ParseExitRecord(std::string_view text) {
  auto json = ParseJson(text);
  ExitRecord record;
  if (!json || !json->is_object() || !Get(*json, "attempt", &record.attempt) || !Get(*json, "exit_code", &record.exit.exit_code) ||
      !Get(*json, "signal", &record.exit.signal)) {
    return InvalidArgument("not an exit_status file", "BAD_PROCESS_FILE");
  }
  Get(*json, "step", &record.step);
  Get(*json, "reason", &record.reason);
  Get(*json, "message", &record.message);
  return record;
}

}  // namespace ns
