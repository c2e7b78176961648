// The outpost of tests is the test program itself: called with "outpost" it is one, before main() and without GoogleTest.

#include <unistd.h>

#include "base/file.h"
#include "outpost/outpost.h"

namespace ns {

namespace {

// Before main().
const bool kOutpost = [] {
  auto text = ReadFile("/proc/self/cmdline").value_or("");
  std::vector<std::string> words;
  for (size_t at = 0; at < text.size(); at = text.find('\0', at) + 1) words.push_back(text.c_str() + at);
  if (words.size() < 2 || words[1] != "outpost") return false;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  ::_exit(OutpostMain(static_cast<int>(argv.size()), argv.data()));
}();

}  // namespace

}  // namespace ns
