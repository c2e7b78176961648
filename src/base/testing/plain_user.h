// Tests of what root may do anyway.
#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

namespace ns {

inline constexpr uid_t kPlainUser = 65534;  // nobody

// Runs `body` in a process of its own that permissions hold for: where we are root, as nobody. True if `body` returns true.
inline bool AsPlainUser(const std::function<bool()>& body) {
  pid_t pid = ::fork();
  if (pid == 0) {
    bool plain = ::geteuid() != 0 || (::setresgid(kPlainUser, kPlainUser, kPlainUser) == 0 && ::setresuid(kPlainUser, kPlainUser, kPlainUser) == 0);
    ::_exit(plain && body() ? 0 : 1);
  }
  int status = 1;
  return pid > 0 && ::waitpid(pid, &status, 0) == pid && status == 0;
}

}  // namespace ns
