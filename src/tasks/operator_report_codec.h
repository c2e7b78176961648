// An operator's figures as JSON. Private to tasks/.
#pragma once

#include "tasks/json_fields.h"
#include "tasks/operator_report.h"

namespace ns {

Json OperatorJson(const OperatorReport& one);
// Fields of another type than expected count as absent.
void ReadOperator(const Json& json, OperatorReport* out);

}  // namespace ns
