// The supervisor of tests is the test program itself: called with "supervise" it is one, before main() and without GoogleTest.
#pragma once

#include <string>
#include <vector>

namespace ns {

// For LocalExecutorOptions::supervisor_command.
std::vector<std::string> SupervisorOfTests();

}  // namespace ns
