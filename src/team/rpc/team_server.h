// Lets assistants talk with a Team over a Unix socket (proto/team.proto).
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/status.h"
#include "team/team.h"

namespace ns {

class TeamServer {
 public:
  struct Options {
    std::filesystem::path socket;  // made, and replaced if one is there; readable by this user only
    std::string token;             // what each call must carry
    std::string program;           // version that assistants must have
    double heartbeat_seconds = 1;
  };
  // Listens at once. `team` outlives the server. Unavailable (CANNOT_LISTEN).
  static Result<std::unique_ptr<TeamServer>> Start(Options options, Team& team);
  // Ends the team, then breaks off what is left.
  ~TeamServer();

 private:
  struct State;
  explicit TeamServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ns
