// neural_solution_supervisor: runs the steps of one attempt. A program of its own, so that it stays small and quick to start.
#include "executors/supervisor.h"

int main(int argc, char** argv) { return ns::SupervisorMain(argc, argv); }
