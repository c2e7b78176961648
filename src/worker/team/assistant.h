// An assistant: helps the lead of a task with whatever it is given, until it is told that there is no more.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/status.h"
#include "worker/team/team_options.h"

namespace ns {

// Looks for the lead for as long as its patience lasts, and again whenever the connection breaks: another lead may come in its place. `say` hears
// what goes on, a line at a time. Ok: the lead said that there is no more to do, or none came. Errors: PermissionDenied (NOT_OF_THIS_TEAM); FailedPrecondition
// (NOT_WANTED: another version, or this worker was started again; INPUT_DIFFERS: the files here are not the lead's); errors of opening
// the model and the data; Cancelled.
Status Assist(const AssistOptions& options, const std::function<void(const std::string&)>& say, std::stop_token stop);

}  // namespace ns
