// The relay of a worker whose team may be on other machines: a small process beside its steps, which ends with its supervisor. The lead's takes
// connections by TCP and leads them to the lead's socket; an assistant's listens at the socket that its worker knows and leads to the lead's machine,
// whose address it reads from the shared folder for each connection. So a lead that was started elsewhere is found again.
#pragma once

#include <sys/types.h>

#include "base/status.h"
#include "tasks/step_plan.h"

namespace ns {

class TeamRelay {
 public:
  // Listens, tells of a lead's address, and starts the process; nothing where the plan has no relay. FailedPrecondition (NO_ADDRESS) when the machine has
  // no address of the network; errors of Relay::Listen() and of the system. Never call it in a process with other threads.
  static Result<TeamRelay> Start(const TeamRelayPlan& plan);
  ~TeamRelay();  // ends the process
  TeamRelay(TeamRelay&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  TeamRelay(const TeamRelay&) = delete;
  TeamRelay& operator=(const TeamRelay&) = delete;

  // 0: there is none.
  pid_t pid() const { return pid_; }

 private:
  explicit TeamRelay(pid_t pid) : pid_(pid) {}
  pid_t pid_ = 0;
};

}  // namespace ns
