// The manual page.
#pragma once

#include <string>

#include "cli/describe/description.h"

namespace ns {

// roff with the man macros, section 1. `sections`: what follows the commands, each a title and paragraphs between empty lines.
struct ManSection {
  std::string title, text;
};
std::string ManPage(const ProgramDescription& program, const std::vector<ManSection>& sections);

}  // namespace ns
