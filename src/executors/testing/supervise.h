// The supervisor of tests is the test program itself: called with "supervise" it is one, before main() and without GoogleTest.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace ns {

// For LocalExecutorOptions::supervisor_command.
std::vector<std::string> SupervisorOfTests();

// Also those that have ended and were not waited for.
std::vector<pid_t> ChildrenOf(pid_t pid);

}  // namespace ns
