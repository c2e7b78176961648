// Commands and options, by CLI11, which stays in a few .cc files: it takes seconds to compile.
//
// An option's value is, in this order: what the command line says; for options that Configurable() allows it to, the environment variable
// NEURAL_SOLUTION_<NAME IN CAPITALS>, then the configuration file (config_file.h); its default. '-' and '_' in an option's name are the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/describe/description.h"

namespace ns {

// A command with its options. What an option is written to must live until Parse() has returned.
class Command {
 public:
  struct Node;  // holds the library's own object
  explicit Command(std::shared_ptr<Node> node) : node_(std::move(node)) {}

  // `names`: "-f,--follow", or "id" for a positional argument. Options take both "--opt value" and "--opt=value".
  Command& Option(const std::string& names, std::string* out, const std::string& help, bool required = false);
  Command& Option(const std::string& names, int* out, const std::string& help, int low, int high);
  Command& Option(const std::string& names, double* out, const std::string& help);
  Command& Choice(const std::string& names, std::string* out, const std::vector<std::string>& values, const std::string& help, bool required = false);
  Command& Flag(const std::string& names, bool* out, const std::string& help);
  // May be given more than once, a value each time; with `values`, each is one of them.
  Command& List(const std::string& names, std::vector<std::string>* out, const std::string& help, const std::vector<std::string>& values = {});
  // A size in bytes, with a unit or without (base/byte_size.h).
  Command& Bytes(const std::string& names, uint64_t* out, const std::string& help);
  // What the help calls the value of the option before.
  Command& ValueName(const std::string& word);
  // All that stands after "--", as it stands there.
  Command& Rest(const std::string& name, std::vector<std::string>* out, const std::string& help);
  // Accepted, not shown in the help.
  Command& Hidden(const std::string& names, std::string* out);
  // These options (by their long names; none: all so far that are shown) may also come from the environment and the configuration file.
  Command& Configurable(const std::vector<std::string>& names = {});
  // Long names of configurable options that say the same in different ways: from the environment or the file none of them is taken where one
  // comes from before it.
  Command& Rivals(const std::vector<std::string>& names);
  // What the command does; its result is the exit code.
  void Runs(std::function<int()> action);

  // Once it runs: the long names of the options that were given, wherever; and those of the command line as arguments "--name=value". The
  // others reach another process of this program by the environment and the file.
  std::vector<std::string> GivenNames() const;
  std::vector<std::string> GivenArguments() const;

 private:
  std::shared_ptr<Node> node_;
};

class CommandLine {
 public:
  CommandLine(const std::string& program, const std::string& description, const std::string& version);
  ~CommandLine();

  Command Add(const std::string& name, const std::string& description, const std::string& group);
  // Text at the end of the general help.
  void Footer(const std::string& text);

  // Parses and runs. 2 and one line on standard error for a wrong command line, environment or configuration file.
  int Parse(int argc, char** argv);

  // Without what is hidden.
  ProgramDescription Describe() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ns
