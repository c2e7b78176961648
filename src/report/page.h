// Reports as HTML for people, in the look of web/docs/style.css; no scripts, nothing from elsewhere. Everything that comes from a report is escaped.
#pragma once

#include <string>

#include "tasks/report.h"

namespace ns {

// The inside of a page of the service: the verdict, before and after, operators, trials, what was guessed.
std::string ReportPage(const std::string& task_id, const Report& report);

// A whole document that needs no other file. `body` is HTML, `title` is text.
std::string StandalonePage(std::string_view title, std::string_view body);

}  // namespace ns
