// Whether a machine can run workers: `neural_solution_supervisor --probe ...`, which the service has run there.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ns {

struct NodeProbe {
  std::filesystem::path shared_file;  // of the workspace; where nodes do not see that, the folder that they keep their own files in
  std::string content;                // what the file must hold: another machine's of the same name is not ours
  std::filesystem::path worker;       // the worker program
  int cores = 1;                      // how many are needed
  bool sandbox = true;
  std::vector<std::string> services = {};  // not empty: nodes do not see the workspace, and one of these addresses leads to the service
};

// As words of a command line, behind "--probe".
std::vector<std::string> ProbeWords(const NodeProbe& probe);

// "": workers can run on this machine; else why not, in one line.
std::string Probe(const NodeProbe& probe);

// Says what is wrong, and ends with 1; 0 when nothing is; 64 for bad words.
int ProbeMain(const std::vector<std::string>& words);

}  // namespace ns
