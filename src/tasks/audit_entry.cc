#include "tasks/audit_entry.h"

#include "tasks/json_fields.h"
#include "tasks/task_event.h"

namespace ns {

std::string AuditEntryJson(WallTime time, const Caller& caller, std::string_view action, std::string_view object, std::string_view outcome) {
  return Dump({{"time", FormatTime(time)}, {"caller", caller.name}, {"role", RoleName(caller.role)}, {"address", caller.address},
               {"action", action}, {"object", object}, {"outcome", outcome}});
}

}  // namespace ns
