// The downloads of a task: its result folder as a zip, or one model of its Pareto set.
#pragma once

#include <filesystem>
#include <functional>

#include "base/status.h"

namespace ns {

// Makes `zip` from the regular files of `folder` (names without folders in front), streamed: memory stays small whatever their size. `zip`
// appears only when it is complete and durable; after a failure nothing is left of it. Files of more than 16 MiB are stored uncompressed.
// The models of the Pareto set (pareto/trial_N/model.onnx) are left out: they have zips of their own.
// `stop` is asked between pieces; true: give up.
// NotFound (NO_RESULT) when the folder is not there or empty; Cancelled (STOPPED).
Status ZipFolder(const std::filesystem::path& folder, const std::filesystem::path& zip, const std::function<bool()>& stop = {});

}  // namespace ns
