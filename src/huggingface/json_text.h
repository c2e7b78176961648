// JSON of strangers' files: parsed with bounds, its mistakes as a Status. Only for this folder's .cc files.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "base/status.h"

namespace ns {

// An object, at most `max_depth` levels deep (itself the first), no level of which has a key twice.
// InvalidArgument (`reason`): "`what` is not JSON: ...", "... is not a JSON object", "... has the key 'a' twice".
Result<nlohmann::json> ParseJsonObject(std::string_view text, std::string_view what, int max_depth,
                                       std::string_view reason);

}  // namespace ns
