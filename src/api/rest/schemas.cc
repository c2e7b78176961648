// The objects of the REST API as JSON Schema (2020-12, as OpenAPI 3.1 has it). Requests: exactly what ParseTaskSpec takes, as far as a schema
// can say it; null counts as absent there. Answers: what a client may rely on.
#include <nlohmann/json.hpp>

#include "api/rest/openapi.h"
#include "tasks/task_spec.h"

namespace ns {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kRequests = R"json({
"JoinNodes": {"x-sample": {"nodes": "localhost 1 1"}, "type": "object", "required": ["nodes"], "additionalProperties": false, "properties": {"nodes": {"type": "string", "description": "a hostfile's text: name sockets cores_per_socket", "examples": ["host1 2 20; host2 4 20"]}}},
"TaskRequest": {
  "x-sample": {"model": "model.onnx", "dataset": "rows.npz", "metric": "accuracy"},
  "type": "object",
  "description": "Exactly one of model (with its dataset) and script_url.",
  "oneOf": [
    {"required": ["model", "dataset"], "properties": {"model": {"type": "string"}, "dataset": {"type": ["string", "object"]}, "script_url": {"type": "null"}}},
    {"required": ["script_url"], "properties": {"script_url": {"type": "string"}, "model": {"type": "null"}}}
  ],
  "properties": {
    "model": {"type": ["string", "null"], "minLength": 1, "description": "a .onnx file, or a Hugging Face model folder: a path below the service's --upload_path; or a model of the Hugging Face hub, owner/name[@revision]", "examples": ["model.onnx"]},
    "script_url": {"type": ["string", "null"], "description": "a script task: an address, or a folder below --upload_path that holds one .py file"},
    "optimized": {"enum": [true, false, "True", "False", null], "description": "the script calls an optimizer itself"},
    "arguments": {"type": ["array", "null"], "description": "the script's command line; quotes as in a shell, all of them closed",
      "items": {"type": ["string", "number"], "pattern": "^(?:[^'\"\\\\\\u0000]|\\\\[^\\u0000]|'[^'\\u0000]*'|\"(?:[^\"\\\\\\u0000]|\\\\[^\\u0000])*\")*$"}},
    "approach": {"enum": ["static", "static_ipex", "dynamic", "auto", null]},
    "requirements": {"type": ["array", "null"], "items": {"type": "string", "minLength": 1, "maxLength": 500}, "description": "pip requirement specifiers"},
    "workers": {"type": ["integer", "null"], "minimum": 1, "maximum": 10000, "default": 1},
    "priority": {"enum": [1, 2, 3, null], "default": 2, "description": "1 is the highest"},
    "dataset": {"anyOf": [{"type": "null"}, {"type": "string", "minLength": 1, "examples": ["rows.npz"]}, {"$ref": "#/components/schemas/Dataset"}]},
    "metric": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Metric"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Metric"}}]},
    "accuracy_criterion": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/AccuracyCriterion"}]},
    "tuning": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Tuning"}]},
    "name": {"type": ["string", "null"], "maxLength": 200},
    "labels": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
    "deadline": {"anyOf": [{"type": "null"}, {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1000000000}, {"type": "string", "format": "date-time"}], "description": "seconds from submission, or a time"},
    "idempotency_key": {"type": ["string", "null"], "maxLength": 200, "description": "the same key again returns the same task; also as header Idempotency-Key"},
    "webhook": {"type": ["string", "null"], "description": "an http(s) address that gets the final status"}
  },
  "additionalProperties": false
},
"Dataset": {
  "type": "object",
  "required": ["path"],
  "properties": {
    "path": {"type": "string", "minLength": 1, "description": ".npz, .csv, .tsv or .jsonl", "examples": ["rows.npz"]},
    "calibration": {"type": ["string", "null"], "description": "a second path, or a row range such as \"0:200\""},
    "columns": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {
      "text": {"type": ["string", "null"]}, "text_pair": {"type": ["string", "null"]}, "label": {"type": ["string", "null"]},
      "inputs": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}}, "additionalProperties": false}]},
    "calibration_samples": {"type": ["integer", "null"], "minimum": 1, "maximum": 10000000},
    "evaluation_samples": {"type": ["integer", "null"], "minimum": 0, "maximum": 9223372036854775807},
    "batch_size": {"type": ["integer", "null"], "minimum": 0, "maximum": 100000}
  },
  "additionalProperties": false
},
"Metric": {
  "anyOf": [
    {"enum": ["@METRICS@"]},
    {"type": "object", "required": ["name"], "properties": {
      "name": {"enum": ["@METRICS@"]},
      "parameters": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
      "criterion": {"enum": ["relative", "absolute", null]},
      "tolerable_loss": {"type": ["number", "null"], "minimum": 0},
      "higher_is_better": {"type": ["boolean", "null"]}}, "additionalProperties": false}
  ]
},
"AccuracyCriterion": {
  "type": "object",
  "properties": {
    "criterion": {"enum": ["relative", "absolute", null], "default": "relative"},
    "tolerable_loss": {"type": ["number", "null"], "minimum": 0, "default": 0.01},
    "higher_is_better": {"type": ["boolean", "null"]}
  },
  "additionalProperties": false
},
"Tuning": {
  "type": "object",
  "properties": {
    "strategy": {"enum": ["@STRATEGIES@", null]},
    "max_trials": {"type": ["integer", "null"], "minimum": 1, "maximum": 1000000, "default": 100},
    "timeout": {"type": ["number", "null"], "minimum": 0, "default": 0, "description": "seconds; 0: none"},
    "objective": {"anyOf": [
      {"enum": ["performance", "size", "memory", null]},
      {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["objective"], "properties": {
        "objective": {"enum": ["performance", "size", "memory"]}, "weight": {"type": ["number", "null"], "exclusiveMinimum": 0}}, "additionalProperties": false}}]},
    "latency": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {
      "threads": {"type": ["integer", "null"], "minimum": 0, "maximum": 1024}, "batch": {"type": ["integer", "null"], "minimum": 1, "maximum": 100000}}, "additionalProperties": false}]},
    "quantization": {"anyOf": [{"type": "null"}, {"type": "object", "properties": {
      "dtypes": {"type": ["array", "null"], "items": {"enum": ["@DTYPES@"]}},
      "granularities": {"type": ["array", "null"], "items": {"enum": ["per_channel", "per_tensor"]}},
      "calibration_methods": {"type": ["array", "null"], "items": {"enum": ["@CALIBRATIONS@"]}},
      "excluded_operators": {"type": ["array", "null"], "items": {"type": "string"}}}, "additionalProperties": false}]},
    "recipes": {"type": ["object", "null"], "additionalProperties": {"type": "boolean"}},
    "seed": {"type": ["integer", "null"], "minimum": 0, "maximum": 9223372036854775807},
    "cache": {"type": ["boolean", "null"], "default": true},
    "stop_at_goal": {"type": ["boolean", "null"], "default": false}
  },
  "additionalProperties": false
}
})json";

