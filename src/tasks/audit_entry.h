// One line of the audit log.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "tasks/caller.h"

namespace ns {

// Without its line break; never contains one.
std::string AuditEntryJson(WallTime time, const Caller& caller, std::string_view action, std::string_view object, std::string_view outcome);

}  // namespace ns
