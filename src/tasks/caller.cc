#include "tasks/caller.h"

namespace ns {

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kSubmit: return "submit";
    case Role::kRead: return "read";
    case Role::kAdmin: return "admin";
  }
  return "submit";
}

std::optional<Role> ParseRole(std::string_view name) {
  for (Role role : {Role::kSubmit, Role::kRead, Role::kAdmin}) {
    if (RoleName(role) == name) return role;
  }
  return std::nullopt;
}

Caller LocalCaller() { return {"", Role::kAdmin, ""}; }

}  // namespace ns
