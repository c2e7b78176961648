// neural_solution: the service and its command line. The optimizer is another program, neural_solution_worker.
#include "app/serve.h"
#include "cli/cli.h"

int main(int argc, char** argv) {
  return ns::RunCli(argc, argv, {ns::Serve, NS_VERSION, ns::MakeTokenHooks()});
}
