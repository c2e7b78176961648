// A report for people.
#pragma once

#include <string>

#include "tasks/report.h"

namespace ns {

// The inside of a page: the verdict, before and after, trials, operators, what was guessed. Everything from the report is escaped.
std::string ReportPage(const std::string& task_id, const Report& report);

}  // namespace ns
