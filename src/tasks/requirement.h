// Requirements of a script's environment: what pip would take as one dependency, and nothing else it takes on a command line.
#pragma once

#include <string_view>

#include "base/status.h"

namespace ns {

// OK for a dependency specifier (PEP 508: name, extras, versions by PEP 440's characters, or "@ https://..." , and a marker). InvalidArgument
// (BAD_REQUIREMENT) that says what is wrong: options ("--index-url"), files ("-r x", "./x"), local and version-control addresses are none.
Status CheckRequirement(std::string_view text);

// Of one that CheckRequirement() takes, the address after its "@"; "": it has none.
std::string_view AddressOfRequirement(std::string_view text);

}  // namespace ns
