// TaskSpec from and to JSON: every check of a request that needs nothing but the request.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "tasks/task_spec.h"

namespace ns {

// One thing that is wrong with a request, as FastAPI reports it.
struct FieldError {
  std::vector<std::string> loc;  // "body", then field names and list positions: {"body", "tuning", "objective", "0"}
  std::string msg;               // what was found there and what is accepted
  std::string type;              // "value_error.missing", "value_error.extra", "type_error.integer", "value_error.not_available", ...
  bool operator==(const FieldError&) const = default;
};

// A TaskSpec, or everything that is wrong with the request at once (never empty then).
using ParsedTaskSpec = std::variant<TaskSpec, std::vector<FieldError>>;

// Bytes of a request's text: it is kept with its task, and in memory with those that are read often.
constexpr size_t kMostRequestBytes = 256 << 10;

// `body` is the text of a request. Unknown fields are errors that suggest the nearest known name. What the contract names and this
// version cannot do yet (plain scripts) is refused with the remedy, type "value_error.not_available".
ParsedTaskSpec ParseTaskSpec(std::string_view body);

// A request body that ParseTaskSpec turns into an equal spec. Fields at their default are left out.
std::string TaskSpecToJson(const TaskSpec& spec);

// {"detail": [{"loc": [...], "msg": ..., "type": ...}]}. A list position is written as a number.
std::string FieldErrorsToJson(const std::vector<FieldError>& errors);

// All errors in one line for people: "workers: must be 1 to 10000, got 0; ...".
std::string FieldErrorsToText(const std::vector<FieldError>& errors);

}  // namespace ns
