// The request of `submit` as options: a table of names and the fields of the request that they set.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "tasks/request_fields.h"

namespace ns {

struct RequestOption {
  std::string names;  // "--name", or "" for what stands after "--"
  std::string value;  // what the help calls its value
  RequestField field;  // its values: those that were given
  std::string help;
  std::vector<std::string> choices = {};
  bool flag = false, given = false;  // a flag sets its field to `field.values` as they stand in the table
  std::string text = {};             // of an option that is given once
};

// In the order of the help. A deque: the command line points into it.
std::deque<RequestOption> RequestOptions();
void AddRequestOptions(Command& command, std::deque<RequestOption>* options);
// Once the command runs: the fields that were given.
std::vector<RequestField> GivenFields(const std::deque<RequestOption>& options);
// The options whose values are files of this machine, to be sent to a service that does not see them.
std::vector<RequestOption*> FileOptions(std::deque<RequestOption>* options);

}  // namespace ns
