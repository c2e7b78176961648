#include "tasks/task_file.h"

#include "tasks/json_fields.h"
#include "tasks/task_event.h"
#include "tasks/task_spec_codec.h"

namespace ns {

std::string TaskFileToJson(const TaskFile& file) {
  Json json = {{"version", 1},
               {"task_id", file.task_id},
               {"attempt", file.attempt},
               {"cores", file.cores},
               {"model_path", file.model_path.string()},
               {"dataset_path", file.dataset_path.string()},
               {"output_folder", file.output_folder.string()},
               {"events_file", file.events_file.string()}};
  SetUnlessEmpty(json, "script_path", file.script_path.string());
  SetUnlessEmpty(json, "calibration_path", file.calibration_path.string());
  SetUnlessEmpty(json, "cache_folder", file.cache_folder.string());
  if (file.deadline) json["deadline"] = FormatTime(*file.deadline);
  json["spec"] = Json::parse(TaskSpecToJson(file.spec));
  return Dump(json, 2) + "\n";
}

Result<TaskFile> ParseTaskFile(std::string_view text) {
  auto bad = [](std::string_view why) { return InvalidArgument(fmt::format("not a task file: {}", why), "BAD_TASK_FILE"); };
  auto json = ParseJson(text);
  if (!json || !json->is_object()) return bad("it is not a JSON object");
  int version = 0;
  if (!Get(*json, "version", &version) || version != 1) return bad("its version is not 1");
  TaskFile file;
  std::string model, script, dataset, calibration, cache, output, events, deadline;
  if (!Get(*json, "task_id", &file.task_id)) return bad("no task_id");
  if (!Get(*json, "model_path", &model)) return bad("no model_path");
  if (!Get(*json, "output_folder", &output)) return bad("no output_folder");
  if (!Get(*json, "events_file", &events)) return bad("no events_file");
  Get(*json, "attempt", &file.attempt);
  Get(*json, "script_path", &script);
  Get(*json, "dataset_path", &dataset);
  Get(*json, "calibration_path", &calibration);
  Get(*json, "cache_folder", &cache);
  if (Get(*json, "deadline", &deadline)) file.deadline = ParseTime(deadline);
  if (auto cores = json->find("cores"); cores != json->end() && cores->is_array()) {
    for (const Json& core : *cores) {
      if (core.is_number_integer()) file.cores.push_back(core.get<int>());
    }
  }
  file.model_path = model;
  file.script_path = script;
  file.dataset_path = dataset;
  file.calibration_path = calibration;
  file.cache_folder = cache;
  file.output_folder = output;
  file.events_file = events;
  auto spec = json->find("spec");
  if (spec == json->end()) return bad("no spec");
  ParsedTaskSpec parsed = ParseTaskSpec(Dump(*spec));
  if (auto* errors = std::get_if<std::vector<FieldError>>(&parsed)) return bad(FieldErrorsToText(*errors));
  file.spec = std::get<TaskSpec>(std::move(parsed));
  return file;
}

}  // namespace ns
