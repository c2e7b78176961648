// neural_solution: the service and its command line. The optimizer is another program, neural_solution_worker.
#include <cstring>

#include "app/serve.h"
#include "cli/cli.h"
#include "executors/supervisor.h"

int main(int argc, char** argv) {
  // Before everything else: a supervisor stays small, single-threaded and quick to start.
  if (argc >= 2 && std::strcmp(argv[1], "supervise") == 0) return ns::SupervisorMain(argc, argv);
  return ns::RunCli(argc, argv, {ns::Serve, NS_VERSION});
}
