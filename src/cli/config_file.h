// The configuration file: options by their long names, one a line.
//   # comment
//   restful_api_port = 8080
//   insecure = true
//   upload_path = "/srv/models and data"
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ns {

struct ConfigEntry {
  std::string name, value;
  int line = 0;
};

struct ConfigFile {
  std::filesystem::path path;  // empty: there is none
  std::vector<ConfigEntry> entries;

  const ConfigEntry* Find(const std::string& name) const;
};

// `known`: the names that may stand there. InvalidArgument (BAD_CONFIG) names the line and, for an unknown name, the nearest known one.
Result<ConfigFile> ParseConfig(const std::filesystem::path& path, std::string_view text, const std::vector<std::string>& known);

// The file that is meant: `given`, which has to be there; else $NEURAL_SOLUTION_CONFIG, which has to, too; else the first of
// $XDG_CONFIG_HOME/neural_solution.conf (~/.config without that variable) and /etc/neural_solution.conf that is there; else none.
Result<ConfigFile> LoadConfig(const std::string& given, const std::vector<std::string>& known);

// The one of `known` that is nearest to `word`, if it is near.
std::optional<std::string> Nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace ns
