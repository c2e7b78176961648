// Names of models on the Hugging Face hub, where a model may be named: "owner/name", "owner/name@revision", "name".
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace ns {

struct HubName {
  std::string id;                   // "owner/name", or "name" for models from the hub's first days
  std::string revision = "main";    // branch, tag ("v1.0", "refs/pr/1") or commit
  std::string name() const { return id.substr(id.find('/') + 1); }
  std::string text() const { return revision == "main" ? id : id + "@" + revision; }
};

// Whoever calls it has seen that there is no file of that name: a path wins. InvalidArgument (BAD_HUB_NAME) for text that is none: other characters
// than letters, digits, '-', '_' and '.', parts that begin or end with '-' or '.', "--", "..", more than one '/', more than 96 characters, and
// names that end as files do which may be given instead (.onnx, .zip, .tar.gz, ...).
Result<HubName> ParseHubName(std::string_view text);

bool IsHubName(std::string_view text);

}  // namespace ns