constexpr const char* kAnswers = R"json({
"Error": {
  "type": "object",
  "required": ["detail"],
  "properties": {"detail": {"anyOf": [{"type": "string"}, {"type": "array", "items": {
    "type": "object", "required": ["loc", "msg", "type"],
    "properties": {"loc": {"type": "array", "items": {"type": ["string", "integer"]}}, "msg": {"type": "string"}, "type": {"type": "string"}}}}]}}
},
"Message": {"type": "object", "required": ["message"], "properties": {"message": {"type": "string"}}},
"Ping": {"type": "object", "required": ["status", "msg"], "properties": {"status": {"enum": ["Healthy", "Failed"]}, "msg": {"type": "string"}}},
"Health": {"type": "object", "required": ["status"], "properties": {"status": {"enum": ["ok", "failed"]}, "reason": {"type": "string"}}},
"Submitted": {
  "type": "object", "required": ["status", "task_id", "msg"],
  "properties": {"status": {"const": "successfully"}, "task_id": {"type": "string", "pattern": "^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$"}, "msg": {"type": "string"}}
},
"Cancelled": {"type": "object", "required": ["status", "task_id"], "properties": {"status": {"const": "cancelled"}, "task_id": {"type": "string"}}},
"OptimizedResult": {
  "type": "object", "description": "empty until the task is done",
  "properties": {"optimization time (seconds)": {"type": "string"}, "accuracy": {"type": "string"}, "Accuracy": {"type": "string"},
    "duration (seconds)": {"type": "string"}, "Duration (seconds)": {"type": "string"}}
},
"TuningInfo": {
  "type": "object",
  "properties": {
    "baseline": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["Accuracy", "Duration (seconds)"]}]},
    "message": {"anyOf": [{"type": "string"}, {"type": "object", "required": ["Tuning count", "Accuracy", "Duration (seconds)"]}]}}
},
"TaskStatus": {
  "type": "object", "required": ["status", "tuning_info", "optimization_result", "optimized_result", "result_path"],
  "properties": {
    "status": {"enum": ["pending", "running", "done", "failed", "cancelled", "Please check url."]},
    "tuning_info": {"$ref": "#/components/schemas/TuningInfo"},
    "optimization_result": {"$ref": "#/components/schemas/OptimizedResult"},
    "optimized_result": {"$ref": "#/components/schemas/OptimizedResult"},
    "result_path": {"type": "string"},
    "details": {"type": "object", "description": "ours: name, reason, message, attempt, ahead, stage, seconds_left, estimate (seconds and memory_bytes expected before it began), note, workers (asked, now, most, useful, joined, note), where (a worker's node, and what the scheduler there says of it), baseline, best, result, submitted, started, ended, attempts, webhook"}}
},
"Task": {
  "type": "object", "required": ["status", "optimized_result", "result_path"],
  "properties": {"status": {"enum": ["pending", "running", "done", "failed", "cancelled"]}, "optimized_result": {"$ref": "#/components/schemas/OptimizedResult"}, "result_path": {"type": "string"}}
},
"TaskTable": {"type": "object", "required": ["message"], "properties": {"message": {"type": "array", "description": "[id, arguments, workers, status, script_url, optimized, approach, requirements, result, q_model_path]", "items": {"type": "array", "minItems": 10}}}},
"TaskList": {
  "type": "object", "required": ["tasks", "next"],
  "properties": {"tasks": {"type": "array", "items": {"type": "object", "required": ["id", "order", "status", "priority"],
      "properties": {"id": {"type": "string"}, "order": {"type": "integer"}, "status": {"enum": ["pending", "running", "done", "failed", "cancelled"]}, "priority": {"type": "integer"}}}},
    "next": {"type": ["integer", "null"], "description": "the after of the next page"}}
},
"Trials": {
  "type": "object", "required": ["trials"],
  "properties": {"trials": {"type": "array", "items": {"type": "object", "required": ["index", "configuration", "metric", "accuracy", "duration_seconds"],
    "properties": {"index": {"type": "integer"}, "configuration": {"type": "string"}, "metric": {"type": "string"}, "accuracy": {"type": ["number", "null"]}, "duration_seconds": {"type": ["number", "null"]}}}}}
},
"Report": {
  "type": "object", "required": ["verdict", "goal_met"],
  "properties": {"verdict": {"type": "string"}, "goal_met": {"type": "boolean"}, "baseline": {"type": "object"}, "optimized": {"type": "object"}, "speedup": {"type": "object"}, "session": {"type": "object"},
    "accuracy_difference": {"type": "object"}, "operators": {"type": "array"}, "trials": {"type": "array"}, "guesses": {"type": "array"}}
},
"Recipe": {"type": "object"},
"Cluster": {"type": "object", "required": ["Cluster info"], "properties": {"Cluster info": {"type": "array", "description": "[id, name, node info, status, free, busy, total], slots counted in workers", "items": {"type": "array", "minItems": 7, "maxItems": 7}}}},
"File": {
  "type": "object", "required": ["id", "reference", "name", "sha256", "size", "created", "complete"],
  "properties": {"id": {"type": "string", "pattern": "^[0-9a-f]{32}$"}, "reference": {"type": "string", "description": "what stands for it in a task: upload:<id>"},
    "name": {"type": "string"}, "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "size": {"type": "integer"}, "created": {"type": "string"},
    "complete": {"const": true}, "owner": {"type": "string"}}
},
"FilePart": {
  "type": "object", "required": ["name", "complete", "received", "size"],
  "properties": {"name": {"type": "string"}, "complete": {"const": false}, "received": {"type": "integer", "description": "the next piece begins here"}, "size": {"type": ["integer", "null"]}}
},
"FileOrPart": {"anyOf": [{"$ref": "#/components/schemas/File"}, {"$ref": "#/components/schemas/FilePart"}]},
"FileList": {"type": "object", "required": ["files"], "properties": {"files": {"type": "array", "items": {"$ref": "#/components/schemas/File"}}}},
"WrongOffset": {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}, "received": {"type": "integer", "description": "the next piece begins here"}}},
"Description": {"type": "object", "additionalProperties": {"type": "object"}},
"OpenApi": {"type": "object", "required": ["openapi", "info", "paths", "components"]}
})json";

Json Names(const std::vector<std::string>& names) { return names; }

// Puts the names that the code knows where a list holds their placeholder.
void Fill(Json* json) {
  if (json->is_array()) {
    Json filled = Json::array();
    for (Json& item : *json) {
      Json names = item == "@METRICS@"        ? Names(KnownMetrics())
                   : item == "@STRATEGIES@"   ? Names(KnownStrategies())
                   : item == "@CALIBRATIONS@" ? Names(KnownCalibrationMethods())
                   : item == "@DTYPES@"       ? Names(KnownDtypes())
                                              : Json();
      if (names.is_null()) Fill(&item), names = Json::array({item});
      for (Json& name : names) filled.push_back(std::move(name));
    }
    *json = std::move(filled);
  } else if (json->is_object()) {
    for (auto& [key, value] : json->items()) Fill(&value);
  }
}

}  // namespace

std::string ApiSchemas() {
  Json schemas = Json::parse(kRequests);
  Fill(&schemas);
  schemas.update(Json::parse(kAnswers));
  return schemas.dump();
}

}  // namespace ns
