#include "executors/testing/supervise.h"

#include <unistd.h>

#include "base/file.h"
#include "base/subprocess.h"
#include "executors/process_tree.h"
#include "executors/supervisor.h"

namespace ns {

namespace {

// Before main().
const bool kSupervising = [] {
  auto text = ReadFile("/proc/self/cmdline").value_or("");
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) words.push_back(text.c_str() + at);
  if (words.size() < 2 || (words[1] != "supervise" && words[1] != "enter")) return false;
  if (words[1] == "supervise") words.erase(words.begin() + 1);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  ::_exit(SupervisorMain(static_cast<int>(argv.size()), argv.data()));
}();

}  // namespace

std::vector<std::string> SupervisorOfTests() { return {ThisProgram().value(), "supervise"}; }

std::vector<pid_t> ChildrenOf(pid_t pid) {
  std::vector<pid_t> children;
  for (const TreeProcess& process : ProcessTree(pid, 10'000)) {
    if (process.depth == 1) children.push_back(process.pid);
  }
  return children;
}

}  // namespace ns
