// Who may come in: tokens, and limits on how often somebody asks. The same for REST and gRPC.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "service/audit_log.h"
#include "service/rate_limiter.h"
#include "service/token_file.h"
#include "tasks/caller.h"

namespace ns {

// Thread-safe.
class AccessControl {
 public:
  struct Options {
    bool tokens_required = false;  // false: who brings no token is LocalCaller(); a token that is brought is checked all the same
    double requests_per_second = 0;  // of one token, or of one address without; 0: no limit. Twice as many at once
  };
  // References outlive it.
  AccessControl(const Options& options, const TokenFile& tokens, AuditLog& audit, const Clock& clock);

  // `authorization`: the header or metadata of that name, "" without. `address`: the client's, without its port. `open`: a call that needs
  // no token (is the service there?).
  // Unauthenticated (NO_TOKEN, BAD_TOKEN, TOKEN_EXPIRED); ResourceExhausted (RATE_LIMITED, TOO_MANY_BAD_TOKENS): ten wrong tokens from one
  // address, then one more each six seconds, since guessing is all that such a client can be doing; Unavailable (BAD_TOKEN_FILE).
  Result<Caller> Admit(std::string_view authorization, const std::string& address, bool open);

 private:
  Result<Caller> Identify(std::string_view authorization, const std::string& address, bool open);
  Status Refused(const Status& why, const std::string& address);

  const Options options_;
  const TokenFile& tokens_;
  AuditLog& audit_;
  const Clock& clock_;
  std::mutex mutex_;  // over the next two
  RateLimiter requests_, refusals_;
};

}  // namespace ns
