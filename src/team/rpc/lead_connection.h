// An assistant's end of its conversation with the lead (proto/team.proto).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"

namespace ns {

struct Introduction {
  std::filesystem::path socket;
  std::string token;
  int worker = 1;
  uint64_t fence = 0;
  int threads = 1;
  std::string processor;
  std::string program;  // version
  std::vector<std::string> killed = {};  // digests of the pieces that it was killed for its memory with, once for each time
};

// What the lead says.
struct WelcomeWords {
  std::string task;
  double heartbeat_seconds = 1;
};
struct GivenItem {
  int64_t lease = 0;
  std::string kind, payload;
};
struct StopItem {
  int64_t lease = 0;
};
struct EndOfWork {
  std::string why;
};
using LeadWords = std::variant<WelcomeWords, GivenItem, StopItem, EndOfWork>;

// Thread-safe; one thread reads.
class LeadConnection {
 public:
  // Says who we are. Does not wait for an answer: the first Read() tells.
  static Result<std::unique_ptr<LeadConnection>> Open(const Introduction& who);
  ~LeadConnection();

  // The lead's next words; blocks. PermissionDenied (NOT_OF_THIS_TEAM): a wrong token; FailedPrecondition (NOT_WANTED): another version, or
  // a later start of this worker is there; Unavailable: no lead answers, or the connection broke; try again.
  Result<LeadWords> Read();

  // False: the connection is broken, as Read() will say.
  bool SendReady();
  bool SendHeartbeat(int64_t lease, double done);
  bool SendResult(int64_t lease, std::string_view result);
  bool SendGiveBack(int64_t lease, const std::string& why);

  // The content behind a digest, checked. NotFound; Unavailable; DataLoss (DIGEST_MISMATCH).
  Result<std::string> Fetch(const std::string& digest);
  // No more from us: nothing that we had is held against anyone.
  void SendGoodbye();
  // Breaks it off; Read() then ends.
  void Close();

 private:
  struct State;
  explicit LeadConnection(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ns
