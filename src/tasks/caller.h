// Who asks: the token's name and what it may do. Every call of the service takes one; access control makes it (service/access_control.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ns {

// submit: submits, sees and cancels its own tasks. read: sees all tasks, changes nothing. admin: everything.
enum class Role { kSubmit, kRead, kAdmin };

std::string_view RoleName(Role role);
std::optional<Role> ParseRole(std::string_view name);

struct Caller {
  std::string name;         // of the token; "": somebody of this machine, or anybody where the service was started --insecure
  Role role = Role::kSubmit;
  std::string address;      // where the request came from, without the port; "": a socket of this machine
  bool operator==(const Caller&) const = default;

  bool may_submit() const { return role != Role::kRead; }
  bool sees_all() const { return role != Role::kSubmit; }
  bool is_admin() const { return role == Role::kAdmin; }
  // Tasks of others are, to a submitter, tasks that are not there.
  bool MaySee(std::string_view owner) const { return sees_all() || owner == name; }
};

// The service's own user on this machine, who needs no token.
Caller LocalCaller();

}  // namespace ns
