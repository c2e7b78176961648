// neural_solution: the service and its command line. The optimizer is another program, neural_solution_worker.
#include <cstring>

#include "app/serve.h"
#include "cli/cli.h"
#include "outpost/outpost.h"
#include "service/fetch_inputs.h"

int main(int argc, char** argv) {
  // A step of a task, run by its supervisor.
  if (argc >= 2 && std::strcmp(argv[1], "fetch-inputs") == 0) return ns::FetchInputsMain(argc, argv);
  if (argc >= 2 && std::strcmp(argv[1], "outpost") == 0) return ns::OutpostMain(argc, argv);  // by mpirun or Slurm, on a node
  return ns::RunCli(argc, argv, {ns::Serve, NS_VERSION, ns::MakeTokenHooks()});
}
