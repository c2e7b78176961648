// Models as files that nobody needs after this process.
#pragma once

#include <filesystem>

#include "base/status.h"
#include "graph/model.h"

namespace ns {

// As Model::Save() with its defaults, but without syncing, which takes seconds for a large model: after a power cut the
// file may be damaged.
Status SaveScratch(const Model& model, const std::filesystem::path& file);

}  // namespace ns
