#include "executors/team_relay.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/replace_file.h"
#include "executors/ip_network.h"
#include "executors/relay.h"

namespace ns {

namespace {

// A machine that is gone is noticed as soon as the way to it by mpirun is.
constexpr int kSilenceSeconds = 12;

Result<std::unique_ptr<Relay>> ListenForAssistants(const TeamRelayPlan& plan) {
  NS_ASSIGN_OR_RETURN(std::vector<std::string> addresses, ReachableAddresses(plan.network));
  RelayOptions options;
  options.silence_seconds = kSilenceSeconds;
  options.to.path = plan.socket.string();
  options.listen.host = addresses.size() == 1 ? addresses[0] : addresses[0].find(':') == std::string::npos ? "0.0.0.0" : "::";
  NS_ASSIGN_OR_RETURN(auto relay, Relay::Listen(options));
  std::string text;
  for (const std::string& address : addresses) text += RelayAddress{"", address, relay->address().port}.ToString() + "\n";
  NS_RETURN_IF_ERROR(ReplaceFile(plan.address_file, text));
  return relay;
}

Result<std::unique_ptr<Relay>> ListenForWorker(const TeamRelayPlan& plan) {
  RelayOptions options;
  options.silence_seconds = kSilenceSeconds;
  options.listen.path = plan.socket.string();
  options.to_file = plan.address_file;
  return Relay::Listen(options);
}

}  // namespace

Result<TeamRelay> TeamRelay::Start(const TeamRelayPlan& plan) {
  if (plan.side == TeamRelayPlan::Side::kNone) return TeamRelay(0);
  NS_ASSIGN_OR_RETURN(auto relay, plan.side == TeamRelayPlan::Side::kLead ? ListenForAssistants(plan) : ListenForWorker(plan));
  pid_t self = ::getpid(), pid = ::fork();
  if (pid < 0) return ErrnoStatus(errno, "cannot start a process");
  if (pid > 0) return TeamRelay(pid);
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == self) relay->Run(-1);
  ::_exit(0);
}

TeamRelay::~TeamRelay() {
  if (pid_ <= 0 || ::waitpid(pid_, nullptr, WNOHANG) != 0) return;  // it has ended by itself
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

}  // namespace ns
