// neural_solution: the service and its command line. The optimizer is another program, neural_solution_worker.
#include <cstring>

#include "app/serve.h"
#include "cli/cli.h"
#include "service/fetch_inputs.h"

int main(int argc, char** argv) {
  // A step of a task, run by its supervisor.
  if (argc >= 2 && std::strcmp(argv[1], "fetch-inputs") == 0) return ns::FetchInputsMain(argc, argv);
  return ns::RunCli(argc, argv, {ns::Serve, NS_VERSION, ns::MakeTokenHooks()});
}
